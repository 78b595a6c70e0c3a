import CoupletStorage
import CoupletTensors

/// Which rows of an HDF5 file are training pairs and which are held out.
struct HDF5Split: Sendable {
    /// How a source chooses a fraction of the pairs.
    enum Rule: Equatable, Sendable {
        /// Whole groups, in the order of a permutation of the rows by this seed.
        case groups(seed: UInt64)
        /// Rows in the order of a permutation by this seed, whatever their groups: the rule of runs whose config has no
        /// `data.split_seed`.
        case rows(seed: UInt64)

        var seed: UInt64 {
            switch self {
            case .groups(let seed), .rows(let seed): seed
            }
        }
    }

    /// Rows of the file, ascending.
    let training: [UInt32], heldOut: [UInt32]

    /// Reads /split, or chooses the fraction `heldOut`.
    /// - Parameter groups: the group of each row; nil if the file has no /groups.
    /// - Returns: nil if all pairs are training pairs.
    /// - Throws: `DataError` if the fraction or /split is not possible, or if /split tears a group apart.
    init?(_ file: HDF5File, count: Int, groups: [Int]?, heldOut: Double, rule: Rule) throws {
        guard heldOut >= 0, heldOut < 1 else {
            throw DataError(
                at: "data.held_out", reason: "is \(heldOut)",
                remedy: "give the fraction of the pairs to hold out, at least 0 and below 1")
        }
        var isHeldOut: [Bool]
        if let split = try HDF5Columns.integers("/split", of: file, count: count) {
            guard heldOut == 0 else {
                throw DataError(
                    at: "data.held_out",
                    reason: "is \(heldOut), but \(file.path) has a /split that sets which pairs are held out",
                    remedy: "remove data.held_out")
            }
            if let wrong = split.firstIndex(where: { $0 != 0 && $0 != 1 }) {
                throw DataError(
                    at: "\(file.path):/split", reason: "row \(wrong) holds \(split[wrong])",
                    remedy: "write 0 for a training pair, 1 for a held-out pair")
            }
            isHeldOut = split.map { $0 == 1 }
            if case .groups = rule, let groups { try Self.requireWhole(groups, isHeldOut, file.path) }
        } else {
            if heldOut == 0 { return nil }
            isHeldOut = try Self.fraction(heldOut, count: count, groups: groups, rule: rule, path: file.path)
        }
        let numbers = 0..<UInt32(count)
        training = numbers.filter { !isHeldOut[Int($0)] }
        self.heldOut = numbers.filter { isHeldOut[Int($0)] }
        guard !training.isEmpty else {
            throw DataError(
                at: "\(file.path):/split", reason: "every pair is held out",
                remedy: "write 0 for the pairs to train on")
        }
    }

    /// Chooses rows until a fraction of all is held out. A group is held out as a whole.
    private static func fraction(
        _ heldOut: Double, count: Int, groups: [Int]?, rule: Rule, path: String
    ) throws -> [Bool] {
        let exact = heldOut * Double(count), below = exact.rounded(.down)
        let wanted = exact - below < 0.5 ? below : below + 1
        func impossible(_ which: String) -> DataError {
            DataError(
                at: "data.held_out", reason: "\(heldOut) of \(count) pairs is \(which) of them",
                remedy: "choose another fraction, or write /split into \(path)")
        }
        guard wanted > 0 else { throw impossible("none") }
        guard wanted < Double(count) else { throw impossible("all") }
        let permutation = Permutation(count: UInt64(count), seed: rule.seed, stream: .split, number: 0)
        var isHeldOut = [Bool](repeating: false, count: count)
        guard case .groups = rule, let groups else {
            for position in 0..<UInt64(wanted) { isHeldOut[Int(permutation[position])] = true }
            return isHeldOut
        }
        let rowsByGroup = Dictionary(grouping: groups.indices.filter { groups[$0] >= 0 }) { groups[$0] }
        var chosen = 0, position: UInt64 = 0
        while chosen < Int(wanted) {
            let row = Int(permutation[position])
            position += 1
            if isHeldOut[row] { continue }
            let members = rowsByGroup[groups[row]] ?? [row]
            for member in members { isHeldOut[member] = true }
            chosen += members.count
        }
        guard chosen < count else {
            throw DataError(
                at: "data.held_out",
                reason: "\(heldOut) of \(count) pairs is all of them, because the groups of \(path):/groups are held "
                    + "out as a whole",
                remedy: "choose a smaller fraction, or write /split into \(path)")
        }
        return isHeldOut
    }

    /// - Throws: `DataError` if a group has training rows and held-out rows.
    private static func requireWhole(_ groups: [Int], _ isHeldOut: [Bool], _ path: String) throws {
        var firstRows: [Int: Int] = [:]
        for (row, group) in groups.enumerated() where group >= 0 {
            guard let first = firstRows[group] else {
                firstRows[group] = row
                continue
            }
            if isHeldOut[first] == isHeldOut[row] { continue }
            let (held, trained) = isHeldOut[row] ? (row, first) : (first, row)
            throw DataError(
                at: "\(path):/split",
                reason: "row \(trained) is a training pair and row \(held) is held out, but both are of group \(group) "
                    + "of /groups",
                remedy: "rows of one group are one sample seen again: write the same number for all of them")
        }
    }
}

/// Datasets with one integer a pair: /labels, /split, /groups.
enum HDF5Columns {
    /// Reads an optional dataset of N integers; N × 1 and whole floats are accepted.
    /// - Throws: `DataError` if it has another shape, `FileError` if it cannot be read or a number is not whole.
    static func integers(_ name: String, of file: HDF5File, count: Int) throws -> [Int]? {
        guard let dataset = try file.dataset(name) else { return nil }
        guard dataset.rows == count, !dataset.shape.isEmpty, dataset.columns == 1 else {
            throw DataError(
                at: "\(file.path):\(name)", reason: "has the shape \(dataset.shape), but there are \(count) pairs",
                remedy: "give one integer a pair, the shape [\(count)]")
        }
        return try file.readIntegers(name)
    }

    /// Reads labels.
    /// - Parameters:
    ///   - allowsNone: whether -1, "no label", is allowed.
    ///   - reading: the table of the labels; `.fromData` for those that occur.
    ///   - isFormer: whether `.fromData` means 0 … largest label, as in runs without `data.split_seed`.
    /// - Throws: `DataError` if a label is negative or not in the table, or if there are too many.
    static func labels(
        _ labels: [Int], at location: String, allowsNone: Bool, reading: LabelReading, isFormer: Bool
    ) throws -> LabelColumn {
        if let wrong = labels.firstIndex(where: { $0 < (allowsNone ? LabelTable.none : 0) }) {
            throw DataError(
                at: location, reason: "row \(wrong) holds the label \(labels[wrong])",
                remedy: allowsNone
                    ? "labels are integers from 0; -1 is no label"
                    : "labels are integers from 0; a sample without a label has no place in this modality: leave the "
                        + "row out")
        }
        let table =
            switch reading {
            case .table(let table): table
            case .fromData: isFormer ? LabelTable(upTo: (labels.max() ?? -1) + 1) : LabelTable(labels)
            }
        guard table.count <= LabelColumn.largestCount else {
            throw DataError(
                at: location,
                reason: isFormer
                    ? "a list of integers holds labels, but this one goes up to \(table.count - 1)"
                    : "a list of integers holds labels, but this one has \(table.count) different ones",
                remedy: "write quantities that are not labels as floats")
        }
        do {
            return try LabelColumn(labels, table: table)
        } catch {
            throw DataError(
                at: location,
                reason: "row \(error.row) holds the label \(error.label), which the run does not know: it has "
                    + "\(table.count) labels, \(table.summary)",
                remedy: "leave out rows of other classes, or train a run on data that have them")
        }
    }
}
