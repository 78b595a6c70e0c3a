import Foundation
import Testing

extension ProcessTests {
    /// Two processes on the folder of one run: the second gets an error that names the first, and changes nothing.
    @Suite(.serialized) struct LockTests {
        @Test func theSecondProcessGetsAnError() throws {
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
            // Without either option, the error is that there is a run.
            let third = try folder.start("run")
            #expect(third.end(within: 10) == 74)
            #expect(third.errors.contains("there is a run already"), "\(third.errors)")
            // Commands that only read work, and the run continues.
            #expect(try CoupletInvocation("inspect", folder.path("run")).exitCode == 0)
            #expect(try CoupletInvocation("evaluate", folder.path("run")).exitCode == 0)
            let step = folder.step("run") ?? 0
            #expect(holder.wait(until: { folder.step("run") ?? 0 > step }))
            // The lock ends with its process, even if it is killed.
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

        @Test(.enabled(if: BackgroundJob.hasMPI, "no mpirun in PATH")) func underMPI() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 1_000_000, checkpointEvery: 100))
            let holder = try folder.start("run", ranks: 2)
            #expect(holder.wait(until: { folder.step("run") != nil }))
            let second = try folder.start("run", ["--resume"], ranks: 2)
            #expect(second.end(within: 10) == 74, "\(second.errors)")
            #expect(second.errors.contains("is in use by process "), "\(second.errors)")
            #expect(holder.process.isRunning)
            for process in holder.programProcesses { kill(process, SIGKILL) }
            _ = holder.end(within: 10)
        }
    }
}
