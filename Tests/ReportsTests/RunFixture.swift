import TestSupport

extension TemporaryFolder {
    /// Writes `metrics.jsonl` and `config.yaml` of a run that logs every tenth step.
    /// - Parameters:
    ///   - losses: The losses as JSON.
    ///   - extra: Text that follows the metrics.
    func writeRun(_ name: String, losses: [String], rate: Double = 0.01, extra: String = "") throws {
        let lines = losses.enumerated().map { index, loss in
            let step = (index + 1) * 10
            return "{\"step\": \(step), \"loss\": \(loss), \"learning_rate\": \(rate), "
                + "\"gradient_norm\": \(1.0 / Double(step)), \"temperature\": 1.0, "
                + "\"pairs_per_second\": \(1000.0 + Double(step % 7)), \"seconds\": \(Double(step) / 10)}\n"
        }
        try write("\(name)/metrics.jsonl", lines.joined() + extra)
        try write(
            "\(name)/config.yaml",
            "name: a\nseed: 1\noptimizer:\n  learning_rate: \(rate)\ntrain:\n  steps: \(losses.count * 10)\n")
    }
}
