import CoupletText

extension SweepTable {
    /// The trials that are done, the best first, then those that halving left and those that failed: what `couplet sweep` prints at its end.
    public var text: String {
        let ranked = self.ranked
        var table = TextTable()
        table.add(["trial"] + TrialNaming.shortened(keys) + [metric, "steps", "seconds"])
        let dropped = self.dropped
        for row in ranked + dropped {
            table.add(
                [row.trial.prefix { $0 != "_" } + (row.status == .dropped ? ", dropped" : "")] + row.values + [
                    row.metric.map { ProgressText.significant($0) } ?? "-", row.steps.map(String.init) ?? "-",
                    TextTable.fixed(row.seconds, 1),
                ])
        }
        var text = "\(name): \(ranked.count) of \(rows.count) trials done, the best first\n"
        if !ranked.isEmpty || !dropped.isEmpty { text += table.text() }
        let failed = rows.filter { $0.status == .failed }
        if !failed.isEmpty { text += "failed:\n" + Self.reasons(failed.map { ($0.trial, $0.reason) }) }
        return text
    }

    /// A line a reason, with the trials that have it.
    static func reasons(_ failed: [(trial: String, reason: String)]) -> String {
        var reasons: [(text: String, trials: [String])] = []
        for (trial, reason) in failed {
            if let index = reasons.firstIndex(where: { $0.text == reason }) {
                reasons[index].trials.append(trial)
            } else {
                reasons.append((reason, [trial]))
            }
        }
        let shown = 4
        return reasons.map { reason in
            let more = reason.trials.count > shown ? " and \(reason.trials.count - shown) more" : ""
            return "  \(reason.trials.prefix(shown).joined(separator: ", "))\(more): \(reason.text)\n"
        }.joined()
    }
}
