import CoupletSweeps
import CoupletText

/// The picture of a sweep in a terminal: counts of trials, the best one so far, time left, and a table of the trials.
struct SweepFrame {
    let sweep: SweepProgress

    /// At most `height` lines of at most `width` columns, without control characters.
    func lines(width: Int, height: Int) -> [String] {
        guard let table = sweep.table else {
            return FrameText.wrapped("\(sweep.folder.path): starting: it has no table yet", width, atMost: height)
        }
        var lines = FrameText.wrapped("\(sweep.folder.path): \(statusText)", width, atMost: 3)
        var counts = ["\(sweep.trials.count) trials"]
        for status in [TrialStatus.done, .running, .failed, .dropped, .pruned, .waiting] where sweep.count(status) > 0 {
            counts.append("\(sweep.count(status)) \(word(status))")
        }
        if let left = sweep.secondsLeft { counts.append("\(DurationText.clock(left)) left") }
        lines.append(FrameText.fitted(counts, width))
        if let best = sweep.best, let metric = best.metric {
            lines.append(
                FrameText.fitted(
                    ["best \(table.metric) \(NumberText.significant(metric))", best.trial, "(\(table.goal.rawValue))"],
                    width))
        }
        return Array((lines + rows(table, width, height - lines.count)).prefix(height))
    }

    /// The state of a trial; no trial runs while no process runs the sweep.
    private func word(_ status: TrialStatus) -> String {
        status == .running && !sweep.isActive ? "interrupted" : status.rawValue
    }

    private var statusText: String {
        if sweep.isActive { return "running" }
        let open = sweep.count(.waiting) + sweep.count(.running)
        if open == 0 {
            let failed = sweep.count(.failed)
            return failed == 0
                ? "done" : "done; the same command with --resume --retry-failed tries failed trials again"
        }
        return "stopped or killed; the same command with --resume continues it"
    }

    /// The table: running trials, finished ones with the best first, then failed and waiting ones.
    private func rows(_ table: SweepTable, _ width: Int, _ height: Int) -> [String] {
        guard height >= 2 else { return [] }
        let ranks = Dictionary(
            uniqueKeysWithValues: (table.ranked + table.dropped).enumerated().map { ($1.trial, $0) })
        func group(_ status: TrialStatus) -> Int {
            switch status {
            case .running: 0
            case .done: 1
            case .dropped, .pruned: 2
            case .failed: 3
            case .waiting: 4
            }
        }
        let ordered = sweep.trials.enumerated().sorted { a, b in
            let first = (group(a.element.status), ranks[a.element.row.trial] ?? 0, a.offset)
            return first < (group(b.element.status), ranks[b.element.row.trial] ?? 0, b.offset)
        }.map(\.element)
        // One line for the head, and one for the number of trials that are not shown.
        let room = height - 1, shown = ordered.count > room ? Array(ordered.prefix(max(0, room - 1))) : ordered
        var text = TextTable()
        text.add(["trial", "state", "step", table.metric] + TrialNaming.shortened(table.keys))
        for trial in shown {
            let step = trial.step.map { "\($0)" + (trial.plannedSteps.map { "/\($0)" } ?? "") } ?? ""
            let values = trial.status == .failed ? [trial.row.reason] : trial.row.values
            text.add(
                [
                    String(trial.row.trial.prefix { $0 != "_" }), word(trial.status), step,
                    trial.metric.map { NumberText.significant($0) } ?? "",
                ] + values)
        }
        var lines = TerminalText.escaped(text.text(indent: 0)).split(separator: "\n").map { String($0.prefix(width)) }
        if shown.count < ordered.count { lines.append("and \(ordered.count - shown.count) more") }
        return lines
    }
}
