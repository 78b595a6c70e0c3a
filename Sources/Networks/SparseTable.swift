import CoupletTensors

/// A table of which a batch reads few rows, such as that of an embedding bag over a large vocabulary.
///
/// It is the only parameter of an encoder's first layer, and the numbers of the layer's input are rows of the table.
/// The gradient of a batch is 0 in all other rows, so a training step neither stores nor adds nor exchanges them, and
/// its optimizer leaves them alone: parameters and moments of a row are those after the last step that touched it.
public struct SparseTable: Equatable, Sendable {
    /// Number of rows, V. The numbers of the input are whole, 0 … V - 1.
    public let rows: Int
    /// Number of floats of a row.
    public let width: Int
    /// Whether a 0 in the input is padding, so that row 0 has no gradient.
    public let zeroIsPadding: Bool

    public init(rows: Int, width: Int, zeroIsPadding: Bool) {
        precondition(rows > 0 && rows <= 1 << 24 && width > 0, "a table of \(rows) rows of \(width) floats")
        self.rows = rows
        self.width = width
        self.zeroIsPadding = zeroIsPadding
    }
}

/// The rows of a `SparseTable` that a training step touches, in ascending order. The gradient of the table has one row
/// for each of them, its position. Row 0 is always among them if a 0 is padding: so a 0 remains a 0.
///
/// The rows are bits in words of 64, with the number of rows before each word. So a step makes the list in order
/// without sorting, in time proportional to the numbers of the batch and V / 64.
package final class TouchedRows {
    private let table: SparseTable
    private let wordCount: Int
    /// One more word than the table needs, without bits, so that `countBefore` can be asked for V.
    private let words: UnsafeMutablePointer<UInt64>
    /// [word]: number of rows in the words before it.
    private let starts: UnsafeMutablePointer<UInt32>
    /// The touched rows in ascending order.
    package private(set) var rows: [UInt32] = []

    /// No rows.
    package init(_ table: SparseTable) {
        self.table = table
        wordCount = table.rows / 64 + 1
        words = .allocate(capacity: wordCount)
        starts = .allocate(capacity: wordCount)
        words.initialize(repeating: 0, count: wordCount)
        starts.initialize(repeating: 0, count: wordCount)
    }

    deinit {
        words.deallocate()
        starts.deallocate()
    }

    /// Number of touched rows, and of rows of the gradient.
    package var count: Int { rows.count }

    /// Number of touched rows below `row`, which is at most V.
    package func countBefore(_ row: Int) -> Int {
        let below = words[row >> 6] & (1 << UInt64(row & 63) - 1)
        return Int(starts[row >> 6]) + below.nonzeroBitCount
    }

    // MARK: - The rows of a step

    /// Begins the rows of a step.
    package func removeAll() {
        for row in rows { words[Int(row >> 6)] = 0 }
        rows.removeAll(keepingCapacity: true)
        if table.zeroIsPadding { words[0] = 1 }
    }

    package func insert(_ rows: UnsafeBufferPointer<UInt32>) {
        for row in rows {
            precondition(row < table.rows, "row \(row) of a table with \(table.rows) rows")
            words[Int(row >> 6)] |= 1 << UInt64(row & 63)
        }
    }

    /// Inserts the rows that samples read. Numbers that are no rows of the table are left out.
    package func insert(_ samples: Tensor) {
        let numbers = samples.pointer
        for i in 0..<samples.count {
            guard let row = row(numbers[i]) else { continue }
            words[row >> 6] |= 1 << UInt64(row & 63)
        }
    }

    /// Makes `rows` and `count` of what was inserted.
    package func makeList() {
        rows.removeAll(keepingCapacity: true)
        for word in 0..<wordCount {
            starts[word] = UInt32(truncatingIfNeeded: rows.count)
            var bits = words[word]
            while bits != 0 {
                rows.append(UInt32(truncatingIfNeeded: 64 * word + bits.trailingZeroBitCount))
                bits &= bits - 1
            }
        }
    }

    /// Replaces each row in samples by its position among the touched rows, and a number that is no row of the table by
    /// NaN.
    package func convert(_ samples: Tensor, into positions: Tensor) {
        let numbers = samples.pointer, results = positions.pointer
        precondition(samples.count == positions.count, "\(samples.shape) as positions of \(positions.shape)")
        for i in 0..<samples.count { results[i] = row(numbers[i]).map { Float(countBefore($0)) } ?? .nan }
    }

    private func row(_ number: Float) -> Int? {
        guard number >= 0, number < Float(table.rows) else { return nil }
        let row = Int(number)
        return Float(row) == number ? row : nil
    }
}
