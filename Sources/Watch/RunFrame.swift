import CoupletReports
import CoupletText

/// The picture of a run in a terminal: state, step, speed and time left, the best evaluation, and curves.
struct RunFrame {
    let run: RunProgress
    let style: DotCanvas.Style

    /// At most `height` lines of at most `width` columns, without control characters.
    func lines(width: Int, height: Int) -> [String] {
        let head = Array(header(width).prefix(height))
        return head + panels(width, height - head.count)
    }

    private func header(_ width: Int) -> [String] {
        var lines = FrameText.wrapped("\(run.folder.path): \(statusText)", width, atMost: 4)
        if let step = run.step {
            var parts = ["step \(step)" + (run.plannedSteps.map { "/\($0)" } ?? "")]
            if let planned = run.plannedSteps, planned > 0 { parts.append("\(min(100, 100 * step / planned)) %") }
            if let loss = run.metrics.last("loss") { parts.append("loss \(NumberText.significant(loss))") }
            if let speed = run.speed { parts.append("\(NumberText.grouped(speed)) pairs/s") }
            if let left = run.secondsLeft { parts.append("\(DurationText.clock(left)) left") }
            lines.append(FrameText.fitted(parts, width))
        }
        if let best = run.best {
            let split = run.metrics.evaluationSplit
            lines.append(
                FrameText.fitted(
                    [
                        "best \(name(run.bestMetric)) \(NumberText.significant(best.value))", "at step \(best.step)",
                        split,
                    ],
                    width))
        }
        return lines
    }

    private var statusText: String {
        let from = run.checkpoint.map { "continues from step \($0)" } ?? "starts it again: it has no checkpoint yet"
        let resume = "the same command with --resume \(from)"
        return switch run.status {
        case .starting: "starting: it has not begun to train"
        case .running: run.step == nil ? "running: no step is logged yet" : "running"
        case .done: "done"
        case .stopped(let message): message
        case .failed(let reason): "failed: \(reason); when that is mended, \(resume)"
        case .interrupted: "was killed, or its machine failed: the log has no end; \(resume)"
        }
    }

    private func name(_ metric: String) -> String {
        metric == "retrieval.mean_reciprocal_rank" ? "MRR" : metric
    }

    // MARK: - Curves

    /// The curves that have values, the most important one first.
    private var curves: [CurvePanel.Curve] {
        let metrics = run.metrics, evaluations = metrics.evaluations, split = metrics.evaluationSplit
        func curve(_ label: String, _ history: MetricsHistory, _ column: String) -> CurvePanel.Curve? {
            history[column].map { CurvePanel.Curve(name: label, steps: history.steps, values: $0) }
        }
        return [
            curve("loss", metrics, "loss"),
            curve("\(split) \(name(run.bestMetric))", evaluations, run.bestMetric),
            curve("\(split) loss", evaluations, "loss.mean"),
            curve("gradient norm", metrics, "gradient_norm"),
            curve("pairs/s", metrics, "pairs_per_second"),
            curve("learning rate", metrics, "learning_rate"),
            curve("temperature", metrics, "temperature"),
        ].compactMap(\.self).filter { !$0.isEmpty }
    }

    private func panels(_ width: Int, _ height: Int) -> [String] {
        let curves = self.curves
        guard height >= CurvePanel.smallestHeight, width >= CurvePanel.smallestWidth, !curves.isEmpty else {
            return []
        }
        // As few columns as the height allows, because a wide curve shows more.
        let mostRows = max(1, height / 9)
        let columns = max(1, min(width / 38, (curves.count + mostRows - 1) / mostRows))
        let rows = min((curves.count + columns - 1) / columns, mostRows)
        // A column of space between two panels.
        let panelWidth = (width - 2 * (columns - 1)) / columns, panelHeight = min(20, height / rows)
        let shown = Array(curves.prefix(rows * columns))
        return stride(from: 0, to: shown.count, by: columns).flatMap { start -> [String] in
            let panels = shown[start..<min(shown.count, start + columns)].map {
                CurvePanel(curve: $0, width: panelWidth, height: panelHeight, style: style).lines
            }
            return (0..<panelHeight).map { row in panels.map { $0[row] }.joined(separator: "  ") }
        }
    }
}
