extension PairwiseEngine {
    /// The bytes that an engine takes, without making it: its buffers, and the tiles that it keeps between the passes.
    /// - Parameters:
    ///   - workers: W. Other parameters as in `init`.
    public static func memory(
        workers: Int, shards: Int, batch: Int, dimension: Int, similarity: Similarity, loss: Loss, tileMemory: Int,
        features: FeatureCounts? = nil
    ) -> (buffers: Int, tiles: Int) {
        let rows = batch / workers, geometry = TileGeometry(shardRows: batch / shards), tile = geometry.side * geometry.side
        // Statistics and weights of the rows; what travels, twice; the first gradient; for cosine the directions.
        var floats = 10 * rows + 2 * rows * ((dimension + 3) + 2 + (dimension + 1)) + rows + rows * dimension + 2 * (tile + geometry.side)
        switch similarity {
        case .innerProduct: break
        case .cosine: floats += rows * (2 * dimension + 2)
        case .quadratic: floats += 2 * rows
        }
        var keepsTiles = false
        switch loss.form {
        case .sums: keepsTiles = true
        case .sigmoid: break
        case .discrepancy:
            // Means, residuals and centres at home, and what travels of them and of the second side's features.
            if let features { floats += rows * (3 * features.first + features.second + 2) + 2 * rows * (features.first + features.second + 1) + 2 * tile }
        }
        let along = geometry.ranges.count, most = shards / workers * shards * along * along
        let kept = !keepsTiles || dimension < TileStore.smallestKeptDimension ? 0 : min(most, max(0, tileMemory) / (tile * MemoryLayout<Float>.stride))
        return (floats * MemoryLayout<Float>.stride, kept * (tile + 16) * MemoryLayout<Float>.stride)
    }
}
