import CoupletStorage
import CoupletTensors
import CoupletText
import Foundation
import Testing

extension ProcessTests {
    /// `train.best` and `train.stop_early` as a user sees them, on a run that memorises its few pairs: the loss of
    /// unseen pairs falls, then rises.
    @Suite(.serialized) struct BestCheckpointTests {
        private static let metric = "loss.mean"

        /// - Parameter extra: further keys of the block `train`.
        private func folder(steps: Int = 120, _ extra: String = "") throws -> TrainingFolder {
            let folder = try TrainingFolder(
                """
                data: {source: hdf5, path: FOLDER/pairs.h5, held_out: 0.25}
                encoders: {embedding: 8, first: {kind: mlp, widths: [64]}, second: {kind: mlp, widths: [64]}}
                objective: {similarity: cosine, temperature: {initial: 0.1, learned: true}}
                batch: {size: 64, shards: 4}
                optimizer: {kind: adam, learning_rate: 0.01}
                train: {steps: \(steps), log_every: 20, evaluate_every: 4, checkpoint_every: 10, keep_checkpoints: 2, \
                best: {metric: \(Self.metric)}\(extra)}

                """)
            let philox = Philox(seed: 0), rows = 240
            func normals(_ count: Int, _ number: UInt64) -> [Float] {
                philox.normals(count, .evaluation, number: number)
            }
            let latent = normals(rows * 3, 0), file = try HDF5File(creating: folder.files.file("pairs.h5"))
            for (name, columns, number) in [("/first", 8, UInt64(1)), ("/second", 6, 2)] {
                let weights = normals(3 * columns, number), noise = normals(rows * columns, 2 + number)
                let values = (0..<rows * columns).map { index in
                    let (row, column) = index.quotientAndRemainder(dividingBy: columns)
                    return (0..<3).reduce(noise[index]) { $0 + latent[row * 3 + $1] * weights[$1 * columns + column] }
                }
                try file.write(name, Tensor([rows, columns], values))
            }
            try file.close()
            return folder
        }

        /// Steps and values of the metric in the evaluations of metrics.jsonl.
        private func evaluations(_ folder: TrainingFolder, _ run: String) throws -> [(step: Int, value: Double)] {
            try folder.files.text(of: "\(run)/metrics.jsonl").split(separator: "\n").compactMap { line in
                guard let json = JSONValue(text: line), let step = json["step"]?.integer,
                    let value = json["evaluation"]?["loss"]?["mean"]?.number
                else { return nil }
                #expect(json["split"]?.string == "validation" && json["evaluation"]?["encodings"] != nil)
                return (step, value)
            }
        }

        private struct Best: Equatable {
            let step: Int, digest: String
        }

        private func best(_ folder: TrainingFolder, _ run: String) throws -> Best {
            let json = try CoupletInvocation("inspect", folder.path(run), "--checkpoint", "best", "--json").json()
            return Best(step: try #require(json["step"] as? Int), digest: try #require(json["digest"] as? String))
        }

        private func run(_ folder: TrainingFolder, _ run: String, _ extra: [String], ranks: Int = 1) throws -> String {
            let job = try folder.start(run, extra, ranks: ranks)
            #expect(job.end(within: 60) == 0, "\(run): \(job.errors)")
            return job.errors
        }

        @Test func theBestCheckpointIsTheSameOnAnyWorkersAndThroughKills() throws {
            let folder = try folder()
            let messages = try run(folder, "one", ["--threads", "1"])
            let values = try evaluations(folder, "one")
            #expect(values.map(\.step) == Array(stride(from: 4, through: 120, by: 4)))
            let lowest = try #require(values.min { $0.value < $1.value })
            let one = try best(folder, "one")
            #expect(one.step == lowest.step && one.step < 120, "\(values)")
            #expect(
                messages.contains("validation pairs") && messages.contains("validation loss ")
                    && messages.contains("best checkpoint has loss.mean") && messages.contains("--checkpoint best"),
                "\(messages)")
            // The newest two, and the best one.
            #expect(
                folder.checkpoints("one") == [one.step, 110, 120].map { "step-\(String(format: "%08d", $0)).h5" })

            for threads in [2, 4] {
                _ = try run(folder, "t\(threads)", ["--threads", "\(threads)"])
                #expect(try best(folder, "t\(threads)") == one, "\(threads) threads")
            }
            if BackgroundJob.hasMPI {
                _ = try run(folder, "r2", ["--threads", "2"], ranks: 2)
                #expect(try best(folder, "r2") == one)
            }
            // Killed before and after the best step, each time on other workers.
            for (target, threads) in [(20, "2"), (lowest.step + 8, "1"), (90, "4")] {
                let job = try folder.start("killed", ["--resume", "--threads", threads])
                job.wait(until: { (folder.step("killed") ?? -1) >= target })
                Foundation.kill(job.process.processIdentifier, SIGKILL)
                _ = job.end(within: 10)
            }
            _ = try run(folder, "killed", ["--resume", "--threads", "1"])
            #expect(try best(folder, "killed") == one)
            let resumed = try evaluations(folder, "killed")
            #expect(resumed.map(\.step) == values.map(\.step) && resumed.map(\.value) == values.map(\.value))
        }

        @Test func stopEarlyEndsTheRunAndSurvivesAKill() throws {
            let folder = try folder(steps: 4_000, ", stop_early: {patience: 4, minimum_change: 0.0001}")
            let messages = try run(folder, "run", ["--threads", "1"])
            let values = try evaluations(folder, "run")
            let last = try #require(values.last), best = try best(folder, "run")
            #expect(messages.contains("train.stop_early: ends after step \(last.step), because loss.mean has not"))
            #expect(last.step == best.step + 16 && folder.step("run") == last.step, "\(values)")
            let digest = try folder.digest(of: "run")
            // The same command finds that the run has ended.
            let again = try run(folder, "run", ["--resume"])
            #expect(again.contains("train.stop_early: ends after step \(last.step)"), "\(again)")
            #expect(try folder.digest(of: "run") == digest)

            let job = try folder.start("killed", ["--threads", "2"])
            job.wait(until: { (folder.step("killed") ?? -1) >= best.step })
            Foundation.kill(job.process.processIdentifier, SIGKILL)
            _ = job.end(within: 10)
            _ = try run(folder, "killed", ["--resume", "--threads", "4"])
            #expect(try folder.digest(of: "killed") == digest)
            #expect(try self.best(folder, "killed") == best)
        }

        @Test func commandsTakeTheBestCheckpoint() throws {
            let folder = try folder()
            _ = try run(folder, "run", [])
            let step = try best(folder, "run").step, path = folder.path("run")
            let evaluated = try CoupletInvocation("evaluate", path, "--checkpoint", "best", "--json").json()
            #expect(evaluated["step"] as? Int == step)
            let named = try CoupletInvocation("evaluate", path, "--checkpoint", "\(step)", "--json")
            #expect(try named.json() as NSDictionary == evaluated as NSDictionary)
            // The test pairs, and the validation pairs beside them.
            let validation = try #require(evaluated["validation"] as? [String: Any])
            #expect(validation["retrieval"] != nil && validation["loss"] != nil && evaluated["retrieval"] != nil)

            let pairs = folder.files.file("pairs.h5")
            for choice in ["best", "\(step)", "latest"] {
                let encoded = try CoupletInvocation(
                    "encode", path, "--modality", "first", "--input", "\(pairs):/first", "--output",
                    folder.files.file("\(choice).h5") + ":/first", "--checkpoint", choice)
                #expect(encoded.exitCode == 0, "\(encoded.errors)")
            }
            func codes(_ choice: String) throws -> [Float] {
                try HDF5File(reading: folder.files.file("\(choice).h5")).readFloats("/first").values
            }
            #expect(try codes("best") == codes("\(step)") && codes("best") != codes("latest"))

            for arguments in [
                ["retrieve", path, "--query", "\(pairs):/first", "--gallery", "\(pairs):/second"], ["inspect", path],
            ] {
                let done = try CoupletInvocation(arguments: arguments + ["--checkpoint", "best"])
                #expect(done.exitCode == 0, "\(arguments): \(done.errors)")
            }
            // Another run can begin with it.
            let started = try CoupletInvocation(
                "train", folder.config, "--output", folder.path("next"), "--set", "train.steps=4", "--set",
                "initialize={from: \(path), checkpoint: best}")
            #expect(
                started.exitCode == 0 && started.errors.contains("step-\(String(format: "%08d", step)).h5"),
                "\(started.errors)")
        }

        @Test func wrongSettingsAreNamed() throws {
            let folder = try folder()
            func problem(_ settings: String...) throws -> String {
                let sets = settings.flatMap { ["--set", $0] }
                for command in [["config", folder.config], ["train", folder.config, "--output", folder.path("none")]] {
                    let done = try CoupletInvocation(arguments: command + sets)
                    #expect(done.exitCode == 65, "\(command): \(done.output) \(done.errors)")
                    #expect(!FileManager.default.fileExists(atPath: folder.path("none")))
                }
                return try CoupletInvocation(arguments: ["config", folder.config] + sets).errors
            }
            for name in ["retrieval.mean_reciprocal_ran", "retreival.mean_reciprocal_rank"] {
                let misspelt = try problem("train.best={metric: \(name)}")
                #expect(
                    misspelt.contains("train.best.metric: ")
                        && misspelt.contains("did you mean retrieval.mean_reciprocal_rank?"), "\(misspelt)")
            }
            let misspelt = try problem("train.best={metric: encodings.effective_rang.first, goal: maximize}")
            #expect(
                misspelt.contains("did you mean encodings.effective_rank.first?")
                    && misspelt.contains("retrieval.mean_reciprocal_rank"), "\(misspelt)")
            #expect(
                try problem("train.best={metric: encodings.norm.first}").contains("goal: maximize or goal: minimize"))
            #expect(try problem("train.best={metric: identifiability.first.c.linear}").contains("OpenBLAS"))
            #expect(try problem("train.evaluate_every=null").contains("train.evaluate_every: train.best needs"))
            #expect(try problem("train.stop_early={patience: 0}").contains("train.stop_early.patience: wanted a whole"))
            #expect(try problem("train.stop_early={patients: 3}").contains("did you mean patience?"))
            let plain = try TrainingFolder(TrainingFolder.tinyGaussian())
            _ = try plain.digest("run")
            let none = try CoupletInvocation("evaluate", plain.path("run"), "--checkpoint", "best")
            #expect(none.exitCode == 65 && none.errors.contains("train with train.best"), "\(none.errors)")
        }
    }
}
