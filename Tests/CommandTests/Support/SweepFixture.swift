import CoupletSweeps
import Foundation
import TestSupport
import Testing

/// A sweep of small Gaussian trials in a folder of its own.
struct SweepFixture {
    let folder: TrainingFolder
    let sweep: String

    init(vary: String, _ more: String = "", steps: Int = 60) throws {
        folder = try TrainingFolder(TrainingFolder.gaussian(steps: steps, checkpointEvery: 5))
        sweep = try folder.files.write(
            "sweep.yaml", "base: c.yaml\nvary:\n  \(vary)\nmetric: gaussian.coupling_error\ngoal: minimize\n\(more)\n")
    }

    func path(_ name: String) -> String { folder.path(name) }
    func start(_ name: String, _ extra: [String] = [], ranks: Int = 1) throws -> BackgroundJob {
        try BackgroundJob(["sweep", sweep, "--output", path(name), "--progress", "plain"] + extra, ranks: ranks)
    }

    /// Runs the sweep to its end, and expects an exit code.
    @discardableResult
    func run(_ name: String, _ extra: [String] = [], ranks: Int = 1, expecting code: Int32 = 0) throws -> BackgroundJob
    {
        let program = try start(name, extra, ranks: ranks)
        #expect(program.end(within: 90) == code, "\(program.errors)")
        return program
    }

    func rows(_ name: String) throws -> [SweepRow] { try SweepTable(folder: SweepFolder(path: path(name))).rows }

    /// One line per trial with the results that do not depend on how the sweep is run.
    func outcome(_ name: String) throws -> [String] {
        try rows(name).map {
            "\($0.trial) \($0.status) \($0.metric.map { "\($0)" } ?? "-") \($0.digest) \($0.steps ?? -1) \($0.reason)"
        }
    }
}
