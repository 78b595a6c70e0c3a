extension Configuration {
    /// The block `batch`: how many pairs a step sees, and in how many shards its arithmetic is defined.
    public struct Batch: Equatable, Sendable {
        /// B: pairs a step, over all workers together.
        public var size: Int
        /// S: equal parts of the batch, a power of two that divides `size`; at most S workers can share a step. Another S gives other bits.
        public var shards: Int
        /// Whether the activations of all of a worker's shards are kept from forward to backward. Changes no bit.
        public var activations: Activations
        /// In how many bytes a process keeps scores between the two passes over all pairs; what goes beyond is made again. Changes no bit.
        public var tileMemory: Int

        /// What becomes of the activations between forward and backward.
        public enum Activations: String, CaseIterable, Sendable {
            /// They stay: memory for all of a worker's shards.
            case keep
            /// They go, and forward is made again shard by shard before each backward: memory for one shard, a third more products in the encoders
            /// (Gao, Zhang, Han, Callan, *Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup*, RepL4NLP 2021).
            case recompute
        }

        /// - Parameter shards: `defaultShards(size:)` where nil.
        public init(size: Int, shards: Int? = nil, activations: Activations = .keep, tileMemory: Int = 256 << 20) {
            self.size = size
            self.shards = shards ?? Batch.defaultShards(size: size)
            self.activations = activations
            self.tileMemory = tileMemory
        }

        /// The largest power of two, at most 16, that divides the batch and leaves at least 128 pairs a shard; at least 1.
        public static func defaultShards(size: Int) -> Int {
            var shards = 16
            while shards > 1, size % shards != 0 || size / shards < 128 { shards /= 2 }
            return shards
        }
    }
}
