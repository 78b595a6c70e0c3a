extension PairwiseEngine {
    /// The bytes that an engine takes, without making it: its buffers, and the tiles that it keeps between the passes.
    /// - Parameters:
    ///   - workers: W. Other parameters as in `init`.
    public static func memory(
        workers: Int, shards: Int, batch: Int, dimension: Int, similarity: Similarity, tileMemory: Int
    ) -> (buffers: Int, tiles: Int) {
        let rows = batch / workers, geometry = TileGeometry(shardRows: batch / shards), tile = geometry.side * geometry.side
        // Statistics and weights of the rows; what travels, twice; the first gradient; for cosine the directions.
        var floats = 10 * rows + 2 * rows * ((dimension + 3) + 2 + (dimension + 1)) + rows + rows * dimension + 2 * (tile + geometry.side)
        switch similarity {
        case .innerProduct: break
        case .cosine: floats += rows * (2 * dimension + 2)
        case .quadratic: floats += 2 * rows
        }
        let along = geometry.ranges.count, most = shards / workers * shards * along * along
        let kept = dimension < TileStore.smallestKeptDimension ? 0 : min(most, max(0, tileMemory) / (tile * MemoryLayout<Float>.stride))
        return (floats * MemoryLayout<Float>.stride, kept * (tile + 16) * MemoryLayout<Float>.stride)
    }
}
