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
    /// The number of pairs that are left out of each local row because a sample of theirs is equal.
    var equals: [Int]

    init(rows: Int, arePositives: Bool, areExcluded: Bool) {
        self.arePositives = arePositives
        self.areExcluded = areExcluded
        sums = [Double](repeating: 0, count: rows)
        counts = [Int](repeating: 0, count: rows)
        equals = counts
    }

    func clear() {
        for i in sums.indices { (sums[i], counts[i], equals[i]) = (0, 0, 0) }
    }

    /// The number of pairs that the sums of row i leave out, pair i not counted. Row i and column i leave out as many.
    func leftOut(_ i: Int) -> Int { (areExcluded ? counts[i] : 0) + equals[i] }
}

/// Finds the pairs that are treated apart, tile by tile, without an array of all pairs: those of one group, and those
/// with an equal first or second sample.
///
/// The numbers of the second set's groups and samples move between workers with its encodings. `EqualNumbers` finds the
/// columns with the number of a row, and `TileEntries` lists them for each tile. Only pairs that are treated apart cost
/// anything.
final class GroupScores {
    let matches: GroupMatches
    /// The codes of the groups of the current tile's rows; negative where no column may have the group.
    let tileRows: UnsafeMutablePointer<Int32>
    /// The codes of the current column range, with -1 up to the next multiple of 16 and further.
    let tileColumns: UnsafeMutablePointer<Int32>
    var arePositives: Bool { matches.arePositives }
    var areExcluded: Bool { matches.areExcluded }

    private let geometry: TileGeometry
    /// Number of this worker's rows, and of the block's columns.
    private let rows: Int
    private var columns = 0
    /// The groups; nil if they are ignored.
    private let groups: EqualNumbers?
    /// The rows of the first and of the second samples; empty if equal samples are ignored.
    private let samples: [EqualNumbers]
    private var kinds: [EqualNumbers] { (groups.map { [$0] } ?? []) + samples }
    /// Whether the diagonal of the scores is that of the pairs, which is no match.
    private let hasDiagonal: Bool
    private let matchSums: Tensor
    private let matchCounts: UnsafeMutablePointer<Int32>
    // The entries of the current tile (`couplet_small_groups`).
    private let matchBits: UnsafeMutablePointer<UInt64>, excludedBits: UnsafeMutablePointer<UInt64>
    private let blocks: UnsafeMutablePointer<UInt8>
    private let blockCount: Int, blockWords: Int
    /// The entries of the current block.
    private var entries: TileEntries
    /// Whether the current block is this worker's own, so that entries (i, i) are on the diagonal.
    private var isOwn = false
    /// The places in `entries` of those whose bits are set; empty if the tile's entries were found without a list.
    private var setPlaces = 0..<0

    /// - Parameters:
    ///   - largestRows: the most columns of a block.
    ///   - treatment: of the pairs of one group.
    ///   - excludesPositives: whether the sums leave out the positives of a group.
    ///   - excludesEqualSamples: whether the sums leave out other pairs with an equal first or second sample.
    ///   - hasDiagonal: whether the entries (i, i) are pairs, or a sample with itself.
    init(
        rows: Int, largestRows: Int, geometry: TileGeometry, treatment: GroupTreatment, excludesPositives: Bool,
        excludesEqualSamples: Bool, hasDiagonal: Bool
    ) {
        self.rows = rows
        self.geometry = geometry
        self.hasDiagonal = hasDiagonal
        let arePositives = treatment == .positives
        matches = GroupMatches(
            rows: rows, arePositives: arePositives,
            areExcluded: treatment == .excluded || arePositives && excludesPositives)
        func equalNumbers() -> EqualNumbers {
            EqualNumbers(rows: rows, largestRows: largestRows, geometry: geometry)
        }
        groups = treatment == .ignore ? nil : equalNumbers()
        samples = excludesEqualSamples ? [equalNumbers(), equalNumbers()] : []
        matchSums = Tensor([geometry.rows])
        func allocate<Element>(_ count: Int, _ value: Element) -> UnsafeMutablePointer<Element> {
            let pointer = UnsafeMutablePointer<Element>.allocate(capacity: count)
            pointer.initialize(repeating: value, count: count)
            return pointer
        }
        tileRows = allocate(geometry.rows, -1)
        matchCounts = allocate(geometry.rows, 0)
        tileColumns = allocate(geometry.stride, -1)
        (blockCount, blockWords) = ((geometry.rows + 3) / 4, (geometry.stride + 15) / 16)
        matchBits = allocate(blockCount * blockWords, 0)
        excludedBits = allocate(blockCount * blockWords, 0)
        blocks = allocate(blockCount, 0)
        entries = TileEntries(rows: rows, largestRows: largestRows, geometry: geometry)
    }

    deinit {
        for pointer in [tileRows, tileColumns, matchCounts] { pointer.deallocate() }
        for pointer in [matchBits, excludedBits] { pointer.deallocate() }
        blocks.deallocate()
    }

    /// The bytes that an instance allocates, without the bit sets of `EqualNumbers`.
    static func memory(
        rows: Int, geometry: TileGeometry, treatment: GroupTreatment, excludesEqualSamples: Bool
    ) -> Int {
        rows * 24 + TileEntries.memory(rows: rows) + keyCount(treatment, excludesEqualSamples)
            * EqualNumbers.memory(rows: rows)
            + 4 * (3 * geometry.rows + geometry.stride) + geometry.rows * geometry.stride / 4
    }

    /// The numbers of each pair that are compared: its group, its first and its second sample.
    static func keyCount(_ treatment: GroupTreatment, _ excludesEqualSamples: Bool) -> Int {
        (treatment == .ignore ? 0 : 1) + (excludesEqualSamples ? 2 : 0)
    }

    /// Sets the numbers of this worker's rows, `keyCount` lists, negative for none.
    /// - Parameter areColumns: whether the columns are the same pairs.
    func load(_ keys: [[Int]], areColumns: Bool) {
        precondition(keys.count == kinds.count, "\(keys.count) numbers a pair, not \(kinds.count)")
        clearBits()
        for (kind, numbers) in zip(kinds, keys) { kind.load(numbers, areColumns: areColumns) }
    }

    /// Moves on to another block of the second set.
    /// - Parameters:
    ///   - isOwn: whether it is that of this worker.
    ///   - columns: number of its columns.
    ///   - key: a number of a pair of the block, by the index of the list and the pair.
    func beginBlock(isOwn: Bool, columns: Int, _ key: (Int, Int) -> Int) {
        self.isOwn = isOwn
        self.columns = columns
        var isNew = false
        for (index, kind) in kinds.enumerated() {
            isNew = kind.beginBlock(isOwn: isOwn, columns: columns) { key(index, $0) } || isNew
        }
        if !isNew { return }
        clearBits()
        let limit = kinds.reduce(0) { $0 + $1.pairCount }
        var entries = entries
        entries.make(limit: limit, forEach: forEachEntry)
        self.entries = entries
    }

    /// Calls `body` with row and column of all entries of the block that are treated apart, and whether they are left
    /// out because of an equal sample; twice for those with two equal samples.
    private func forEachEntry(_ body: (_ row: Int, _ column: Int, _ isExcluded: Bool) -> Void) {
        let skipsDiagonal = hasDiagonal && isOwn
        for kind in kinds {
            let isGroup = kind === groups
            for row in 0..<rows {
                let code = kind.rowCodes[row]
                if code < 0 { continue }
                kind.forEachColumn(of: code, in: 0..<columns) { column in
                    if skipsDiagonal && row == column || !isGroup && isSameGroup(row, column) { return }
                    body(row, column, !isGroup)
                }
            }
        }
    }

    private func isSameGroup(_ row: Int, _ column: Int) -> Bool {
        guard let groups else { return false }
        return groups.rowCodes[row] >= 0 && groups.rowCodes[row] == groups.columnCodes[column]
    }

    /// Moves on to another column range of the block.
    /// - Parameter number: the number of the range in its shard.
    func beginColumns(_ columns: Range<Int>, number: Int) {
        for kind in kinds { kind.beginColumns(columns, number: number) }
        guard let groups else { return }
        tileColumns.update(from: groups.columnCodes + columns.lowerBound, count: columns.count)
        (tileColumns + columns.count).update(repeating: -1, count: geometry.stride - columns.count)
    }

    /// Finds the rows of a tile that may have a match of their group in its columns.
    /// - Returns: false if there is none.
    func find(_ tile: ScoreTile) -> Bool {
        guard let groups else { return false }
        var isFound = false
        for i in 0..<tile.rows.count {
            let code = groups.candidate(tile.rows.lowerBound + i)
            tileRows[i] = code
            isFound = isFound || code >= 0
        }
        return isFound
    }

    /// Adds the matches of a tile of products to the sums of its rows.
    /// - Parameter factor: from the products to T.
    func addMatches(_ tile: ScoreTile, _ products: UnsafePointer<Float>, factor: Float) {
        couplet_tile_match_sums(
            tile.rows.count, tile.columns.count, products, geometry.stride, tileRows, tileColumns, matchSums.pointer,
            matchCounts)
        add(tile, factor)
    }

    /// Sets the products of equal samples to `COUPLET_EXCLUDED`.
    /// - Parameter counting: whether to add their number to `matches`.
    func excludeEqualSamples(_ tile: ScoreTile, _ products: UnsafeMutablePointer<Float>, counting: Bool) {
        forEachEqualSample(tile) { i, j in
            let product = products + i * geometry.stride + j
            if counting, product.pointee > 0.5 * COUPLET_EXCLUDED { matches.equals[tile.rows.lowerBound + i] += 1 }
            product.pointee = COUPLET_EXCLUDED
        }
    }

    /// Calls `body` with row and column, within the tile, of the pairs of other groups that have an equal sample; twice
    /// if both are equal.
    private func forEachEqualSample(_ tile: ScoreTile, _ body: (_ row: Int, _ column: Int) -> Void) {
        if samples.isEmpty { return }
        if entries.isComplete {
            return entries.forEach(entries.places(tile)) { if $0.isExcluded { body($0.row, $0.column) } }
        }
        let diagonal = hasDiagonal ? tile.diagonalStart : nil
        for kind in samples {
            for i in 0..<tile.rows.count {
                let row = tile.rows.lowerBound + i, code = kind.candidate(row)
                if code < 0 { continue }
                kind.forEachColumn(of: code, in: tile.columns) { column in
                    let j = column - tile.columns.lowerBound
                    if let diagonal, j == i + diagonal { return }
                    if !isSameGroup(row, column) { body(i, j) }
                }
            }
        }
    }

    // MARK: - Entries as bits

    /// Finds all entries of a tile that are treated apart, as bits.
    /// - Parameter counting: whether to add the number of equal samples to `matches`.
    /// - Returns: false if there is none.
    func findEntries(_ tile: ScoreTile, counting: Bool = false) -> Bool {
        clearBits()
        if entries.isComplete {
            setPlaces = entries.places(tile)
            let row = tile.rows.lowerBound
            entries.forEach(setPlaces) { entry in
                let (i, j) = (entry.row, entry.column), word = word(i, j), bit = Self.bit(i, j)
                if entry.isExcluded {
                    if counting, excludedBits[word] & bit == 0 { matches.equals[row + i] += 1 }
                    excludedBits[word] |= bit
                } else {
                    matchBits[word] |= bit
                }
                blocks[i / 4] = 1
            }
            return !setPlaces.isEmpty
        }
        var isFound = false
        if let groups {
            let diagonal = hasDiagonal ? tile.diagonalStart : nil
            for i in 0..<tile.rows.count {
                let code = groups.candidate(tile.rows.lowerBound + i)
                if code < 0 { continue }
                groups.forEachColumn(of: code, in: tile.columns) { column in
                    let j = column - tile.columns.lowerBound
                    if let diagonal, j == i + diagonal { return }
                    matchBits[word(i, j)] |= Self.bit(i, j)
                    blocks[i / 4] = 1
                    isFound = true
                }
            }
        }
        if samples.isEmpty { return isFound }
        forEachEqualSample(tile) { i, j in
            let word = word(i, j), bit = Self.bit(i, j)
            if counting, excludedBits[word] & bit == 0 { matches.equals[tile.rows.lowerBound + i] += 1 }
            excludedBits[word] |= bit
            blocks[i / 4] = 1
            isFound = true
        }
        return isFound
    }

    /// Clears the bits of the last tile.
    private func clearBits() {
        entries.forEach(setPlaces) { entry in
            let word = word(entry.row, entry.column)
            (matchBits[word], excludedBits[word], blocks[entry.row / 4]) = (0, 0, 0)
        }
        setPlaces = 0..<0
        for block in 0..<blockCount where blocks[block] != 0 {
            (matchBits + block * blockWords).update(repeating: 0, count: blockWords)
            (excludedBits + block * blockWords).update(repeating: 0, count: blockWords)
            blocks[block] = 0
        }
    }

    private func word(_ i: Int, _ j: Int) -> Int { i / 4 * blockWords + j / 16 }
    private static func bit(_ i: Int, _ j: Int) -> UInt64 { 1 << UInt64(16 * (i % 4) + j % 16) }

    /// Whether `findEntries` has found an entry in these four rows of the tile.
    func hasEntries(inBlockOf row: Int) -> Bool { blocks[row / 4] != 0 }
    /// Whether an entry of the tile is of the row's group.
    func isMatch(_ i: Int, _ j: Int) -> Bool { matchBits[word(i, j)] & Self.bit(i, j) != 0 }
    /// Whether an entry of the tile has an equal sample, and is of another group.
    func hasEqualSample(_ i: Int, _ j: Int) -> Bool { excludedBits[word(i, j)] & Self.bit(i, j) != 0 }

    /// Computes the sums of a tile of small encodings, as `couplet_small_sums`, and adds its matches, which
    /// `findEntries` has found.
    func addSmallMatches(
        _ tile: ScoreTile, _ kernelTile: inout couplet_small_tile, _ rowSums: UnsafeMutablePointer<Float>,
        _ columnSums: UnsafeMutablePointer<Float>
    ) {
        var groups = kernelGroups
        couplet_small_match_sums(&kernelTile, &groups, rowSums, columnSums, matchSums.pointer, matchCounts)
        add(tile, 1)
    }

    /// The entries of the current tile as the kernels for small encodings take them.
    var kernelGroups: couplet_small_groups {
        couplet_small_groups(
            matches: matchBits, excluded: excludedBits, stride: blockWords, blocks: blocks,
            excludes_matches: areExcluded ? 1 : 0)
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
