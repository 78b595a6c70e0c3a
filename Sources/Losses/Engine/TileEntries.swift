import CoupletTensors

/// The entries of a block of scores that are treated apart, tile by tile: made once a block, so that a tile costs no
/// more than its entries. Memory grows like the entries; blocks with more than `entriesPerRow` a row have no list.
struct TileEntries {
    /// An entry of a tile: row, column, and whether it is left out because of an equal sample.
    struct Entry {
        private let bits: UInt32
        var row: Int { Int(bits >> 20) }
        var column: Int { Int(bits >> 1 & 0x7ffff) }
        var isExcluded: Bool { bits & 1 == 1 }

        init(row: Int, column: Int, isExcluded: Bool) {
            bits = UInt32(row) << 20 | UInt32(column) << 1 | (isExcluded ? 1 : 0)
        }
    }

    /// The most entries of a list, for each row of the block.
    static let entriesPerRow = 16

    private let rowTiles: Tiles, columnTiles: Tiles
    /// The entries of tile t are `entries[starts[t]..<starts[t + 1]]`, where t counts the tiles row by row.
    private var starts: [Int32] = [], entries: [Entry] = []
    /// Whether the block has a list.
    private(set) var isComplete = false

    /// The ranges into which tiles cut the rows, or the columns, of a block.
    private struct Tiles {
        /// The range of each row.
        private(set) var numbers: [Int32] = []
        /// The first row of each range.
        private(set) var starts: [Int32] = []

        init(_ ranges: [Range<Int>], shardRows: Int, rows: Int) {
            numbers.reserveCapacity(rows)
            for shard in 0..<rows / shardRows {
                for range in ranges {
                    starts.append(Int32(shard * shardRows + range.lowerBound))
                    numbers += [Int32](repeating: Int32(starts.count - 1), count: range.count)
                }
            }
        }
    }

    /// - Parameter largestRows: the most columns of a block.
    init(rows: Int, largestRows: Int, geometry: TileGeometry) {
        precondition(geometry.rows <= 1 << 12 && geometry.stride <= 1 << 19, "a tile of \(geometry)")
        rowTiles = Tiles(geometry.rowRanges, shardRows: geometry.shardRows, rows: rows)
        columnTiles = Tiles(geometry.columnRanges, shardRows: geometry.shardRows, rows: largestRows)
    }

    /// The bytes that an instance allocates, at most.
    static func memory(rows: Int) -> Int { rows * (8 + 4 * entriesPerRow) }

    /// Lists the entries of a block.
    /// - Parameters:
    ///   - limit: the number of entries, or more.
    ///   - forEach: calls its argument with row, column and kind of each entry, twice in the same order.
    mutating func make(limit: Int, forEach: ((_ row: Int, _ column: Int, _ isExcluded: Bool) -> Void) -> Void) {
        isComplete = limit <= Self.entriesPerRow * rowTiles.numbers.count
        guard isComplete else { return }
        let columns = columnTiles.starts.count
        var starts = [Int32](repeating: 0, count: rowTiles.starts.count * columns + 2)
        let (rowTiles, columnTiles) = (rowTiles, columnTiles)
        func tile(_ row: Int, _ column: Int) -> Int {
            Int(rowTiles.numbers[row]) * columns + Int(columnTiles.numbers[column])
        }
        forEach { row, column, _ in starts[tile(row, column) + 2] += 1 }
        for tile in 2..<starts.count { starts[tile] += starts[tile - 1] }
        var entries = [Entry](
            repeating: Entry(row: 0, column: 0, isExcluded: false), count: Int(starts[starts.count - 1]))
        forEach { row, column, isExcluded in
            let tile = tile(row, column)
            entries[Int(starts[tile + 1])] = Entry(
                row: row - Int(rowTiles.starts[Int(rowTiles.numbers[row])]),
                column: column - Int(columnTiles.starts[Int(columnTiles.numbers[column])]), isExcluded: isExcluded)
            starts[tile + 1] += 1
        }
        self.starts = starts
        self.entries = entries
    }

    /// The places of a tile's entries.
    func places(_ tile: ScoreTile) -> Range<Int> {
        let number =
            Int(rowTiles.numbers[tile.rows.lowerBound]) * columnTiles.starts.count
            + Int(columnTiles.numbers[tile.columns.lowerBound])
        return Int(starts[number])..<Int(starts[number + 1])
    }

    /// Calls `body` with the entries at some places.
    @inline(__always) func forEach(_ places: Range<Int>, _ body: (Entry) -> Void) {
        entries.withUnsafeBufferPointer { entries in
            for place in places { body(entries[place]) }
        }
    }
}
