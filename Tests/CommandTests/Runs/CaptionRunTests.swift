import CoupletStorage
import CoupletTensors
import Foundation
import TestSupport
import Testing

extension ProcessTests {
    /// Runs on files with /pairs: several captions a picture.
    @Suite(.serialized) struct CaptionRunTests {
        /// 96 pictures of 3 × 2 × 2 with five captions each, of which every tenth is one text of many pictures; the
        /// last 16 pictures are held out and the 16 before are for validation. Each caption is its picture and noise.
        private static func write(_ path: String, noise: Float = 0.4, shared: Bool = true, split: Bool = true) throws {
            let pictures = 96, captions = 480, philox = Philox(seed: 4)
            let first = Tensor([pictures, 3, 2, 2]), second = Tensor([captions, 12])
            for row in 0..<pictures {
                for (k, number) in philox.normals(12, .source, number: UInt64(row)).enumerated() {
                    first[12 * row + k] = number
                }
            }
            for row in 0..<captions {
                let numbers = philox.normals(12, .augmentation, number: UInt64(row))
                for k in 0..<12 { second[12 * row + k] = first[12 * (row / 5) + k] + noise * numbers[k] }
            }
            let file = try HDF5File(creating: path, overwriting: true)
            try file.write("/first", first)
            try file.write("/second", second)
            let pairs = (0..<captions).map { ($0 / 5, shared && $0 % 10 == 3 ? 3 : $0) }
            try file.write("/pairs", pairs.flatMap { [$0.0, $0.1] }, shape: [captions, 2])
            if split {
                try file.write("/split", pairs.map { $0.0 < 64 ? 0 : $0.0 < 80 ? 2 : 1 }, shape: [captions])
            }
            try file.close()
        }

        private static let config = """
            data: {source: hdf5, path: FOLDER/captions.h5}
            encoders:
              embedding: 6
              first: {kind: layers, layers: [flatten, {linear: 20}, {dropout: 0.2}, {linear: 6}]}
              second: {kind: linear}
            objective: {similarity: cosine, groups: positives, equal_samples: excluded}
            batch: {size: 128, shards: 8, second_per_first: 4}
            optimizer: {learning_rate: 0.02}
            train: {steps: 24, evaluate_every: 8, checkpoint_every: 8}

            """

        @Test func theSameDigestOnAnyNumberOfWorkers() throws {
            let folder = try TrainingFolder(Self.config)
            try Self.write(folder.files.file("captions.h5"))
            var digests: [String] = []
            for (name, settings) in [
                ("plain", []), ("one", ["batch.second_per_first=1", "batch.size=64"]),
                ("ignore", ["objective.equal_samples=ignore"]), ("recompute", ["batch.activations=recompute"]),
                ("disk", ["data.cache_memory=0"]), ("two", ["objective={loss: lp_simclr, equal_samples: excluded}"]),
                (
                    "wide",
                    [
                        "encoders.embedding=12", "objective.groups=excluded",
                        "encoders.first={kind: layers, layers: [flatten, {linear: 12}]}",
                    ]
                ),
                ("distinct", ["batch.groups=distinct"]),
            ] {
                let set = settings.flatMap { ["--set", $0] }
                let one = try folder.digest("\(name)1", ["--threads", "1"] + set)
                #expect(try folder.digest("\(name)t4", ["--threads", "4"] + set) == one, "\(name) on 4 threads")
                if BackgroundJob.hasMPI {
                    #expect(try folder.digest("\(name)r2t2", ["--threads", "2"] + set, ranks: 2) == one, "\(name)")
                }
                digests.append(one)
            }
            // Recomputed activations and rows read from the disk are the same bits.
            #expect(digests[3] == digests[0] && digests[4] == digests[0])
            #expect(Set(digests).count == digests.count - 2)
            // Evaluations, too, with galleries of distinct samples.
            let evaluations = try ["plain1", "plaint4"].map {
                try CoupletInvocation("evaluate", folder.path($0), "--json").json()
            }
            let retrieval = try #require(evaluations[0]["retrieval"] as? [String: Any])
            #expect(retrieval["gallery"] as? Int == 80 && retrieval["first_gallery"] as? Int == 16)
            #expect(retrieval["second_gallery"] as? Int == 80 - 8 + 1)
            #expect(NSDictionary(dictionary: evaluations[0]) == NSDictionary(dictionary: evaluations[1]))
            let validation = try #require(evaluations[0]["validation"] as? [String: Any])
            #expect((validation["retrieval"] as? [String: Any])?["first_gallery"] as? Int == 16)
        }

        @Test func resumesAndReplays() throws {
            let folder = try TrainingFolder(Self.config)
            try Self.write(folder.files.file("captions.h5"))
            let whole = try folder.digest("whole")
            _ = try folder.digest("part", ["--set", "train.steps=11"])
            #expect(try folder.digest("part", ["--resume", "--threads", "2"]) == whole)
            for threads in ["1", "4"] {
                let replay = try CoupletInvocation(
                    "replay", folder.path("whole"), "--step", "16", "--threads", threads, "--json",
                    in: folder.files.path)
                #expect(replay.exitCode == 0, "\(replay.errors)")
                #expect(try replay.json()["verdict"] as? String == "same_bits")
            }
            let dump = folder.files.file("dump.h5")
            #expect(try CoupletInvocation("replay", folder.path("whole"), "--step", "5", "--dump", dump).exitCode == 0)
            let file = try HDF5File(reading: dump)
            #expect(try file.dataset("/inputs/first")?.shape == [32, 3, 2, 2])
            #expect(try file.dataset("/inputs/second")?.shape == [128, 12])
            #expect(try file.dataset("/encodings/first")?.shape == [128, 6])
        }

        /// Captions that are their pictures, and encoders that are the same map: recall at 1 is 1 both ways, also on
        /// another file.
        @Test func perfectEncodersFindAll() throws {
            let folder = try TrainingFolder(
                Self.config.replacingOccurrences(of: "{linear: 20}, {dropout: 0.2}, {linear: 6}", with: "{linear: 12}")
                    .replacingOccurrences(of: "embedding: 6", with: "embedding: 12")
                    .replacingOccurrences(of: "steps: 24", with: "steps: 400")
                    .replacingOccurrences(of: "evaluate_every: 8, checkpoint_every: 8", with: "evaluate_every: null"))
            try Self.write(folder.files.file("captions.h5"), noise: 0, shared: false)
            try Self.write(folder.files.file("other.h5"), noise: 0, shared: false, split: false)
            _ = try folder.digest("run")
            for (extra, pictures) in [([], 16), (["--data", folder.files.file("other.h5")], 96)] {
                let result = try CoupletInvocation(arguments: ["evaluate", folder.path("run"), "--json"] + extra).json()
                let retrieval = try #require(result["retrieval"] as? [String: Any])
                #expect(retrieval["first_gallery"] as? Int == pictures)
                #expect(
                    retrieval["second_gallery"] as? Int == 5 * pictures && retrieval["gallery"] as? Int == 5 * pictures)
                for way in ["first_to_second", "second_to_first"] {
                    #expect((retrieval[way] as? [String: Any])?["recall_at_1"] as? Double == 1, "\(way) \(extra)")
                }
            }
        }

        @Test func impossibleChoicesAreRefused() throws {
            let folder = try TrainingFolder(Self.config)
            try Self.write(folder.files.file("captions.h5"))
            func refusal(_ folder: TrainingFolder, _ settings: String...) throws -> String {
                let set = settings.flatMap { ["--set", $0] }
                let train = try CoupletInvocation(
                    arguments: ["train", folder.config, "--output", folder.path("x")] + set)
                #expect(train.exitCode == 65)
                return train.errors
            }
            var message = try refusal(folder, "batch.second_per_first=3")
            #expect(message.contains("batch.second_per_first") && message.contains("divides the 16 pairs of a shard"))
            message = try refusal(folder, "batch.size=512")
            #expect(message.contains("4 of each of 128 samples, but the source has 64 training samples"))
            message = try refusal(folder, "objective.loss=mmd", "objective.groups=ignore")
            #expect(
                message.contains("objective.equal_samples") && message.contains("no negatives that it could leave out"))

            let pairs = try TrainingFolder(TrainingFolder.pairs("FOLDER/pairs.h5", steps: 2))
            try pairs.writePairs("pairs.h5")
            message = try refusal(pairs, "objective.equal_samples=excluded")
            #expect(message.contains("does not tell which samples are equal") && message.contains("/pairs"))
            message = try refusal(pairs, "batch.second_per_first=2")
            #expect(message.contains("batch.second_per_first") && message.contains("/pairs"))
            let shared = try TrainingFolder(
                "encoders: {embedding: 3, first: {kind: linear}, shared: true}\n"
                    + "data: {source: gaussian, dimensions: [4, 4], correlations: [0.5]}\n"
                    + "batch: {size: 64, second_per_first: 2}\ntrain: {steps: 1}\n")
            message = try refusal(shared)
            #expect(message.contains("a shared encoder takes as many first samples as second ones"))
        }
    }
}
