import Foundation
import Testing

extension ProcessTests {
    /// Two processes on one run's folder: the second is told who has it, and touches nothing.
    @Suite(.serialized) struct Locks {
        @Test func theSecondProcessIsTold() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 1_000_000, checkpointEvery: 100))
            let holder = try folder.start("run")
            #expect(holder.wait(until: { folder.step("run") != nil }))
            for option in ["--resume", "--overwrite"] {
                let second = try folder.start("run", [option])
                #expect(second.end(within: 10) == 74, "\(second.errors)")
                #expect(
                    second.errors.contains("is in use by process \(holder.process.processIdentifier) on host "),
                    "\(second.errors)")
            }
            // Without either, what is wrong is that there is a run.
            let third = try folder.start("run")
            #expect(third.end(within: 10) == 74)
            #expect(third.errors.contains("there is a run already"), "\(third.errors)")
            // Who only reads is not kept out, and the run goes on.
            #expect(try Couplet("inspect", folder.path("run")).exitCode == 0)
            #expect(try Couplet("evaluate", folder.path("run")).exitCode == 0)
            let step = folder.step("run") ?? 0
            #expect(holder.wait(until: { folder.step("run") ?? 0 > step }))
            // The lock dies with its process, however that dies.
            kill(holder.process.processIdentifier, SIGKILL)
            #expect(holder.end(within: 5) == -SIGKILL)
            let saved = try #require(folder.step("run"))
            let resumed = try folder.start(
                "run", ["--resume", "--set", "train.steps=\(saved + 1)", "--set", "optimizer.schedule_steps=1000000"])
            #expect(resumed.end(within: 10) == 0, "\(resumed.errors)")
            let anew = try folder.start("run", ["--overwrite", "--set", "train.steps=3"])
            #expect(anew.end(within: 10) == 0, "\(anew.errors)")
            #expect(folder.step("run") == 3)
        }

        @Test(.enabled(if: RunningCouplet.hasMPI, "no mpirun in PATH")) func underMPI() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 1_000_000, checkpointEvery: 100))
            let holder = try folder.start("run", ranks: 2)
            #expect(holder.wait(until: { folder.step("run") != nil }))
            let second = try folder.start("run", ["--resume"], ranks: 2)
            #expect(second.end(within: 10) == 74, "\(second.errors)")
            #expect(second.errors.contains("is in use by process "), "\(second.errors)")
            #expect(holder.process.isRunning)
            for member in holder.members { kill(member, SIGKILL) }
            _ = holder.end(within: 10)
        }
    }
}
