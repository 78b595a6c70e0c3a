import CoupletStorage
import Foundation
import TestSupport
import Testing

private let extensionProgram = "\(packageFolder)/.build/extension/release/Extension"

extension ProcessTests {
    /// The package `Tests/Extension`, a program of its own with one kind of each: a source, an encoder, a loss, an
    /// optimizer and a metric. `launch/test` builds it in its last stage; without the program these tests do not run.
    @Suite(.serialized, .enabled(if: FileManager.default.isExecutableFile(atPath: extensionProgram)))
    struct ExtensionTests {
        private static let package = "\(packageFolder)/Tests/Extension"

        private let files = TemporaryFolder()

        /// Starts `train` of the package's config with few steps.
        private func start(_ run: String, _ arguments: [String], ranks: Int = 1) throws -> BackgroundJob {
            try BackgroundJob(
                [
                    "train", "\(Self.package)/points.yaml", "--output", files.file(run), "--progress", "plain",
                    "--set", "train.steps=60", "--set", "train.checkpoint_every=5", "--set", "train.keep_checkpoints=9",
                ] + arguments, ranks: ranks, program: extensionProgram)
        }

        private func digest(_ run: String, _ arguments: [String], ranks: Int = 1) throws -> String {
            let job = try start(run, arguments, ranks: ranks)
            let code = job.end(within: 120)
            #expect(code == 0, "\(run): \(job.errors)")
            return try digest(of: run)
        }

        private func digest(of run: String) throws -> String {
            try #require(try CoupletInvocation("inspect", files.file(run), "--json").json()["digest"] as? String)
        }

        private func run(_ arguments: String...) throws -> CompletedProcess {
            try CompletedProcess([extensionProgram] + arguments, in: files.path)
        }

        /// Dropout, running statistics, augmentation and the loss's sums do not depend on the workers, nor on kills or
        /// recomputed activations.
        @Test func theDigestIsTheSameForAllWorkersAndAfterAKill() throws {
            let alone = try digest("alone", ["--threads", "1"])
            #expect(try digest("two", ["--threads", "2"]) == alone)
            #expect(
                try digest("recomputed", ["--threads", "1", "--set", "batch.activations=recompute"]) == alone)
            if BackgroundJob.hasMPI {
                #expect(try digest("four", ["--threads", "2"], ranks: 2) == alone)
            }
            let killed = try start("killed", ["--threads", "1", "--resume"])
            killed.wait(until: {
                FileManager.default.fileExists(atPath: files.file("killed") + "/checkpoints/step-00000020.h5")
            })
            kill(killed.process.processIdentifier, SIGKILL)
            #expect(killed.end(within: 20) == -SIGKILL, "the run ended before it was killed: \(killed.errors)")
            #expect(try digest("killed", ["--threads", "2", "--resume"]) == alone)

            let checkpoint = try HDF5File(reading: files.file("alone") + "/checkpoints/step-00000060.h5")
            #expect(try !checkpoint.datasetNames(under: "/statistics/first").isEmpty)

            // A replay of a step has the dropout and the statistics of the run.
            let replay = try run("replay", files.file("alone"), "--step", "25")
            #expect(replay.exitCode == 0 && replay.output.contains("same bits"), "\(replay.output)\(replay.errors)")

            // The run is evaluated by the program that has the kinds, and refused by name by one that lacks them.
            let evaluation = try run("evaluate", files.file("alone"), "--json")
            #expect(evaluation.exitCode == 0, "\(evaluation.errors)")
            #expect(evaluation.output.contains("\"pair_cosine\"") && evaluation.output.contains("\"alignment\""))
            #expect(try run("evaluate", files.file("alone")).output.contains("pair_cosine"))
            let refused = try CoupletInvocation("evaluate", files.file("alone"))
            #expect(refused.exitCode == 65)
            for name in ["points", "skip", "margin", "lion", "pair_cosine"] {
                #expect(refused.errors.contains("is called \"\(name)\""), "\(refused.errors)")
            }
        }

        @Test func aSweepVariesTheKeysOfTheKindsAndRanksByTheMetric() throws {
            let sweep = try run(
                "sweep", "\(Self.package)/sweep.yaml", "--output", files.file("sweep"), "--set", "train.steps=20",
                "--progress", "none")
            #expect(sweep.exitCode == 0, "\(sweep.errors)")
            let table = try files.text(of: "sweep/sweep.csv").split(separator: "\n")
            #expect(table.count == 5, "\(table)")
            #expect(table.dropFirst().allSatisfy { $0.contains("done") || !$0.contains("failed") }, "\(table)")
        }

        @Test func theKeysOfTheKindsAreListed() throws {
            let keys = try run("config", "--keys")
            #expect(keys.output.contains("objective.margin: number from 0; default 0.2; with loss: margin"))
            #expect(keys.output.contains("optimizer.kind: sgd, adam, adamw, lars, lamb, lion; default adam"))
        }
    }
}
