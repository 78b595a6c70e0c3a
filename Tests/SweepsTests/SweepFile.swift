import CoupletSweeps
import Foundation

/// A folder with a base config and a sweep of it.
final class SweepFile {
    let folder: String

    static let base = """
        data: {source: gaussian, dimensions: [4, 3], correlations: [0.8, 0.5]}
        encoders: {embedding: 2, first: {kind: linear, bias: false}, second: {kind: linear, bias: false}}
        batch: {size: 64, shards: 4}
        optimizer: {kind: adam, learning_rate: 0.01}
        train: {steps: 900}

        """

    init(base: String = SweepFile.base) throws {
        folder =
            FileManager.default.temporaryDirectory.appendingPathComponent("couplet-sweep-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try base.write(toFile: "\(folder)/base.yaml", atomically: true, encoding: .utf8)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func write(_ text: String) throws -> String {
        try text.write(toFile: "\(folder)/sweep.yaml", atomically: true, encoding: .utf8)
        return "\(folder)/sweep.yaml"
    }

    func specification(_ text: String, _ overrides: [String] = []) throws -> SweepSpecification {
        try SweepSpecification.load(path: write(text), overrides: overrides)
    }

    /// A sweep that varies the given keys.
    func plan(vary: String, _ more: String = "") throws -> TrialPlan {
        try TrialPlan(
            specification(
                "base: base.yaml\nvary:\n  \(vary)\nmetric: gaussian.coupling_error\ngoal: minimize\n\(more)\n"))
    }
}
