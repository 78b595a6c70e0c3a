import Foundation
import Testing

extension ProcessTests {
    /// kill -9 at any moment, then the same command with --resume, on the same or another number of workers.
    ///
    /// 6 kills; COUPLET_KILLS=20 swift test -c release --filter Killing makes it 20, COUPLET_SEED=n chooses others.
    @Suite(.serialized) struct Killing {
        private struct Choice {
            var state: UInt64
            mutating func next(_ count: Int) -> Int {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int(state >> 33) % count
            }
        }

        @Test func aRunThatIsKilledEndsInTheDigestOfOneThatIsNot() throws {
            let environment = ProcessInfo.processInfo.environment
            let kills = environment["COUPLET_KILLS"].flatMap { Int($0) } ?? 6,
                seed = environment["COUPLET_SEED"].flatMap { UInt64($0) } ?? 1
            let between = 40, steps = between * (kills + 1)
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: steps, checkpointEvery: 3))
            let whole = try folder.digest("whole", ["--threads", "1"])
            var choice = Choice(state: seed), ways: [String] = []
            for kill in 0..<kills {
                let ranks = RunningCouplet.hasMPI ? [1, 1, 2, 4][choice.next(4)] : 1, threads = [1, 2][choice.next(2)]
                let program = try folder.start("run", ["--resume", "--threads", "\(threads)"], ranks: ranks)
                // A fourth of the kills comes while the run is set up, the others on the way, some within the writing of a checkpoint.
                if choice.next(4) == 0 {
                    program.wait(until: { program.members.count == ranks })
                } else {
                    let target = between * kill + choice.next(between)
                    program.wait(until: { (folder.step("run") ?? -1) >= target })
                }
                usleep(UInt32(choice.next(30_000)))
                let members = program.members
                #expect(members.count == ranks, "the run ended before it was killed: \(program.errors)")
                if members.isEmpty { break }
                Foundation.kill(members[choice.next(members.count)], SIGKILL)
                let code = program.end(within: 10)
                #expect(code != nil && code != 0, "\(program.errors)")
                ways.append("\(ranks)×\(threads) at \(folder.step("run") ?? -1)")
            }
            print("killed, ranks × threads at the newest checkpoint's step: \(ways.joined(separator: ", "))")
            #expect(try folder.digest("run", ["--resume"]) == whole)
            // What was left half written is gone, and each logged step stands once in the metrics.
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path("run") + "/checkpoints")
            #expect(names.count == 3 && names.allSatisfy { $0.hasPrefix("step-") }, "\(names)")
            let logged = try String(contentsOfFile: folder.path("run") + "/metrics.jsonl", encoding: .utf8).split(
                separator: "\n"
            )
            .compactMap { $0.dropFirst(9).split(separator: ",").first.flatMap { Int($0) } }
            #expect(logged == Array(stride(from: 20, through: steps, by: 20)))
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
                // A number of the first weights, found by a piece that is theirs.
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

        @Test func whatResumeAndNoResumeDo() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 20, checkpointEvery: 10))
            // Nothing there yet: it starts.
            let digest = try folder.digest("run", ["--resume"])
            // Finished: nothing changes.
            #expect(try folder.digest("run", ["--resume"]) == digest)
            // Without --resume an existing run is left alone.
            let again = try folder.start("run")
            #expect(again.end(within: 10) == 74)
            #expect(
                again.errors.contains("there is a run already") && again.errors.contains("--resume"), "\(again.errors)")
            // Another config: key and both values.
            let other = try folder.start("run", ["--resume", "--set", "optimizer.learning_rate=0.5"])
            #expect(other.end(within: 10) == 65)
            #expect(
                other.errors.contains("optimizer.learning_rate") && other.errors.contains("0.5")
                    && other.errors.contains("0.01"), "\(other.errors)")
            #expect(try folder.digest(of: "run") == digest)
            // A folder that lost its checkpoints starts anew, to the same end.
            try FileManager.default.removeItem(atPath: folder.path("run") + "/checkpoints")
            #expect(try folder.digest("run", ["--resume"]) == digest)
        }
    }
}
