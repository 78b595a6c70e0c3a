import CoupletFiles
import Foundation
import Testing

extension ProcessTests {
    /// `couplet sweep`, alone and under mpirun.
    @Suite(.serialized) struct SweepCommandTests {
        private static let grid = "optimizer.learning_rate: [0.003, 0.03]\n  seed: {range: [1, 2]}"

        /// Each trial has the digest of `couplet train` with the same values.
        @Test func trialsAreTheSameBitsAsAlone() throws {
            let fixture = try SweepFixture(vary: Self.grid)
            try fixture.run("s", ["--threads", "2"])
            var digests: [String] = []
            for rate in ["0.003", "0.03"] {
                for seed in ["1", "2"] {
                    digests.append(
                        try fixture.folder.digest(
                            "alone-\(rate)-\(seed)",
                            ["--set", "optimizer.learning_rate=\(rate)", "--set", "seed=\(seed)"]))
                }
            }
            let rows = try fixture.rows("s")
            #expect(rows.map(\.digest) == digests && Set(digests).count == 4)
            #expect(rows.allSatisfy { $0.status == .done && $0.steps == 60 })
            // The metric is that of `couplet evaluate`.
            let evaluated = try CoupletInvocation("evaluate", fixture.path("alone-0.03-2"), "--json")
            let gaussian = try #require(try evaluated.json()["gaussian"] as? [String: Any])
            #expect(try #require(gaussian["coupling_error"] as? Double) == rows[3].metric)
        }

        @Test(.enabled(if: BackgroundJob.hasMPI, "no mpirun in PATH")) func anyDivisionOfTheWorkersGivesTheSameTable()
            throws
        {
            let fixture = try SweepFixture(vary: Self.grid)
            try fixture.run("one", ["--threads", "1"])
            let expected = try fixture.outcome("one")
            for (name, ranks, extra) in [
                ("threads", 1, ["--threads", "4", "--set", "threads_per_trial=2"]), ("ranks", 2, []),
                ("groups", 4, ["--set", "ranks_per_trial=2"]),
                ("three threads", 1, ["--threads", "3", "--set", "threads_per_trial=3"]),
                ("three ranks", 3, ["--set", "ranks_per_trial=3"]),
                ("both", 2, ["--set", "ranks_per_trial=2", "--set", "threads_per_trial=2"]),
            ] as [(String, Int, [String])] {
                let program = try fixture.run(name, extra, ranks: ranks)
                #expect(try fixture.outcome(name) == expected, "\(name)")
                #expect(program.output.contains("4 of 4 trials done"), "\(program.output)")
            }
        }

        /// An impossible combination and a diverging run are reported, and do not stop the other trials.
        @Test func failedTrialsDoNotStopOthers() throws {
            let fixture = try SweepFixture(
                vary: "optimizer.learning_rate: [0.003, 1.0e+30]\n  batch.shards: [8, 12]",
                "set: {optimizer.warmup_steps: 0, optimizer.clip_norm: null}")
            let program = try fixture.run("s", expecting: 70)
            let rows = try fixture.rows("s")
            #expect(rows.map(\.status) == [.done, .failed, .failed, .failed])
            #expect(rows[1].reason.contains("batch.shards") && rows[1].reason.contains("8 and 16"), "\(rows[1])")
            #expect(rows[2].reason.contains("step "), "\(rows[2])")
            #expect(
                program.errors.contains("3 trials failed") && program.errors.contains("sweep.csv"), "\(program.errors)")
            // Finished and failed trials are repeated only on request.
            let again = try fixture.run("s", ["--resume"], expecting: 70)
            #expect(
                !again.errors.contains("1/4") && again.errors.contains("1 done before, 3 failed"), "\(again.errors)")
            let retried = try fixture.run("s", ["--resume", "--retry-failed"], expecting: 70)
            #expect(retried.errors.contains("003_learning_rate"), "\(retried.errors)")
            #expect(try fixture.rows("s").map(\.status) == rows.map(\.status))
        }

        @Test func halvingGivesStepsToTheBest() throws {
            let fixture = try SweepFixture(
                vary: "optimizer.learning_rate: [0.0001, 0.03, 0.0003, 0.01]", "halving: {first_steps: 10, factor: 2}",
                steps: 40)
            try fixture.run("s", ["--threads", "2"])
            let rows = try fixture.rows("s")
            // The same by `couplet train`: 10 steps of the same schedule, and all steps.
            func alone(_ row: Int, steps: Int) throws -> String {
                try fixture.folder.digest(
                    "a\(row)-\(steps)",
                    [
                        "--set", "optimizer.learning_rate=\(rows[row].values[0])", "--set",
                        "optimizer.schedule_steps=40", "--set", "train.steps=\(steps)",
                    ])
            }
            let dropped = rows.filter { $0.steps == 10 }, done = rows.filter { $0.status == .done }
            #expect(dropped.count == 2 && done.count == 1 && rows.count { $0.steps == 20 } == 1)
            for (index, row) in rows.enumerated() {
                #expect(try row.digest == alone(index, steps: #require(row.steps)))
            }
        }

        /// kill -9 of random ranks at random moments. COUPLET_SWEEP_TRIALS=24 COUPLET_KILLS=3 makes it larger;
        /// COUPLET_SEED=n chooses other moments.
        @Test func aKilledSweepEndsInTheSameTable() throws {
            let environment = ProcessInfo.processInfo.environment
            let trials = environment["COUPLET_SWEEP_TRIALS"].flatMap { Int($0) } ?? 6,
                kills = environment["COUPLET_KILLS"].flatMap { Int($0) } ?? 3
            var state = environment["COUPLET_SEED"].flatMap { UInt64($0) } ?? 1
            func random(_ count: Int) -> Int {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int(state >> 33) % count
            }
            let fixture = try SweepFixture(
                vary: "seed: {range: [1, \(trials)]}", "halving: {first_steps: 300, factor: 2}", steps: 1_200)
            try fixture.run("whole", ["--threads", "1"])
            let ranks = BackgroundJob.hasMPI ? 2 : 1
            func lines() -> Int {
                ((try? String(contentsOfFile: fixture.path("s") + "/results.jsonl", encoding: .utf8)) ?? "").split(
                    separator: "\n"
                ).count
            }
            var ways: [Int] = []
            for kill in 0..<kills {
                let program = try fixture.start("s", ["--resume"], ranks: ranks)
                let target = trials * kill / kills + 1
                // Waits for the ranks too: the finished trials may reach the target before the ranks have started.
                program.wait(until: { program.programProcesses.count == ranks && lines() >= target })
                usleep(UInt32(random(40_000)))
                let members = program.programProcesses
                #expect(members.count == ranks, "the sweep ended before it was killed: \(program.errors)")
                if members.isEmpty { break }
                Foundation.kill(members[random(members.count)], SIGKILL)
                #expect(program.end(within: 20) != 0)
                ways.append(lines())
            }
            print("killed after so many results: \(ways)")
            try fixture.run("s", ["--resume"], ranks: ranks)
            #expect(try fixture.outcome("s") == fixture.outcome("whole"))
        }

        /// A signal to one rank stops all ranks, each after saving.
        @Test(.enabled(if: BackgroundJob.hasMPI, "no mpirun in PATH"), arguments: [SIGTERM, SIGUSR1])
        func aSignalStopsTheWholeSweep(_ signal: Int32) throws {
            let fixture = try SweepFixture(vary: "seed: [1, 2, 3]", steps: 4000)
            let program = try fixture.start("s", ["--resume"], ranks: 2)
            func begun(_ seed: Int) -> Bool { (fixture.folder.step("s/trials/00\(seed)_seed=\(seed)") ?? 0) > 0 }
            #expect(program.wait(until: { begun(1) && begun(2) }), "\(program.errors)")
            let members = program.programProcesses
            #expect(members.count == 2)
            kill(members[members.count - 1], signal)
            #expect(program.end(within: 20) == 75, "\(program.errors)")
            #expect(program.errors.contains("--resume continues"), "\(program.errors)")
            let steps = (1...2).map { fixture.folder.step("s/trials/00\($0)_seed=\($0)") ?? 0 }
            #expect(steps.allSatisfy { $0 > 0 && $0 < 4000 }, "\(steps)")
            #expect(try fixture.rows("s").allSatisfy { $0.status != .done })
        }

        @Test func obstaclesAreReportedBeforeAnythingRuns() throws {
            let fixture = try SweepFixture(vary: Self.grid, steps: 5)
            try fixture.run("s")
            #expect(try fixture.run("s", expecting: 74).errors.contains("a sweep exists here already"))
            let other = try fixture.run("s", ["--resume", "--set", "vary.seed=[1, 3]"], expecting: 65)
            #expect(other.errors.contains("vary.seed: 1, 2 in the sweep, 1, 3 now"), "\(other.errors)")
            let metric = try fixture.run("m", ["--set", "metric=gaussian.coupling_eror"], expecting: 65)
            #expect(metric.errors.contains("did you mean gaussian.coupling_error?"), "\(metric.errors)")
            let key = try fixture.run("m", ["--set", "vary.optimizer.learnin_rate=[1]"], expecting: 65)
            #expect(key.errors.contains("did you mean learning_rate?"), "\(key.errors)")
            #expect(!FileManager.default.fileExists(atPath: fixture.path("m")))
            let lock = try FolderLock(fixture.path("s"))
            let refused = try withExtendedLifetime(lock) { try fixture.run("s", ["--resume"], expecting: 74) }
            #expect(refused.errors.contains("in use by"))
            let folder = try CoupletInvocation("sweep", fixture.sweep)
            #expect(folder.exitCode == 64 && folder.errors.contains("--output"))
        }

        @Test func overwritingLeavesForeignFiles() throws {
            let fixture = try SweepFixture(vary: Self.grid, steps: 5)
            try fixture.run("s")
            try "mine".write(toFile: fixture.path("s") + "/notes.txt", atomically: true, encoding: .utf8)
            try fixture.run("s", ["--overwrite", "--set", "vary.seed=[7]"])
            #expect(
                try fixture.rows("s").map(\.trial) == [
                    "001_learning_rate=0.003_seed=7", "002_learning_rate=0.03_seed=7",
                ])
            #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.path("s") + "/trials").count == 2)
            #expect(FileManager.default.fileExists(atPath: fixture.path("s") + "/notes.txt"))
        }

        /// A dry run writes nothing; the example sweeps are valid.
        @Test(arguments: [("sweep_gaussian", 24), ("sweep_halving", 27)]) func examplesAreListed(
            _ name: String, _ count: Int
        ) throws {
            let result = try CoupletInvocation("sweep", "configs/\(name).yaml", "--dry-run", in: packageFolder)
            #expect(
                result.exitCode == 0 && result.output.contains("\(count) trials;"), "\(result.errors)\(result.output)")
            #expect(!FileManager.default.fileExists(atPath: "\(packageFolder)/sweeps"))
        }
    }
}
