import Foundation
import Testing

extension ProcessTests {
    /// kill -9 at random moments, then the same command with --resume, on the same or another number of workers.
    ///
    /// The default is 6 kills. `COUPLET_KILLS=20 swift test -c release --filter KillTests` runs 20, and COUPLET_SEED=n
    /// chooses other moments.
    @Suite(.serialized) struct KillTests {
        private struct RandomChoice {
            var state: UInt64
            mutating func next(_ count: Int) -> Int {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int(state >> 33) % count
            }
        }

        @Test func aKilledRunEndsInTheDigestOfAnUndisturbedOne() throws {
            let environment = ProcessInfo.processInfo.environment
            let kills = environment["COUPLET_KILLS"].flatMap { Int($0) } ?? 6
            let seed = environment["COUPLET_SEED"].flatMap { UInt64($0) } ?? 1
            let stepsPerKill = 40
            let steps = stepsPerKill * (kills + 1)
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: steps, checkpointEvery: 3))
            let whole = try folder.digest("whole", ["--threads", "1"])
            var choice = RandomChoice(state: seed)
            var kinds: [String] = []
            for kill in 0..<kills {
                let ranks = BackgroundJob.hasMPI ? [1, 1, 2, 4][choice.next(4)] : 1, threads = [1, 2][choice.next(2)]
                let program = try folder.start("run", ["--resume", "--threads", "\(threads)"], ranks: ranks)
                // A quarter of the kills happens during the setup, the others later, some while a checkpoint is
                // written.
                if choice.next(4) == 0 {
                    program.wait(until: { program.programProcesses.count == ranks })
                } else {
                    let target = stepsPerKill * kill + choice.next(stepsPerKill)
                    program.wait(until: { (folder.step("run") ?? -1) >= target })
                }
                usleep(UInt32(choice.next(30_000)))
                let processes = program.programProcesses
                #expect(processes.count == ranks, "the run ended before it was killed: \(program.errors)")
                if processes.isEmpty { break }
                Foundation.kill(processes[choice.next(processes.count)], SIGKILL)
                let code = program.end(within: 10)
                #expect(code != nil && code != 0, "\(program.errors)")
                kinds.append("\(ranks)×\(threads) at \(folder.step("run") ?? -1)")
            }
            print("killed, ranks × threads at the newest checkpoint's step: \(kinds.joined(separator: ", "))")
            #expect(try folder.digest("run", ["--resume"]) == whole)
            // No incomplete checkpoint is left, and the metrics have each logged step once.
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path("run") + "/checkpoints")
            #expect(names.count == 3 && names.allSatisfy { $0.hasPrefix("step-") }, "\(names)")
            let logged = try String(contentsOfFile: folder.path("run") + "/metrics.jsonl", encoding: .utf8).split(
                separator: "\n"
            )
            .compactMap { $0.dropFirst(9).split(separator: ",").first.flatMap { Int($0) } }
            #expect(logged == Array(stride(from: 20, through: steps, by: 20)))
        }

        @Test(arguments: TrainingFolder.largeBatchOptimizers)
        func momentsAndAverageOfLargeBatchesSurviveAKill(_ optimizer: String) throws {
            let folder = try TrainingFolder(TrainingFolder.largeBatch(optimizer, steps: 240, checkpointEvery: 3))
            let whole = try folder.digest("whole", ["--threads", "1"])
            let job = try folder.start("run", ["--threads", "2"])
            job.wait(until: { (folder.step("run") ?? -1) >= 12 })
            Foundation.kill(job.process.processIdentifier, SIGKILL)
            #expect(job.end(within: 10) == -SIGKILL, "the run ended before it was killed: \(job.errors)")
            let ranks = BackgroundJob.hasMPI ? 2 : 1
            #expect(try folder.digest("run", ["--resume", "--threads", "2"], ranks: ranks) == whole)
        }

        enum Damage: CaseIterable { case truncated, bitFlipped, empty }

        @Test(arguments: Damage.allCases) func aDamagedCheckpointIsNamedAndSetAside(_ damage: Damage) throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 40, checkpointEvery: 10))
            let whole = try folder.digest("run", ["--threads", "1"])
            let newest = folder.path("run") + "/checkpoints/step-00000040.h5"
            var bytes = try Data(contentsOf: URL(fileURLWithPath: newest))
            switch damage {
            case .truncated: bytes = bytes.prefix(bytes.count / 2)
            case .bitFlipped:
                // Many bytes, so that some belong to the weights.
                bytes[bytes.count / 2] ^= 0x10
                for at in stride(from: bytes.count / 4, to: bytes.count, by: 97) { bytes[at] ^= 0x04 }
            case .empty: bytes = Data()
            }
            try bytes.write(to: URL(fileURLWithPath: newest))
            let program = try folder.start("run", ["--resume"])
            #expect(program.end(within: 20) == 0, "\(program.errors)")
            #expect(
                program.errors.contains("step-00000040.h5") && program.errors.contains("set aside as"),
                "\(program.errors)")
            #expect(
                program.errors.contains("resumes from") && program.errors.contains("step-00000030.h5"),
                "\(program.errors)")
            #expect(folder.checkpoints("run").contains("step-00000040.h5.damaged"))
            #expect(try folder.digest(of: "run") == whole)
        }

        @Test func resumeAndNoResume() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 20, checkpointEvery: 10))
            // Without a run it starts.
            let digest = try folder.digest("run", ["--resume"])
            // A finished run does not change.
            #expect(try folder.digest("run", ["--resume"]) == digest)
            // Without --resume an existing run does not change.
            let again = try folder.start("run")
            #expect(again.end(within: 10) == 74)
            #expect(
                again.errors.contains("there is a run already") && again.errors.contains("--resume"), "\(again.errors)")
            // For another config the error names the key and both values.
            let other = try folder.start("run", ["--resume", "--set", "optimizer.learning_rate=0.5"])
            #expect(other.end(within: 10) == 65)
            #expect(
                other.errors.contains("optimizer.learning_rate") && other.errors.contains("0.5")
                    && other.errors.contains("0.01"), "\(other.errors)")
            #expect(try folder.digest(of: "run") == digest)
            // A run without checkpoints starts again, and ends in the same digest.
            try FileManager.default.removeItem(atPath: folder.path("run") + "/checkpoints")
            #expect(try folder.digest("run", ["--resume"]) == digest)
        }
    }
}
