import Evaluation
import Training

extension SweepTable {
    /// The trials that are done, the best first, then those that halving left and those that failed: what `couplet sweep` prints at its end.
    public var text: String {
        let ranked = self.ranked
        var table = TextTable()
        table.add(["trial"] + TrialName.shortened(keys) + [metric, "steps", "seconds"])
        let dropped = rows.enumerated().filter { $0.element.status == .dropped }
            .sorted { (-($0.element.steps ?? 0), $0.offset) < (-($1.element.steps ?? 0), $1.offset) }.map(\.element)
        for row in ranked + dropped {
            table.add(
                [row.trial.prefix { $0 != "_" } + (row.status == .dropped ? ", dropped" : "")] + row.values + [
                    row.metric.map { ProgressText.significant($0) } ?? "-", row.steps.map(String.init) ?? "-", TextTable.fixed(row.seconds, 1),
                ])
        }
        var text = "\(name): \(ranked.count) of \(rows.count) trials done, the best first\n"
        if !ranked.isEmpty || !dropped.isEmpty { text += table.text() }
        let failed = rows.filter { $0.status == .failed }
        if !failed.isEmpty { text += "failed:\n" + failed.map { "  \($0.trial): \($0.reason)\n" }.joined() }
        return text
    }
}
