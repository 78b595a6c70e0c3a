import Foundation
import Testing

extension ProcessTests {
    /// If a rank hangs, the others name it after --timeout and end the job. The checkpoints stay.
    @Suite(.serialized, .enabled(if: BackgroundJob.hasMPI, "no mpirun in PATH")) struct HangTests {
        @Test(arguments: [0, 1]) func aStoppedRankIsNamed(rank: Int) throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 1_000_000, checkpointEvery: 50))
            let program = try folder.start("run", ["--timeout", "2"], ranks: 2)
            #expect(program.wait(until: { folder.step("run") != nil }), "\(program.errors)")
            kill(try #require(program.process(ofRank: rank)), SIGSTOP)
            #expect(program.end(within: 20) == 70, "\(program.errors)")
            #expect(
                program.errors.contains("rank \(rank) on ") && program.errors.contains("has not arrived for"),
                "\(program.errors)")
            // The run continues from the newest checkpoint.
            let saved = try #require(folder.step("run"))
            let until = ["--set", "train.steps=\(saved + 10)", "--set", "optimizer.schedule_steps=1000000"]
            #expect(try folder.digest("run", ["--resume"] + until) == folder.digest("whole", until))
        }

        @Test func invalidTimeouts() throws {
            for text in ["-1", "soon", "10x", "1.5"] {
                let result = try CoupletInvocation("train", "c.yaml", "--timeout=\(text)")
                #expect(result.exitCode == 64 && result.errors.contains("timeout"), "\(text): \(result.errors)")
            }
        }
    }
}
