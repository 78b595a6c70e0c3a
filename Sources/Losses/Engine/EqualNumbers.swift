import CoupletTensors

/// Finds the columns of a block that have the number of a row: its group, or the row of a file that its sample has.
///
/// This worker numbers the numbers of its own rows from 0: the codes. The columns of a block get the codes of their
/// numbers, or -1 if no row has the number, and are listed by code. A bit set of the codes of each column range says
/// which rows of a tile may have a column there. Codes differ between workers, but no result depends on them.
final class EqualNumbers {
    /// Number of bits of a set; codes that are equal modulo this number share a bit.
    private static let largestSet = 1 << 14

    /// The codes of this worker's rows; negative for none.
    let rowCodes: UnsafeMutablePointer<Int32>
    /// The codes of the block's columns.
    let columnCodes: UnsafeMutablePointer<Int32>

    private let geometry: TileGeometry
    private let rows: Int
    /// Number of columns of the block.
    private var columns = 0
    private var codes = GroupCodes([])
    /// The columns of the block that have a code, code after code, ascending; and where those of each code begin.
    private let members: UnsafeMutablePointer<Int32>, starts: UnsafeMutablePointer<Int32>
    /// The bit sets of a block: of each column range of each shard.
    private var sets: UnsafeMutableBufferPointer<UInt64>
    private var setWords = 1
    private var currentSet = 0
    /// Whether the columns of this worker's own block are its rows.
    private var areColumns = false
    /// Whether the block is this worker's own.
    private var isOwn = false

    /// - Parameter largestRows: the most columns of a block.
    init(rows: Int, largestRows: Int, geometry: TileGeometry) {
        self.rows = rows
        self.geometry = geometry
        func allocate(_ count: Int) -> UnsafeMutablePointer<Int32> {
            let pointer = UnsafeMutablePointer<Int32>.allocate(capacity: count)
            pointer.initialize(repeating: -1, count: count)
            return pointer
        }
        rowCodes = allocate(rows)
        columnCodes = allocate(largestRows)
        members = allocate(largestRows)
        starts = allocate(rows + 2)
        sets = .allocate(capacity: 0)
    }

    deinit {
        for pointer in [rowCodes, columnCodes, members, starts] { pointer.deallocate() }
        sets.deallocate()
    }

    /// The bytes that an instance allocates, without its bit sets.
    static func memory(rows: Int) -> Int { rows * (4 * 4 + 4 * 12) }

    /// Sets the numbers of this worker's rows, negative for none.
    /// - Parameter areColumns: whether the columns of this worker's own block have the same numbers.
    func load(_ numbers: [Int], areColumns: Bool) {
        precondition(numbers.count == rows, "\(numbers.count) numbers of \(rows) pairs")
        codes = GroupCodes(numbers)
        for (row, number) in numbers.enumerated() { rowCodes[row] = codes.code(of: number) }
        self.areColumns = areColumns
        isOwn = false
        setWords = max(1, (min(codes.count, Self.largestSet) + 63) / 64)
    }

    /// Moves on to another block of the second set.
    /// - Parameters:
    ///   - isOwn: whether it is that of this worker.
    ///   - columns: number of its columns.
    ///   - number: that of a column of the block.
    /// - Returns: false if it is the block of before.
    func beginBlock(isOwn: Bool, columns: Int, _ number: (Int) -> Int) -> Bool {
        if isOwn, self.isOwn { return false }
        self.isOwn = isOwn && areColumns
        self.columns = columns
        let words = columns / geometry.shardRows * geometry.columnRanges.count * setWords
        if words != sets.count {
            sets.deallocate()
            sets = .allocate(capacity: words)
        }
        for column in 0..<columns {
            columnCodes[column] = self.isOwn ? rowCodes[column] : codes.code(of: number(column))
        }
        listMembers()
        let ranges = geometry.columnRanges
        sets.update(repeating: 0)
        for shard in 0..<columns / geometry.shardRows {
            for (number, range) in ranges.enumerated() {
                let start = (shard * ranges.count + number) * setWords
                for column in shard * geometry.shardRows + range.lowerBound..<shard * geometry.shardRows
                    + range.upperBound
                {
                    let code = columnCodes[column]
                    guard code >= 0 else { continue }
                    let bit = Int(code) % Self.largestSet
                    sets[start + bit / 64] |= 1 << UInt64(bit % 64)
                }
            }
        }
        return true
    }

    /// Number of pairs of a row and a column of the block with the same code.
    var pairCount: Int {
        (0..<rows).reduce(0) { count, row in
            let code = Int(rowCodes[row])
            return code < 0 ? count : count + Int(starts[code + 1] - starts[code])
        }
    }

    /// Sorts the columns by code, by counting.
    private func listMembers() {
        starts.update(repeating: 0, count: codes.count + 2)
        for column in 0..<columns where columnCodes[column] >= 0 { starts[Int(columnCodes[column]) + 2] += 1 }
        for code in 0..<codes.count { starts[code + 2] += starts[code + 1] }
        for column in 0..<columns where columnCodes[column] >= 0 {
            let place = starts + Int(columnCodes[column]) + 1
            members[Int(place.pointee)] = Int32(column)
            place.pointee += 1
        }
    }

    /// Moves on to another column range of the block.
    /// - Parameter number: the number of the range in its shard.
    func beginColumns(_ columns: Range<Int>, number: Int) {
        let shard = columns.lowerBound / geometry.shardRows
        currentSet = (shard * geometry.columnRanges.count + number) * setWords
    }

    /// The code of a row that may have a column in the current range; negative if it has none.
    @inline(__always) func candidate(_ row: Int) -> Int32 {
        let code = rowCodes[row], bit = Int(max(code, 0)) % Self.largestSet
        return code >= 0 && sets[currentSet + bit / 64] >> UInt64(bit % 64) & 1 == 1 ? code : -1
    }

    /// Calls `body` with the columns of a range that have a code, in ascending order.
    @inline(__always) func forEachColumn(of code: Int32, in range: Range<Int>, _ body: (_ column: Int) -> Void) {
        var place = Int(starts[Int(code)]), end = Int(starts[Int(code) + 1])
        if end - place > 8 {
            // The first column of the range, by bisection.
            var high = end
            while place < high {
                let middle = (place + high) / 2
                if Int(members[middle]) < range.lowerBound { place = middle + 1 } else { high = middle }
            }
        }
        while place < end {
            let column = Int(members[place])
            if column >= range.upperBound { end = place } else if column >= range.lowerBound { body(column) }
            place += 1
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
