import CoupletSweeps
import Foundation
import TestSupport
import Testing

extension ProcessTests {
    /// Sweeps choose by validation pairs and report test pairs.
    @Suite(.serialized) struct SweepSplitTests {
        private static let metric = "retrieval.first_to_second.mean_reciprocal_rank"

        private static func sweep(_ folder: TrainingFolder, _ more: String) throws -> String {
            try folder.files.write(
                "sweep.yaml",
                "base: c.yaml\nvary: {optimizer.learning_rate: [0.001, 0.01, 0.03]}\nmetric: \(metric)\n"
                    + "goal: maximize\n\(more)\n")
        }

        private static func fixture() throws -> TrainingFolder {
            let folder = try TrainingFolder(
                TrainingFolder.pairs("FOLDER/pairs.h5", steps: 20).replacingOccurrences(
                    of: "pairs.h5}", with: "pairs.h5, held_out: 0.25}"))
            try folder.writePairs("pairs.h5")
            return folder
        }

        private static func value(_ folder: TrainingFolder, _ trial: String, _ path: String) throws -> Double? {
            let file = folder.path("s/trials/\(trial)/evaluation.json")
            var value = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: file)))
            for key in path.split(separator: ".") {
                guard let inner = (value as? [String: Any])?[String(key)] else { return nil }
                value = inner
            }
            return value as? Double
        }

        private static func run(_ folder: TrainingFolder, _ sweep: String, _ extra: [String] = []) throws
            -> (rows: [SweepRow], job: BackgroundJob)
        {
            let job = try BackgroundJob(
                ["sweep", sweep, "--output", folder.path("s"), "--progress", "plain", "--threads", "2"] + extra)
            #expect(job.end(within: 90) == 0, "\(job.errors)")
            return (try SweepTable(folder: SweepFolder(path: folder.path("s"))).rows, job)
        }

        /// The figures of both splits are those of the trials' evaluations; halving compares those of validation.
        @Test(arguments: ["", "halving: {first_steps: 5, factor: 2}"])
        func trialsAreComparedByValidationPairs(_ halving: String) throws {
            let folder = try Self.fixture(), (rows, job) = try Self.run(folder, try Self.sweep(folder, halving))
            for row in rows {
                #expect(row.chosenOn == .validation)
                let validation = try Self.value(folder, row.trial, "validation.\(Self.metric)")
                let test = try Self.value(folder, row.trial, Self.metric)
                // Foundation may round the last digit of a number in JSON otherwise.
                #expect(abs((row.metric ?? .nan) - (validation ?? .nan)) <= 1e-15, "\(row), \(validation ?? .nan)")
                #expect(abs((row.test ?? .nan) - (test ?? .nan)) <= 1e-15, "\(row), \(test ?? .nan)")
                #expect(row.test != row.metric)
                let config = try String(
                    contentsOfFile: folder.path("s/trials/\(row.trial)/config.yaml"), encoding: .utf8)
                #expect(config.contains("validation: 0.1"))
            }
            #expect(job.output.contains("\(Self.metric) (validation)"), "\(job.output)")
            // A trial alone has the same figures and the same digest.
            let row = rows[0]
            guard row.status == .done else { return }
            let alone = try folder.digest(
                "alone", ["--set", "optimizer.learning_rate=0.001", "--set", "data.validation=0.1"])
            #expect(alone == row.digest)
        }

        /// A trial with `train.best` has the figures and the digest of its best checkpoint. A sweep that resumes does
        /// not train trials again that `train.stop_early` has ended.
        @Test func trialsWithABestCheckpointAreMeasuredThere() throws {
            let folder = try Self.fixture()
            let extra = [
                "train.evaluate_every=2", "train.best.metric=loss.mean", "train.stop_early.patience=2",
                "train.steps=60", "train.keep_checkpoints=1",
            ].flatMap { ["--set", $0] }
            let sweep = try Self.sweep(folder, ""), (rows, _) = try Self.run(folder, sweep, extra)
            var stoppedEarly = 0
            for row in rows {
                let trial = folder.path("s/trials/\(row.trial)")
                let json = try CoupletInvocation("evaluate", trial, "--checkpoint", "best", "--json")
                let file = try String(contentsOfFile: "\(trial)/evaluation_best.json", encoding: .utf8)
                #expect(json.output.trimmingCharacters(in: .newlines) == file.trimmingCharacters(in: .newlines))
                let object = try JSONSerialization.jsonObject(with: Data(file.utf8)) as? [String: Any]
                let validation = object?["validation"] as? [String: Any]
                let retrieval = validation?["retrieval"] as? [String: Any]
                let value = (retrieval?["first_to_second"] as? [String: Any])?["mean_reciprocal_rank"] as? Double
                #expect(abs((row.metric ?? .nan) - (value ?? .nan)) <= 1e-15, "\(row)")
                let inspected = try CoupletInvocation("inspect", trial, "--checkpoint", "best")
                #expect(inspected.output.contains(row.digest), "\(row) \(inspected.output)")
                let log = try String(contentsOfFile: "\(trial)/log.txt", encoding: .utf8)
                if log.contains("train.stop_early: ends") { stoppedEarly += 1 }
            }
            // A large rate soon makes the loss worse.
            #expect(stoppedEarly > 0)
            func logs() throws -> [Int] {
                try rows.map {
                    try String(contentsOfFile: folder.path("s/trials/\($0.trial)/log.txt"), encoding: .utf8).count
                }
            }
            let before = try logs(), (again, _) = try Self.run(folder, sweep, extra + ["--resume"])
            #expect(again.map(\.digest) == rows.map(\.digest) && again.map(\.metric) == rows.map(\.metric))
            #expect(try logs() == before)
        }

        /// A sweep that only measures trains on all training pairs. A sweep of an older version goes on in that way.
        @Test func sweepsThatMeasureUseTheTestPairs() throws {
            let folder = try Self.fixture(), file = try Self.sweep(folder, "choose_on: test")
            let (rows, job) = try Self.run(folder, file)
            #expect(!job.errors.contains("not honest"))
            for row in rows {
                #expect(row.chosenOn == .test && row.test == row.metric)
                let config = try String(
                    contentsOfFile: folder.path("s/trials/\(row.trial)/config.yaml"), encoding: .utf8)
                #expect(!config.contains("validation"))
            }
            // As an older version wrote the folder: no choose_on, no columns; one trial is missing.
            let stored = folder.path("s/sweep.yaml")
            let text = try String(contentsOfFile: stored, encoding: .utf8)
            try text.replacingOccurrences(of: "choose_on: test\n", with: "").write(
                toFile: stored, atomically: true, encoding: .utf8)
            let results = folder.path("s/results.jsonl")
            try String(contentsOfFile: results, encoding: .utf8)
                .replacingOccurrences(of: #","chosen_on":"test""#, with: "").write(
                    toFile: results, atomically: true, encoding: .utf8)
            try FileManager.default.removeItem(atPath: folder.path("s/trials/\(rows[1].trial)"))
            let plain = try Self.sweep(folder, ""), (again, _) = try Self.run(folder, plain, ["--resume"])
            #expect(again.map(\.digest) == rows.map(\.digest) && again.map(\.metric) == rows.map(\.metric))
            let other = try Self.sweep(folder, "choose_on: validation")
            let refused = try CoupletInvocation("sweep", other, "--output", folder.path("s"), "--resume")
            #expect(refused.exitCode == 65 && refused.errors.contains("choose_on: test in the sweep, validation now"))
        }
    }
}
