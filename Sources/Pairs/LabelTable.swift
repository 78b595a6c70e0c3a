/// The labels of a modality or of a list of classes, ascending. Row r of a `LabelEmbedding` is the vector of label r of
/// the table, so that the labels may be any integers from 0: neither results nor memory depend on how classes are
/// called.
public struct LabelTable: Sendable {
    /// Stands for "no label" where a sample may be without one.
    public static let none = -1

    private enum Content {
        /// 0 … count - 1.
        case identity(count: Int)
        /// Ascending and distinct.
        case list([Int])
    }

    private let content: Content

    /// - Parameter labels: in any order, with repetitions; `none` is left out.
    public init(_ labels: some Sequence<Int>) {
        self.init(ascending: Set(labels).subtracting([Self.none]).sorted())
    }

    /// The labels 0 … count - 1.
    public init(upTo count: Int) { content = .identity(count: count) }

    /// - Parameter ascending: distinct labels in ascending order.
    private init(ascending: [Int]) {
        let isIdentity = ascending.first == 0 && ascending.last == ascending.count - 1
        content = isIdentity ? .identity(count: ascending.count) : .list(ascending)
    }

    /// Reads back the labels that a checkpoint holds.
    /// - Returns: nil if they are not ascending and distinct.
    public init?(stored labels: [Int]) {
        guard zip(labels, labels.dropFirst()).allSatisfy({ $0 < $1 }) else { return nil }
        self.init(ascending: labels)
    }

    /// Number of labels.
    public var count: Int {
        switch content {
        case .identity(let count): count
        case .list(let labels): labels.count
        }
    }

    /// All labels, ascending.
    public var labels: [Int] {
        switch content {
        case .identity(let count): Array(0..<count)
        case .list(let labels): labels
        }
    }

    /// The label of a row.
    public subscript(row: Int) -> Int {
        precondition(row >= 0 && row < count, "row \(row) of a table of \(count) labels")
        return switch content {
        case .identity: row
        case .list(let labels): labels[row]
        }
    }

    /// Returns the row of a label; nil if the table does not have it.
    public func row(of label: Int) -> Int? {
        switch content {
        case .identity(let count): return label >= 0 && label < count ? label : nil
        case .list(let labels):
            let row = Self.lowerBound(label, labels)
            return row < labels.count && labels[row] == label ? row : nil
        }
    }

    /// Returns the row of a label that was rounded to Float32; nil if the table does not have it. Above 2²⁴ a number
    /// may stand for several labels; then there is no row either.
    public func row(ofRounded number: Float) -> Int? {
        guard number == number.rounded(.down), abs(number) < 0x1p63 else { return nil }
        if abs(number) < 0x1p24 { return row(of: Int(number)) }
        guard case .list(let labels) = content else { return row(of: Int(number)) }
        // Rounding is monotonic, so the labels that round to the number are neighbours.
        let step = max(1, Int(number.ulp)), row = Self.lowerBound(Int(number) - step, labels)
        let candidates = (row..<labels.count).prefix { Float(labels[$0]) <= number }
            .filter { Float(labels[$0]) == number }
        return candidates.count == 1 ? candidates[0] : nil
    }

    /// The first labels, for messages.
    package var summary: String {
        let shown = (0..<min(count, 6)).map { String(self[$0]) }.joined(separator: ", ")
        return count > 6 ? "\(shown), … \(self[count - 1])" : shown
    }

    private static func lowerBound(_ label: Int, _ labels: [Int]) -> Int {
        var low = 0, high = labels.count
        while low < high {
            let middle = (low + high) / 2
            if labels[middle] < label { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension LabelTable: Equatable {
    public static func == (a: LabelTable, b: LabelTable) -> Bool {
        switch (a.content, b.content) {
        case (.identity(let a), .identity(let b)): a == b
        default: a.labels == b.labels
        }
    }
}

/// How a source numbers the labels of a modality whose encoder takes labels.
public enum LabelReading: Equatable, Sendable {
    /// By the labels that occur in the data.
    case fromData
    /// By the table of a checkpoint, whatever the data hold.
    case table(LabelTable)
}

/// The label of each row of a file.
struct LabelColumn: Sendable {
    let table: LabelTable
    /// The row of the table for each row of the file; -1 for a row without a label.
    let codes: [Int32]

    /// The largest number of labels: rows of the table travel as Float32, which has every integer up to 2²⁴.
    static let largestCount = 1 << 24

    init(_ labels: [Int], table: LabelTable) throws(UnknownLabel) {
        self.table = table
        var codes = [Int32](repeating: -1, count: labels.count)
        for (row, label) in labels.enumerated() where label != LabelTable.none {
            guard let code = table.row(of: label) else { throw UnknownLabel(row: row, label: label) }
            codes[row] = Int32(code)
        }
        self.codes = codes
    }

    /// Thrown if a label is not in the table.
    struct UnknownLabel: Error {
        let row: Int, label: Int
    }

    /// The label of a row of the file; `LabelTable.none` if it has none.
    func label(ofRow row: Int) -> Int { codes[row] < 0 ? LabelTable.none : table[Int(codes[row])] }

    /// The labels of all rows of the file.
    var labels: [Int] { codes.indices.map(label(ofRow:)) }
}
