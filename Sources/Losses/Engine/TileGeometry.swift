/// How the scores of a shard pair are cut into square sub-tiles that fit a core's second cache: a function of the shard's rows alone, never
/// of the machine.
package struct TileGeometry: Equatable, Sendable {
    /// B / S.
    package let shardRows: Int
    /// Rows and columns of a sub-tile; the last of a shard may be shorter.
    package let side: Int

    /// 256 × 256 scores are 256 KiB, and products of that size reach nearly the speed of large ones.
    package static let largestSide = 256

    package init(shardRows: Int) {
        precondition(shardRows > 0, "shards of \(shardRows) rows")
        self.shardRows = shardRows
        let count = (shardRows + Self.largestSide - 1) / Self.largestSide
        side = min(((shardRows + count - 1) / count + 15) / 16 * 16, shardRows)
    }

    /// The sub-tiles along one side of a shard pair.
    package var ranges: [Range<Int>] {
        stride(from: 0, to: shardRows, by: side).map { $0..<min($0 + side, shardRows) }
    }
}
