import CCoupletKernels
import CoupletTensors

/// The division of a shard pair's scores into tiles that fit a core's second-level cache. It depends only on the number
/// of rows of a shard and on d, never on the machine.
struct TileGeometry: Equatable, Sendable {
    /// B / S.
    let shardRows: Int
    /// Rows and columns of a tile; the last tiles of a shard may be smaller.
    let rows: Int, columns: Int
    /// Floats from one row of a tile to the next: a multiple of 16, with at least 16 floats that no score uses. Rows at
    /// a distance of 2 KiB would share few sets of the first-level cache.
    var stride: Int { (columns + 15) / 16 * 16 + 16 }
    /// Floats of the memory of a tile: its rows, then its shift.
    var count: Int { rows * stride + 16 }

    init(shardRows: Int, dimension: Int) {
        precondition(shardRows > 0, "shards of \(shardRows) rows")
        self.shardRows = shardRows
        // Scores of small encodings are not stored. Their columns stay in the first-level cache.
        let isSmall = dimension <= COUPLET_SMALL_DIMENSION
        rows = Self.side(shardRows, largest: isSmall ? 512 : 128)
        columns = Self.side(shardRows, largest: isSmall ? 256 : 512)
    }

    /// The row ranges of the tiles of a shard pair.
    var rowRanges: [Range<Int>] { ranges(of: rows) }
    /// The column ranges of the tiles of a shard pair.
    var columnRanges: [Range<Int>] { ranges(of: columns) }
    /// Number of tiles of a shard pair.
    var tilesPerPair: Int { rowRanges.count * columnRanges.count }

    private func ranges(of side: Int) -> [Range<Int>] {
        Swift.stride(from: 0, to: shardRows, by: side).map { $0..<min($0 + side, shardRows) }
    }

    /// As few sides of at most `largest` as possible, about equal: a multiple of 16.
    private static func side(_ shardRows: Int, largest: Int) -> Int {
        let count = (shardRows + largest - 1) / largest
        return min(((shardRows + count - 1) / count + 15) / 16 * 16, shardRows)
    }
}

/// One tile of scores.
struct ScoreTile {
    /// Rows of this worker's first encodings.
    let rows: Range<Int>
    /// Columns of the remote block.
    let columns: Range<Int>
    /// For shard pairs on the diagonal: the column of the pair of row 0, counted within the tile. The pair of row i is
    /// i columns further. It may lie outside of the tile. Nil for other shard pairs.
    let diagonalStart: Int?
    /// Whether |T| is at most `COUPLET_BOUNDED` for all scores of the shard pair.
    let isBounded: Bool
    /// Number of the tile in the order of the schedule.
    let number: Int

    /// The rows of the tile whose pairs (i, i) lie in the tile, counted within the tile.
    var diagonalRows: Range<Int> {
        guard let diagonalStart else { return 0..<0 }
        let start = max(0, -diagonalStart)
        return start..<max(start, min(rows.count, columns.count - diagonalStart))
    }

    /// The column of a row's pair (i, i). Both are counted within the tile; the row is one of `diagonalRows`.
    func diagonalColumn(_ row: Int) -> Int { row + (diagonalStart ?? 0) }
}

/// Keeps tiles of exponentials between the two passes: the first tiles of the schedule, as many as the memory budget
/// allows.
///
/// The budget never changes a bit of a result: a tile that is not cached is computed again by the same arithmetic.
final class TileCache {
    private let geometry: TileGeometry
    private let cachedTiles: Tensor
    private let cachedCount: Int
    private let currentTile: Tensor
    private let workspaceTile: Tensor

    init(geometry: TileGeometry, schedule: PairwiseSchedule, dimension: Int, bytes: Int) {
        self.geometry = geometry
        cachedCount = Self.cachedCount(
            geometry: geometry, shardPairs: schedule.localShards.count * schedule.shards, dimension: dimension,
            bytes: bytes)
        cachedTiles = Tensor([cachedCount, geometry.count])
        currentTile = Tensor([geometry.count])
        workspaceTile = Tensor([geometry.count])
    }

    /// Number of tiles that a budget of `bytes` keeps. Scores of small encodings take less time to compute again than
    /// to load from memory.
    static func cachedCount(geometry: TileGeometry, shardPairs: Int, dimension: Int, bytes: Int) -> Int {
        dimension <= COUPLET_SMALL_DIMENSION
            ? 0
            : min(shardPairs * geometry.tilesPerPair, max(0, bytes) / (geometry.count * MemoryLayout<Float>.stride))
    }

    func isCached(_ number: Int) -> Bool { number < cachedCount }

    /// Memory for the exponentials of a tile. If the tile is not cached, it is `current`.
    func exponentials(_ number: Int) -> UnsafeMutablePointer<Float> {
        isCached(number) ? cachedTiles.pointer + number * cachedTiles.columns : current
    }

    /// The shift of the exponentials 2^(T - shift) of a tile.
    func shift(_ number: Int) -> UnsafeMutablePointer<Float> {
        exponentials(number) + geometry.rows * geometry.stride
    }

    /// Memory for the products of one tile, and for the exponentials of a tile that is not cached.
    var current: UnsafeMutablePointer<Float> { currentTile.pointer }

    /// Memory for the products or weights of one tile, separate from all exponentials.
    var workspace: UnsafeMutablePointer<Float> { workspaceTile.pointer }
}
