import Foundation
import Testing

extension ProcessTests {
    /// Checkpoints by minutes, and `train.stop_after`: all ranks act at the same step, and the parameters do not
    /// change.
    @Suite(.serialized) struct StopAfterTests {
        private static let steps = 100_000

        @Test(arguments: BackgroundJob.hasMPI ? [1, 2] : [1]) func stopAfter(ranks: Int) throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: Self.steps, checkpointEvery: 1_000_000))
            let start = Date()
            let program = try folder.start(
                "run", ["--set", "train.stop_after=1s", "--set", "train.checkpoint_minutes=0.002"], ranks: ranks)
            #expect(program.end(within: 20) == 75, "\(program.errors)")
            #expect(Date().timeIntervalSince(start) >= 1)
            let stopped = try #require(folder.step("run"))
            #expect(
                program.errors.contains("train.stop_after: 1s have passed: stopped and saved after step \(stopped)"),
                "\(program.errors)")
            // A checkpoint every 0.12 s, or as fast as the disk is; the run keeps the newest three and logs each.
            #expect(folder.checkpoints("run").count == 3)
            let log = try String(contentsOfFile: folder.path("run") + "/log.txt", encoding: .utf8)
            #expect(
                log.split(separator: "\n").count { $0.contains(" info saved ") && $0.contains("digest ") } >= 3,
                "\(log)")

            let until = [
                "--set", "train.steps=\(stopped + 20)", "--set", "optimizer.schedule_steps=\(Self.steps)", "--set",
                "train.stop_after=null",
            ]
            #expect(
                try folder.digest("run", ["--resume"] + until) == folder.digest("whole", ["--threads", "1"] + until))
        }
    }
}
