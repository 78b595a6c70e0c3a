extension Configuration {
    /// The block `batch`: how many pairs a step sees, and in how many shards its arithmetic is defined.
    public struct Batch: Equatable, Sendable {
        /// B: pairs a step, over all workers together.
        public var size: Int
        /// S: equal parts of the batch, a power of two that divides `size`; at most S workers can share a step. Another S gives other bits.
        public var shards: Int

        /// - Parameter shards: `defaultShards(size:)` where nil.
        public init(size: Int, shards: Int? = nil) {
            self.size = size
            self.shards = shards ?? Batch.defaultShards(size: size)
        }

        /// The largest power of two, at most 16, that divides the batch and leaves at least 128 pairs a shard; at least 1.
        public static func defaultShards(size: Int) -> Int {
            var shards = 16
            while shards > 1, size % shards != 0 || size / shards < 128 { shards /= 2 }
            return shards
        }
    }
}
