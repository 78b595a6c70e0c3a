import CoupletStorage
import CoupletTensors
import Foundation
import TestSupport
import Testing

extension ProcessTests {
    /// Runs that treat pairs of one group apart: `objective.groups` and `batch.groups`.
    @Suite(.serialized) struct GroupRunTests {
        /// Five captions for each of 128 pictures: /first repeats, /second differs.
        private static func writeCaptions(_ path: String, names: (Int) -> Int = { $0 }) throws {
            let count = 640, philox = Philox(seed: 9), first = Tensor([count, 8]), second = Tensor([count, 6])
            for row in 0..<count {
                let picture = philox.normals(8, .source, number: UInt64(row % 128))
                let noise = philox.normals(6, .augmentation, number: UInt64(row))
                for k in 0..<8 { first[8 * row + k] = picture[k] }
                for k in 0..<6 { second[6 * row + k] = picture[k] + 0.5 * noise[k] }
            }
            let file = try HDF5File(creating: path, overwriting: true)
            try file.write("/first", first)
            try file.write("/second", second)
            try file.write("/groups", (0..<count).map { names($0 % 128) }, shape: [count])
            try file.close()
        }

        private static let captions = """
            data: {source: hdf5, path: FOLDER/captions.h5}
            encoders: {embedding: 12, first: {kind: mlp, widths: [16]}, second: {kind: linear}}
            objective: {similarity: cosine, temperature: {initial: 0.1, learned: true}, groups: positives}
            batch: {size: 128, shards: 8}
            optimizer: {learning_rate: 0.01}
            train: {steps: 40, evaluate_every: null, checkpoint_every: 20}

            """

        private static func check(_ folder: TrainingFolder, _ name: String, _ settings: [String]) throws -> String {
            let one = try folder.digest("\(name)1", ["--threads", "1"] + settings)
            for threads in [2, 4] {
                #expect(try folder.digest("\(name)t\(threads)", ["--threads", "\(threads)"] + settings) == one)
            }
            if BackgroundJob.hasMPI {
                #expect(try folder.digest("\(name)r4", settings, ranks: 4) == one, "4 ranks")
                #expect(try folder.digest("\(name)r2t2", ["--threads", "2"] + settings, ranks: 2) == one)
            }
            return one
        }

        @Test func theSameDigestOnAnyNumberOfWorkers() throws {
            let folder = try TrainingFolder(Self.captions)
            try Self.writeCaptions(folder.files.file("captions.h5"))
            var digests: [String] = []
            for (name, settings) in [
                ("positives", []), ("excluded", ["objective.groups=excluded"]), ("ignore", ["objective.groups=ignore"]),
                ("distinct", ["objective.groups=ignore", "batch.groups=distinct"]),
                ("sigmoid", ["objective.loss=sigmoid"]), ("nt_xent", ["objective.loss=nt_xent"]),
                ("lp_simclr", ["objective={loss: lp_simclr, groups: excluded}", "batch.groups=distinct"]),
                ("small", ["encoders.embedding=3", "objective.groups=excluded"]),
            ] {
                digests.append(try Self.check(folder, name, settings.flatMap { ["--set", $0] }))
            }
            #expect(Set(digests).count == digests.count)
            // With distinct groups there is nothing to ignore.
            let distinct = try folder.digest(
                "both", ["--set", "batch.groups=distinct", "--set", "objective.groups=excluded"])
            #expect(distinct == digests[3])
            // The numbers of the groups do not matter.
            try Self.writeCaptions(folder.files.file("captions.h5")) { 1 << 40 - 3 * $0 }
            #expect(try folder.digest("names") == digests[0])
        }

        @Test func resumesAndReplays() throws {
            let folder = try TrainingFolder(Self.captions)
            try Self.writeCaptions(folder.files.file("captions.h5"))
            let settings = ["--set", "batch.groups=distinct"]
            let whole = try folder.digest("whole", settings)
            _ = try folder.digest("part", settings + ["--set", "train.steps=17"])
            #expect(try folder.digest("part", settings + ["--resume", "--threads", "2"]) == whole)
            let replay = try CoupletInvocation(
                "replay", folder.path("whole"), "--step", "31", in: folder.files.path)
            #expect(replay.exitCode == 0, "\(replay.errors)")
        }

        /// The digits of MNIST are the groups of a source without groups.
        @Test func labelsAreGroupsWhereThereAreNone() throws {
            let folder = try TrainingFolder(
                TrainingFolder.mnist("FOLDER", steps: 10).replacingOccurrences(
                    of: "objective: {", with: "objective: {groups: positives, "))
            try folder.writeDigits()
            let positives = try Self.check(folder, "positives", [])
            #expect(try folder.digest("ignore", ["--set", "objective.groups=ignore"]) != positives)
        }

        // MARK: - Refusals

        private static func refusal(_ folder: TrainingFolder, _ settings: String...) throws -> String {
            let set = settings.flatMap { ["--set", $0] }
            let config = try CoupletInvocation(arguments: ["config", folder.config] + set)
            let train = try CoupletInvocation(arguments: ["train", folder.config, "--output", folder.path("x")] + set)
            #expect(config.exitCode == 65 && train.exitCode == 65 && config.errors == train.errors)
            return train.errors
        }

        @Test func impossibleChoicesAreRefused() throws {
            let folder = try TrainingFolder(Self.captions)
            try Self.writeCaptions(folder.files.file("captions.h5"))
            var message = try Self.refusal(folder, "batch.groups=distinct", "batch.size=256")
            #expect(message.contains("batch.groups"))
            #expect(
                message.contains(
                    "a batch of 256 pairs of distinct groups, but the 640 training samples have 128 groups"))
            #expect(message.contains("set batch.size to at most 128, or batch.groups: any"))
            message = try Self.refusal(folder, "objective={loss: mmd, groups: positives}")
            #expect(
                message.contains(
                    "wanted ignore for the loss mmd: it has no sum over several positives; found positives"))
            message = try Self.refusal(folder, "objective.groups=positive")
            #expect(message.contains("positives"))

            let pairs = try TrainingFolder(TrainingFolder.pairs("FOLDER/pairs.h5", steps: 2))
            try pairs.writePairs("pairs.h5")
            message = try Self.refusal(pairs, "objective.groups=positives")
            #expect(message.contains("objective.groups"))
            #expect(message.contains("the source tells neither groups nor labels of its pairs"))
            #expect(message.contains("give an HDF5 file /groups or /labels"))
            let endless = try TrainingFolder(TrainingFolder.tinyGaussian())
            message = try Self.refusal(endless, "batch.groups=distinct")
            #expect(message.contains("a finite set of samples, but the source is endless"))
            message = try Self.refusal(endless, "objective.groups=excluded")
            #expect(message.contains("neither groups nor labels"))
        }

        @Test func benchmarkComparesWithGroupsIgnored() throws {
            let object = try CoupletInvocation(
                "bench", "loss", "--batch", "256", "--dim", "24", "--repeat", "3", "--threads", "2", "--set",
                "objective.groups=positives", "--groups", "10", "--json"
            ).json()
            #expect(object["groups"] as? String == "positives" && object["group_count"] as? Int == 10)
            #expect((object["median_seconds_without_groups"] as? Double ?? 0) > 0)
        }
    }
}
