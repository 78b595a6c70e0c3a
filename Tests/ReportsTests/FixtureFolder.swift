import Foundation

/// Folders of runs and sweeps made for a test, removed after it.
final class FixtureFolder {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory.appendingPathComponent("couplet-reports-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws {
        let file = URL(fileURLWithPath: "\(path)/\(name)")
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: file, atomically: true, encoding: .utf8)
    }

    /// A line of metrics.jsonl; the loss as it is to stand there.
    static func line(_ step: Int, loss: String, rate: Double = 0.01) -> String {
        "{\"step\": \(step), \"loss\": \(loss), \"learning_rate\": \(rate), \"gradient_norm\": \(1.0 / Double(step)), \"temperature\": 1.0, "
            + "\"pairs_per_second\": \(1000.0 + Double(step % 7)), \"seconds\": \(Double(step) / 10)}\n"
    }

    func writeRun(_ name: String, losses: [String], rate: Double = 0.01, extra: String = "") throws {
        let lines = losses.enumerated().map { Self.line(($0 + 1) * 10, loss: $1, rate: rate) }.joined()
        try write("\(name)/metrics.jsonl", lines + extra)
        try write(
            "\(name)/config.yaml",
            "name: a\nseed: 1\noptimizer:\n  learning_rate: \(rate)\ntrain:\n  steps: \(losses.count * 10)\n")
    }
}
