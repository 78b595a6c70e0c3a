import CoupletText

extension TrialPlan {
    /// The trials with their values, and which are impossible and why: what `--dry-run` prints.
    public var listing: String {
        let impossible = trials.filter { $0.configuration == nil }
        let count =
            "\(trials.count) \(trials.count == 1 ? "trial" : "trials")"
            + (impossible.isEmpty ? "" : ", \(impossible.count) of them impossible")
        let goal = specification.goal == .minimize ? "lower" : "higher"
        var lines = ["\(specification.name): \(count); \(specification.metric), \(goal) is better"]
        if let halving = specification.halving, let rungs {
            var left = possible.count
            let stages = rungs.map { steps -> String in
                defer { left = halving.survivors(of: left) }
                return "\(left) to step \(steps)"
            }
            lines.append("halving: \(stages.joined(separator: ", "))")
        }
        var table = TextTable()
        table.add(["trial"] + TrialNaming.shortened(specification.varied.map(\.key)) + ["steps"])
        for trial in trials {
            table.add(
                [trial.name] + trial.values.map(\.description) + [
                    trial.configuration.map { "\($0.train.steps)" } ?? "impossible"
                ])
        }
        var text = lines.joined(separator: "\n") + "\n" + table.text()
        if !impossible.isEmpty {
            text += "impossible:\n" + SweepTable.reasons(impossible.map { ($0.name, $0.problem) })
        }
        return text
    }
}
