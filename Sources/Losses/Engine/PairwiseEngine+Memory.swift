extension PairwiseEngine {
    /// The bytes that an engine takes, without making it: its buffers, and the tiles that it keeps between the passes.
    /// - Parameters:
    ///   - workers: W. Other parameters as in `init`.
    public static func memory(
        workers: Int, shards: Int, batch: Int, dimension: Int, similarity: Similarity, loss: Loss, tileMemory: Int,
        features: FeatureCounts? = nil
    ) -> (buffers: Int, tiles: Int) {
        let rows = batch / workers, geometry = TileGeometry(shardRows: batch / shards),
            tile = geometry.side * geometry.side
        let stride = MemoryLayout<Float>.stride, measure = loss.measure(similarity)
        func meeting(_ diagonal: TiledScores.Diagonal) -> Int {
            TiledScores.memory(
                rows: rows, shardRows: batch / shards, dimension: dimension, measure: measure, diagonal: diagonal)
        }
        func kept(_ bytes: Int) -> Int {
            TileCache.keptCount(
                geometry: geometry, pairsOfShards: shards / workers * shards, dimension: dimension, bytes: bytes)
        }
        var buffers = 0, stores = 1, tiles = 0
        switch loss.form {
        case .sums: (buffers, tiles) = (meeting(.positives), kept(tileMemory))
        case .sigmoid: buffers = meeting(.positives)
        case .discrepancy:
            buffers = meeting(.positives)
            // Means, residuals and centres at home, and what travels of them and of the second side's features.
            if let features {
                buffers +=
                    stride
                    * (rows * (3 * features.first + features.second + 2) + 2 * rows
                        * (features.first + features.second + 1) + 2 * tile)
            }
        case .secondBatch: (buffers, tiles) = (2 * meeting(.strangers), kept(tileMemory))
        case .allEncodings:
            (buffers, stores, tiles) = (meeting(.positives) + 2 * meeting(.selves), 3, 3 * kept(tileMemory / 3))
        }
        buffers += stores * 2 * tile * stride
        if measure == .product && similarity == .cosine { buffers += rows * (2 * dimension + 2) * stride }
        return (buffers, tiles * (tile + 16) * stride)
    }
}
