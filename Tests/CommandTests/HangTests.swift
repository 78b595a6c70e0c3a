import Foundation
import Testing

extension ProcessTests {
    /// A rank that is there and does nothing: after --timeout the others name it and end the job; what was saved stays.
    @Suite(.serialized, .enabled(if: RunningCouplet.hasMPI, "no mpirun in PATH")) struct Hangs {
        @Test(arguments: [0, 1]) func aStoppedRankIsNamed(rank: Int) throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 1_000_000, checkpointEvery: 50))
            let program = try folder.start("run", ["--timeout", "2"], ranks: 2)
            #expect(program.wait(until: { folder.step("run") != nil }), "\(program.errors)")
            kill(try #require(program.member(rank: rank)), SIGSTOP)
            #expect(program.end(within: 20) == 70, "\(program.errors)")
            #expect(
                program.errors.contains("rank \(rank) on ") && program.errors.contains("has not come for"),
                "\(program.errors)")
            // It goes on from there.
            let saved = try #require(folder.step("run"))
            let until = ["--set", "train.steps=\(saved + 10)", "--set", "optimizer.schedule_steps=1000000"]
            #expect(try folder.digest("run", ["--resume"] + until) == folder.digest("whole", until))
        }

        @Test func whatIsNoTimeout() throws {
            for text in ["-1", "soon", "10x", "1.5"] {
                let result = try Couplet("train", "c.yaml", "--timeout=\(text)")
                #expect(result.exitCode == 64 && result.errors.contains("timeout"), "\(text): \(result.errors)")
            }
        }
    }
}
