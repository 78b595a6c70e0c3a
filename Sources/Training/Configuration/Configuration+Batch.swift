import CoupletPairs
import CoupletSchema

extension Configuration {
    /// The block `batch`: the number of pairs a step, and the number of shards that define its arithmetic.
    public struct Batch: Equatable, Sendable {
        /// B: number of pairs a step, over all workers.
        public var size: Int
        /// S: number of equal parts of the batch, a divisor of `size`. At most S workers can share a
        /// step. Different S give different bits.
        public var shards: Int
        /// Whether activations stay in memory between forward and backward. The bits are the same.
        public var activations: Activations
        /// Bytes of scores that a process caches between the two passes over all pairs. The second pass recomputes
        /// the other scores. The bits are the same.
        public var tileMemory: Int
        /// Whether a batch may have several pairs of one group.
        public var groups: Groups
        /// T: number of pairs a step of each first sample, such as a picture with T of its captions. A batch has B/T
        /// first samples, each in T consecutive positions, and encodes it once.
        public var secondPerFirst: Int

        /// The pairs of one group in a batch. Groups are those of the source, or its labels if it has no groups.
        public enum Groups: String, CaseIterable, Sendable {
            /// As many as the sampler draws.
            case any
            /// At most one (`DistinctBatches`).
            case distinct
        }

        /// Treatment of the activations between forward and backward.
        public enum Activations: String, CaseIterable, Sendable {
            /// Activations stay in memory, for all shards of a worker.
            case keep
            /// The forward pass of each shard runs again before its backward pass. This takes the memory of one shard,
            /// and a third more matrix products in the encoders (gradient caching: Gao, Zhang, Han, Callan, *Scaling
            /// Deep Contrastive Learning Batch Size under Memory Limited Setup*, RepL4NLP 2021).
            case recompute
        }

        /// The number of a sample of a modality in its first draw, for dropout.
        package func firstSample(ofDraw draw: UInt64, _ modality: Modality) -> UInt64 {
            Sampler.sample(ofDraw: draw, pairsPerSample: modality == .first ? secondPerFirst : 1)
        }

        /// - Parameter shards: `defaultShards(size:)` if nil.
        public init(
            size: Int, shards: Int? = nil, activations: Activations = .keep, tileMemory: Int = 256 << 20,
            groups: Groups = .any, secondPerFirst: Int = 1
        ) {
            self.size = size
            self.shards = shards ?? Batch.defaultShards(size: size)
            self.activations = activations
            self.tileMemory = tileMemory
            self.groups = groups
            self.secondPerFirst = secondPerFirst
        }

        /// Number of samples of a modality in a step, over all workers: B/T first samples and B second ones.
        func samples(_ modality: Modality) -> Int { modality == .first ? size / secondPerFirst : size }

        /// Number of samples of a modality in a shard.
        package func shardSamples(_ modality: Modality) -> Int { samples(modality) / shards }

        /// The largest power of two up to 16 that divides the batch and leaves at least 128 pairs a shard; otherwise 1.
        public static func defaultShards(size: Int) -> Int {
            var shards = 16
            while shards > 1, size % shards != 0 || size / shards < 128 { shards /= 2 }
            return shards
        }

        /// The divisors of a number, ascending.
        static func divisors(of number: Int) -> [Int] {
            var small: [Int] = [], large: [Int] = [], divisor = 1
            while divisor * divisor <= number {
                if number % divisor == 0 {
                    small.append(divisor)
                    if divisor * divisor != number { large.append(number / divisor) }
                }
                divisor += 1
            }
            return small + large.reversed()
        }

        static let table = ConfigurationTable(
            Batch(size: 2),
            [
                .required(
                    "size", \.size, .integer(2...ConfigurationLimits.pairs, example: 2_048),
                    "Number of pairs in a step, over all workers."),
                .key(
                    "shards", \.shards, .integer(1...ConfigurationLimits.pairs, example: 16),
                    "Number of equal parts of the batch, which divides it; at most so many workers share a step.",
                    defaultText: "the largest power of two up to 16 that leaves 128 pairs a shard"),
                .key(
                    "activations", \.activations, .choice("treatment of activations"),
                    "Whether activations stay in memory between forward and backward; the bits are the same."),
                .key(
                    "tile_memory", \.tileMemory, .memorySize,
                    "Memory of a process for scores that the second pass would compute again; the bits are the same."),
                .key(
                    "groups", \.groups, .choice("choice of pairs"),
                    "Whether a batch may have several pairs of a group: of /groups, or else of a label."),
                .key(
                    "second_per_first", \.secondPerFirst, .integer(1...ConfigurationLimits.pairs, example: 4),
                    "Second samples of each first one in a batch, which is encoded once: captions of a picture."),
            ],
            complete: { batch, block in
                if !block.has("shards") { batch.shards = defaultShards(size: batch.size) }
                if let problem = batch.problemOfShards {
                    block.note("shards", problem)
                } else if batch.size / batch.shards % batch.secondPerFirst != 0 {
                    block.note(
                        "second_per_first",
                        "wanted a number that divides the \(batch.size / batch.shards) pairs of a shard; found "
                            + "\(batch.secondPerFirst)")
                }
            })

        /// Why `shards` does not fit `size`; nil if it does.
        private var problemOfShards: String? {
            if size % shards == 0 { return nil }
            let valid = Self.divisors(of: size)
            let nearest = [valid.last { $0 < shards }, valid.first { $0 > shards }].compactMap(\.self).map(String.init)
            return "wanted a number that divides the batch of \(size); found \(shards); the nearest valid "
                + "\(nearest.count == 1 ? "number is" : "numbers are") \(nearest.joined(separator: " and "))"
        }
    }
}
