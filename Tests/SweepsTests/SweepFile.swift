import CoupletSweeps
import TestSupport

/// A folder with a base config and a sweep of it.
struct SweepFile {
    let folder = TemporaryFolder()

    static let base = """
        data: {source: gaussian, dimensions: [4, 3], correlations: [0.8, 0.5]}
        encoders: {embedding: 2, first: {kind: linear, bias: false}, second: {kind: linear, bias: false}}
        batch: {size: 64, shards: 4}
        optimizer: {kind: adam, learning_rate: 0.01}
        train: {steps: 900}

        """

    init(base: String = SweepFile.base) throws { try folder.write("base.yaml", base) }

    /// Writes `sweep.yaml` and returns its path.
    func write(_ text: String) throws -> String { try folder.write("sweep.yaml", text) }

    func specification(_ text: String, _ overrides: [String] = []) throws -> SweepSpecification {
        try SweepSpecification.load(path: write(text), overrides: overrides)
    }

    /// The plan of a sweep that varies the given keys.
    func plan(vary: String, _ more: String = "") throws -> TrialPlan {
        try TrialPlan(
            specification(
                "base: base.yaml\nvary:\n  \(vary)\nmetric: gaussian.coupling_error\ngoal: minimize\n\(more)\n"))
    }
}
