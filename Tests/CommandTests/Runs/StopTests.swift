import Foundation
import Testing

extension ProcessTests {
    /// A signal stops a run after saving; --resume continues to the digest of an undisturbed run.
    @Suite(.serialized) struct StopTests {
        enum Target: CaseIterable { case process, rank, launcher }
        private static let steps = 20_000

        @Test(arguments: Target.allCases, [SIGTERM, SIGINT, SIGUSR1]) func signal(_ target: Target, _ signal: Int32)
            throws
        {
            if target != .process, !BackgroundJob.hasMPI { return }
            // The schedule is fixed, so that the first steps do not depend on the number of steps.
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: Self.steps, checkpointEvery: 1_000_000))
            // After a request to end, mpirun waits this long before SIGTERM and again before SIGKILL. One second is too
            // short for a checkpoint on a busy disk.
            let program = try folder.start(
                "run", ranks: target == .process ? 1 : 2, environment: ["OMPI_MCA_odls_base_sigkill_timeout": "2"])
            #expect(program.wait(until: { program.errors.contains("starts on") }))
            usleep(100_000)
            let processes = program.programProcesses
            #expect(processes.count == (target == .process ? 1 : 2))
            kill(target == .launcher ? program.process.processIdentifier : processes[processes.count - 1], signal)
            let code = program.end(within: 10)
            // After a SIGTERM or SIGINT to itself, Open MPI's mpirun ends with its own exit code. It passes SIGUSR1 on.
            if target == .launcher, signal != SIGUSR1 {
                #expect(code != nil && code != 0)
            } else {
                #expect(code == 75, "\(program.errors)")
            }
            let stopped = try #require(folder.step("run"), "nothing saved: \(program.errors)")
            #expect(stopped > 0 && stopped < Self.steps)
            #expect(program.errors.contains("stopped and saved after step \(stopped)"), "\(program.errors)")

            let until = ["--set", "train.steps=\(stopped + 20)", "--set", "optimizer.schedule_steps=\(Self.steps)"]
            #expect(
                try folder.digest("run", ["--resume"] + until) == folder.digest("whole", ["--threads", "1"] + until))
            #expect(folder.step("run") == stopped + 20)
        }

        /// A signal during the setup, before the first step.
        @Test func signalAtTheStart() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: Self.steps))
            for microseconds in [15_000, 30_000, 60_000, 120_000] as [UInt32] {
                let program = try folder.start("run", ["--resume"])
                usleep(microseconds)
                kill(program.process.processIdentifier, SIGTERM)
                let code = program.end(within: 10)
                // Before the program handles signals, SIGTERM ends it.
                #expect(code == 75 || code == -SIGTERM, "\(program.errors)")
                if code == 75 { #expect(folder.step("run") != nil) }
            }
        }

        /// A signal during the final evaluation stops nothing: the state is saved, and the run ends normally.
        @Test func signalDuringTheFinalEvaluation() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 2))
            let program = try folder.start("run", ["--set", "evaluation.pairs=20000"])
            #expect(program.wait(until: { folder.step("run") == 2 }))
            kill(program.process.processIdentifier, SIGTERM)
            #expect(program.end(within: 30) == 0, "\(program.errors)")
            #expect(FileManager.default.fileExists(atPath: folder.path("run") + "/evaluation.json"))
        }

        /// What batch systems and terminals send.
        @Test(arguments: [(SIGHUP, "SIGHUP"), (SIGUSR2, "SIGUSR2"), (SIGXCPU, "SIGXCPU")])
        func otherSignalsThatStop(_ signal: Int32, name: String) throws {
            let folder = try TrainingFolder(
                TrainingFolder.gaussian(steps: 1_000_000, checkpointEvery: 1_000_000_000))
            let program = try folder.start("run")
            #expect(program.wait(until: { program.errors.contains("starts on") }))
            usleep(100_000)
            kill(program.process.processIdentifier, signal)
            #expect(program.end(within: 10) == 75, "\(program.errors)")
            #expect(program.errors.contains("\(name): stopped and saved after step"), "\(program.errors)")
            #expect(folder.step("run").map { $0 > 0 } == true)
        }

        /// nohup starts a program that ignores SIGHUP.
        @Test func anIgnoredSignalStaysIgnored() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 1_000_000, checkpointEvery: 1_000_000_000))
            let shell = try ShellScript(
                """
                trap '' HUP; couplet train c.yaml --output run --progress plain 2>errors & job=$!
                for i in $(seq 200); do grep -q "starts on" errors && break; sleep 0.05; done
                kill -HUP $job; sleep 0.5; kill -0 $job; kill -TERM $job; code=0
                wait $job || code=$?; echo "code $code"
                """, in: folder.files.path, seconds: 30)
            #expect(shell.output.hasSuffix("code 75\n"), "\(shell.output)")
        }

        /// The second signal ends what the first one cannot, here a long evaluation; two at once count as one.
        @Test func aSecondSignalEnds() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 2))
            let program = try folder.start("run", ["--set", "evaluation.pairs=200000"])
            #expect(program.wait(until: { folder.step("run") == 2 }))
            let process = program.process.processIdentifier
            for _ in 0..<2 { kill(process, SIGTERM) }
            usleep(100_000)
            #expect(program.process.isRunning, "\(program.errors)")
            usleep(600_000)
            kill(process, SIGTERM)
            #expect(program.end(within: 2) == 128 + SIGTERM)
        }

        /// A second Ctrl-C ends the program at once, here during a long evaluation.
        @Test func interruptTwice() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 2))
            let program = try folder.start("run", ["--set", "evaluation.pairs=200000"])
            #expect(program.wait(until: { folder.step("run") == 2 }))
            kill(program.process.processIdentifier, SIGINT)
            usleep(50_000)
            kill(program.process.processIdentifier, SIGINT)
            #expect(program.end(within: 2) == 130)
        }
    }
}
