import CoupletTensors

/// The division of a shard pair's scores into square tiles that fit a core's second-level cache. It depends only on the
/// number of rows of a shard, never on the machine.
struct TileGeometry: Equatable, Sendable {
    /// B / S.
    let shardRows: Int
    /// Rows and columns of a tile; the last tile of a shard may be smaller.
    let side: Int

    /// 256 × 256 scores take 256 KiB, and matrix products of that size nearly reach the speed of large ones.
    private static let largestSide = 256

    init(shardRows: Int) {
        precondition(shardRows > 0, "shards of \(shardRows) rows")
        self.shardRows = shardRows
        let count = (shardRows + Self.largestSide - 1) / Self.largestSide
        side = min(((shardRows + count - 1) / count + 15) / 16 * 16, shardRows)
    }

    /// The row (or column) ranges of the tiles along one side of a shard pair.
    var ranges: [Range<Int>] {
        stride(from: 0, to: shardRows, by: side).map { $0..<min($0 + side, shardRows) }
    }
}

/// One tile of scores.
struct ScoreTile {
    /// Rows of this worker's first encodings.
    let rows: Range<Int>
    /// Columns of the remote block.
    let columns: Range<Int>
    /// Whether the tile's diagonal holds the pairs (i, i).
    let isDiagonal: Bool
    /// Number of the tile in the order of the schedule.
    let number: Int
}

/// Keeps tiles of exponentials between the two passes: the first tiles of the schedule, as many as the memory budget
/// allows.
///
/// The budget never changes a bit of a result: a tile that is not cached is computed again by the same arithmetic.
final class TileCache {
    private let side: Int
    private let cachedTiles: Tensor
    private let cachedCount: Int
    /// The exponentials of the current tile, if it is not cached.
    private let currentTile: Tensor
    private let workspaceTile: Tensor

    /// The smallest d at which tiles are cached. Below it, computing a tile again takes less time than loading it from
    /// memory (measured: 17 % less at d = 8 and 16, 7 % more at d = 32).
    private static let smallestCachedDimension = 32

    init(geometry: TileGeometry, schedule: PairwiseSchedule, dimension: Int, bytes: Int) {
        side = geometry.side
        cachedCount = Self.cachedCount(
            geometry: geometry, shardPairs: schedule.localShards * schedule.shards, dimension: dimension, bytes: bytes)
        // Each tile is followed by its shift.
        cachedTiles = Tensor([cachedCount, side * side + 16])
        currentTile = Tensor([side * side + 16])
        workspaceTile = Tensor([side * side])
    }

    /// Number of tiles that a budget of `bytes` keeps.
    static func cachedCount(geometry: TileGeometry, shardPairs: Int, dimension: Int, bytes: Int) -> Int {
        let tilesPerSide = geometry.ranges.count, tiles = shardPairs * tilesPerSide * tilesPerSide
        let tileBytes = geometry.side * geometry.side * MemoryLayout<Float>.stride
        return dimension < smallestCachedDimension ? 0 : min(tiles, max(0, bytes) / tileBytes)
    }

    func isCached(_ number: Int) -> Bool { number < cachedCount }

    /// Memory for the exponentials of a tile. If the tile is not cached, the next such tile overwrites the memory.
    func exponentials(_ number: Int) -> UnsafeMutablePointer<Float> {
        isCached(number) ? cachedTiles.pointer + number * cachedTiles.columns : currentTile.pointer
    }

    /// The shift of the exponentials 2^(T - shift) of a tile.
    func shift(_ number: Int) -> UnsafeMutablePointer<Float> { exponentials(number) + side * side }

    /// Memory for the scores or weights of one tile, separate from its exponentials.
    var workspace: UnsafeMutablePointer<Float> { workspaceTile.pointer }
}
