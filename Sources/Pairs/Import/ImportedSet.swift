import CoupletFiles
import CoupletStorage

/// The rows of a modality as they are imported.
struct ImportedRows {
    let store: RowStore
    /// The shape of a row; empty for labels.
    let shape: [Int]
    let type: HDF5File.ElementType
    var preparation: SamplePreparation?
    /// The text, and the file, of each row.
    var texts: [String]?
    var names: [String]?
}

/// A set of pairs before it is a file.
struct ImportedSet {
    var first: ImportedRows
    var second: ImportedRows
    /// The rows of each pair.
    var pairs: [(first: Int, second: Int)]
    /// One number a pair, or nil.
    var labels: [Int]?, groups: [Int]?, splits: [Int]?
    /// The words that labels number.
    var classes: [String]?
    /// Whether equal rows of the first modality are one group, if there are no groups.
    var groupsFirstRows = false
    var columns: [(name: String, values: [String])] = []

    /// What was written.
    struct Written {
        let firstRows: Int, secondRows: Int
        /// Of shapes, numbers and ids, as hexadecimal digits.
        let digest: String
    }

    /// Writes the set as an HDF5 file, whole or not at all. Rows that no pair has are left out.
    /// - Throws: `FileError`.
    func write(to path: String) throws -> Written {
        let firstRows = UsedRows(pairs.map(\.first), of: first.store.count)
        let secondRows = UsedRows(pairs.map(\.second), of: second.store.count)
        let numbered = pairs.map { (first: firstRows.numbers[$0.first], second: secondRows.numbers[$0.second]) }
        var digest = Digest()
        try HDF5File.create(path) { file in
            try writeRows(first, firstRows, .first, to: file, &digest)
            try writeRows(second, secondRows, .second, to: file, &digest)
            let isAligned =
                firstRows.count == numbered.count && secondRows.count == numbered.count
                && numbered.enumerated().allSatisfy { $1.first == $0 && $1.second == $0 }
            func writeColumn(_ name: String, _ values: [Int]?, columns: Int? = nil) throws {
                guard let values else { return }
                let shape = columns.map { [values.count / $0, $0] } ?? [values.count]
                try file.write(name, values, shape: shape)
                SetDigest.add(name, shape, .int64, to: &digest)
                values.withUnsafeBytes { digest.update($0) }
            }
            try writeColumn("/pairs", isAligned ? nil : numbered.flatMap { [$0.first, $0.second] }, columns: 2)
            try writeColumn("/labels", labels)
            try writeColumn("/groups", groups ?? (groupsFirstRows ? numbered.map(\.first) : nil))
            try writeColumn("/split", splits)
            if let classes { try file.write("/classes", classes) }
            for (name, values) in columns { try file.write("/columns/\(name)", values) }
        }
        return Written(firstRows: firstRows.count, secondRows: secondRows.count, digest: digest.hexadecimal)
    }

    private func writeRows(
        _ rows: ImportedRows, _ used: UsedRows, _ modality: Modality, to file: HDF5File, _ digest: inout Digest
    ) throws {
        let name = "/\(modality.rawValue)", shape = [used.count] + rows.shape
        try file.create(name, rows.type, shape: shape)
        SetDigest.add(name, shape, rows.type, to: &digest)
        try rows.store.read(used.selection) { start, bytes in
            try file.writeRows(name, from: start, rows.type, bytes)
        }
        for row in used.filter(rows.store.digests) { row.add(to: &digest) }
        try rows.preparation?.write(modality, of: name, to: file)
        if let texts = rows.texts { try file.write("/text/\(modality.rawValue)", used.filter(texts)) }
        if let names = rows.names { try file.write("/name/\(modality.rawValue)", used.filter(names)) }
    }
}

/// The rows that pairs use, and their numbers without the others.
private struct UsedRows {
    let count: Int
    /// The used rows, ascending; nil if all are used.
    let selection: [Int]?
    /// The new number of each row; of an unused one any.
    let numbers: [Int]

    init(_ used: [Int], of total: Int) {
        var isUsed = [Bool](repeating: false, count: total)
        for row in used { isUsed[row] = true }
        var (numbers, next) = ([Int](), 0)
        numbers.reserveCapacity(total)
        for row in 0..<total {
            numbers.append(next)
            if isUsed[row] { next += 1 }
        }
        (self.numbers, count) = (numbers, next)
        selection = next == total ? nil : (0..<total).filter { isUsed[$0] }
    }

    func filter<Element>(_ elements: [Element]) -> [Element] { selection.map { $0.map { elements[$0] } } ?? elements }
}

/// What the digest of a set covers: name, shape and type of /first, /second, /pairs, /labels, /groups and /split, in
/// this order and as far as they are there. The 128 bits of each row follow for /first and /second (`RowDigest`), and
/// the numbers, little-endian, for the others.
enum SetDigest {
    static func add(_ name: String, _ shape: [Int], _ type: HDF5File.ElementType, to digest: inout Digest) {
        digest.update("\(name) \(type)\0")
        digest.update([shape.count] + shape)
    }
}
