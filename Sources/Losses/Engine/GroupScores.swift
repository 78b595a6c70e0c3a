import CCoupletKernels
import CoupletTensors

/// What pass 1 finds out about the pairs of one group: the matches of row i are the other pairs j ≠ i of its group.
final class GroupMatches {
    /// Whether matches are positives.
    let arePositives: Bool
    /// Whether row and column sums leave the matches out.
    let areExcluded: Bool
    /// Σ T_ij over the matches of each local row.
    var sums: [Double]
    /// The number of matches of each local row.
    var counts: [Int]

    init(rows: Int, arePositives: Bool, areExcluded: Bool) {
        self.arePositives = arePositives
        self.areExcluded = areExcluded
        sums = [Double](repeating: 0, count: rows)
        counts = [Int](repeating: 0, count: rows)
    }

    func clear() {
        for i in sums.indices { (sums[i], counts[i]) = (0, 0) }
    }
}

/// Finds the pairs of one group, tile by tile, without an array of all pairs.
///
/// The groups of the second set move between workers with its encodings, one number a pair. This worker numbers the
/// groups of its own rows from 0: the codes. The columns of a block get the codes of their groups, or -1 if no row has
/// the group. A bit set of the codes of each column range says which rows of a tile may have a match; only those rows
/// cost anything. Codes differ between workers, but no result depends on them.
final class GroupScores {
    /// Number of bits of a set; codes that are equal modulo this number share a bit.
    private static let largestSet = 1 << 14

    let matches: GroupMatches
    /// The codes of the current tile's rows; negative where no column may have the group.
    let tileRows: UnsafeMutablePointer<Int32>
    /// The codes of the current column range, with -1 up to the next multiple of 16 and further.
    let tileColumns: UnsafeMutablePointer<Int32>
    var arePositives: Bool { matches.arePositives }
    var areExcluded: Bool { matches.areExcluded }

    private let geometry: TileGeometry
    /// B / W.
    private let rows: Int
    private var codes = GroupCodes([])
    private var rowCodes: [Int32] = []
    private var columnCodes: [Int32]
    /// The bit sets of a block: of each column range of each shard.
    private var sets: [UInt64] = []
    private var setWords = 1
    private var currentSet = 0
    private let matchSums: Tensor
    private let matchCounts: UnsafeMutablePointer<Int32>

    init(rows: Int, geometry: TileGeometry, arePositives: Bool, areExcluded: Bool) {
        self.rows = rows
        self.geometry = geometry
        matches = GroupMatches(rows: rows, arePositives: arePositives, areExcluded: areExcluded)
        columnCodes = [Int32](repeating: -1, count: rows)
        matchSums = Tensor([geometry.rows])
        tileRows = .allocate(capacity: geometry.rows)
        tileRows.initialize(repeating: -1, count: geometry.rows)
        matchCounts = .allocate(capacity: geometry.rows)
        matchCounts.initialize(repeating: 0, count: geometry.rows)
        tileColumns = .allocate(capacity: geometry.stride)
        tileColumns.initialize(repeating: -1, count: geometry.stride)
    }

    deinit {
        tileRows.deallocate()
        tileColumns.deallocate()
        matchCounts.deallocate()
    }

    /// The bytes that an instance allocates, without its bit sets.
    static func memory(rows: Int, geometry: TileGeometry) -> Int {
        rows * (16 + 8 + 4 * 16) + 4 * (3 * geometry.rows + geometry.stride)
    }

    /// Sets the groups of this worker's rows, negative for none.
    func load(_ groups: [Int]) {
        precondition(groups.count == rows, "\(groups.count) groups of \(rows) pairs")
        codes = GroupCodes(groups)
        rowCodes = groups.map { codes.code(of: $0) }
        setWords = max(1, (min(codes.count, Self.largestSet) + 63) / 64)
        let ranges = rows / geometry.shardRows * geometry.columnRanges.count
        sets = [UInt64](repeating: 0, count: ranges * setWords)
    }

    /// Moves on to another block of the second set.
    func beginBlock(_ groups: (Int) -> Int) {
        let ranges = geometry.columnRanges, (codes, setWords) = (codes, setWords)
        sets.withUnsafeMutableBufferPointer { sets in
            columnCodes.withUnsafeMutableBufferPointer { columnCodes in
                sets.update(repeating: 0)
                for shard in 0..<rows / geometry.shardRows {
                    for (number, range) in ranges.enumerated() {
                        let start = (shard * ranges.count + number) * setWords
                        for j in range {
                            let column = shard * geometry.shardRows + j
                            let code = codes.code(of: groups(column))
                            columnCodes[column] = code
                            guard code >= 0 else { continue }
                            let bit = Int(code) % Self.largestSet
                            sets[start + bit / 64] |= 1 << UInt64(bit % 64)
                        }
                    }
                }
            }
        }
    }

    /// Moves on to another column range of the block.
    /// - Parameter number: the number of the range in its shard.
    func beginColumns(_ columns: Range<Int>, number: Int) {
        let shard = columns.lowerBound / geometry.shardRows
        currentSet = (shard * geometry.columnRanges.count + number) * setWords
        for j in 0..<columns.count { tileColumns[j] = columnCodes[columns.lowerBound + j] }
        for j in columns.count..<geometry.stride { tileColumns[j] = -1 }
    }

    /// Finds the rows of a tile that may have a match in its columns.
    /// - Returns: false if there is none.
    func find(_ tile: ScoreTile) -> Bool {
        rowCodes.withUnsafeBufferPointer { rowCodes in
            sets.withUnsafeBufferPointer { sets in
                var isFound = false
                for i in 0..<tile.rows.count {
                    let code = rowCodes[tile.rows.lowerBound + i], bit = Int(max(code, 0)) % Self.largestSet
                    let isMatch = code >= 0 && sets[currentSet + bit / 64] >> UInt64(bit % 64) & 1 == 1
                    tileRows[i] = isMatch ? code : -1
                    isFound = isFound || isMatch
                }
                return isFound
            }
        }
    }

    /// Adds the matches of a tile of products to the sums of its rows.
    /// - Parameter factor: from the products to T.
    func addMatches(_ tile: ScoreTile, _ products: UnsafePointer<Float>, factor: Float) {
        couplet_tile_match_sums(
            tile.rows.count, tile.columns.count, products, geometry.stride, tileRows, tileColumns, matchSums.pointer,
            matchCounts)
        add(tile, factor)
    }

    /// Computes the sums of a tile of small encodings, as `couplet_small_sums`, and adds its matches.
    func addSmallMatches(
        _ tile: ScoreTile, _ kernelTile: inout couplet_small_tile, _ rowSums: UnsafeMutablePointer<Float>,
        _ columnSums: UnsafeMutablePointer<Float>
    ) {
        var groups = kernelGroups
        couplet_small_match_sums(&kernelTile, &groups, rowSums, columnSums, matchSums.pointer, matchCounts)
        add(tile, 1)
    }

    /// The groups of the current tile as the kernels for small encodings take them.
    var kernelGroups: couplet_small_groups {
        couplet_small_groups(rows: tileRows, columns: tileColumns, excludes_matches: areExcluded ? 1 : 0)
    }

    private func add(_ tile: ScoreTile, _ factor: Float) {
        let row = tile.rows.lowerBound
        matches.sums.withUnsafeMutableBufferPointer { sums in
            matches.counts.withUnsafeMutableBufferPointer { counts in
                for i in 0..<tile.rows.count where matchCounts[i] > 0 {
                    sums[row + i] += Double(factor) * Double(matchSums.pointer[i])
                    counts[row + i] += Int(matchCounts[i])
                }
            }
        }
    }
}

/// Numbers groups from 0 in the order of their first pair: a hash table with open addressing.
struct GroupCodes {
    /// Number of groups.
    private(set) var count = 0
    private var groups: [Int]
    private var codes: [Int32]
    private let shift: UInt64

    /// - Parameter groups: the group of each pair, negative for none.
    init(_ groups: [Int]) {
        var bits: UInt64 = 4
        while 1 << bits < 2 * groups.count { bits += 1 }
        shift = 64 - bits
        self.groups = [Int](repeating: -1, count: 1 << Int(bits))
        codes = [Int32](repeating: -1, count: 1 << Int(bits))
        for group in groups where group >= 0 {
            let slot = slot(of: group)
            if codes[slot] < 0 {
                self.groups[slot] = group
                codes[slot] = Int32(count)
                count += 1
            }
        }
    }

    /// The number of a group; -1 if it is negative or not in the table.
    func code(of group: Int) -> Int32 { group < 0 ? -1 : codes[slot(of: group)] }

    /// The slot of a group, or the free one where it would be.
    private func slot(of group: Int) -> Int {
        // Fibonacci hashing (Knuth, The Art of Computer Programming 3, section 6.4).
        var slot = Int((UInt64(bitPattern: Int64(group)) &* 0x9E37_79B9_7F4A_7C15) >> shift)
        while codes[slot] >= 0, groups[slot] != group { slot = (slot + 1) & (codes.count - 1) }
        return slot
    }
}
