import CoupletStorage
import CoupletText

/// What the rows of /first or /second hold.
struct RowStatistics {
    let dataset: DatasetDescription
    let preparation: SamplePreparation?
    /// Over all finite numbers.
    private(set) var smallest = Double.infinity, largest = -Double.infinity
    private var sum = 0.0, finiteCount = 0
    /// Numbers that are missing or not finite, and the rows that have some.
    private(set) var missing = 0, rowsWithMissing = 0
    /// Rows that are equal to an earlier one.
    private(set) var duplicates = 0
    /// Of token ids: the number of texts with each number of ids, how often each id occurs, and ids of unknown words.
    private var lengths: [Int: Int] = [:], usedIDs: Set<Int> = [], unknown = 0, tokens = 0

    /// Numbers that are read at a time.
    private static let blockNumbers = 1 << 20

    /// Reads all rows, in blocks.
    /// - Throws: `FileError` if they cannot be read.
    init(_ modality: Modality, _ dataset: DatasetDescription, of file: HDF5File) throws {
        self.dataset = dataset
        preparation = try SamplePreparation(modality, of: dataset.name, in: file)
        let columns = max(dataset.columns, 1), blockRows = max(1, Self.blockNumbers / columns)
        var seen: Set<RowDigest> = []
        for start in stride(from: 0, to: dataset.rows, by: blockRows) {
            let rows = start..<min(start + blockRows, dataset.rows)
            if dataset.isUnsigned, dataset.elementBytes == 1 {
                add(try file.readBytes(dataset.name, rows: rows), columns, &seen)
            } else {
                try add(file.readDoublesOrMissing(dataset.name, rows: rows), columns, &seen)
            }
        }
    }

    private mutating func add(_ bytes: [UInt8], _ columns: Int, _ seen: inout Set<RowDigest>) {
        var counts = [Int](repeating: 0, count: 256)
        for byte in bytes { counts[Int(byte)] += 1 }
        for (value, count) in counts.enumerated() where count > 0 {
            smallest = min(smallest, Double(value))
            largest = max(largest, Double(value))
            sum += Double(value * count)
        }
        finiteCount += bytes.count
        bytes.withUnsafeBytes { addRows($0, columns, &seen) }
    }

    private mutating func add(_ values: [Double], _ columns: Int, _ seen: inout Set<RowDigest>) throws {
        for start in stride(from: 0, to: values.count, by: columns) {
            var rowMissing = 0
            for value in values[start..<start + columns] {
                if value.isFinite {
                    smallest = min(smallest, value)
                    largest = max(largest, value)
                    sum += value
                } else {
                    rowMissing += 1
                }
            }
            missing += rowMissing
            finiteCount += columns - rowMissing
            if rowMissing > 0 { rowsWithMissing += 1 }
            if preparation?.text != nil { addTokens(values[start..<start + columns]) }
        }
        values.withUnsafeBytes { addRows($0, columns * MemoryLayout<Double>.stride, &seen) }
    }

    private mutating func addRows(_ bytes: UnsafeRawBufferPointer, _ rowBytes: Int, _ seen: inout Set<RowDigest>) {
        for start in stride(from: 0, to: bytes.count, by: rowBytes) {
            let row = UnsafeRawBufferPointer(rebasing: bytes[start..<start + rowBytes])
            if !seen.insert(RowDigest(row)).inserted { duplicates += 1 }
        }
    }

    private mutating func addTokens(_ row: ArraySlice<Double>) {
        let ids = row.lazy.filter { $0 != 0 }.map { Int($0) }
        lengths[ids.count, default: 0] += 1
        tokens += ids.count
        for id in ids { usedIDs.insert(id) }
        if preparation?.text?.tokenizer is WordTokenizer { unknown += ids.count { $0 == Int(WordTokenizer.unknownID) } }
    }

    /// Names and values, for a table and for JSON.
    var items: [(String, JSONValue)] {
        var items: [(String, JSONValue)] = [
            ("shape", .array(dataset.shape.map { .integer($0) })), ("type", .string(type)),
        ]
        if let preparation { items.append(("preparation", .string(preparation.summary))) }
        guard let text = preparation?.text else {
            return items + [
                ("smallest", finiteCount == 0 ? .null : .number(smallest)),
                ("largest", finiteCount == 0 ? .null : .number(largest)),
                ("mean", finiteCount == 0 ? .null : .number(sum / Double(finiteCount))),
                ("missing_numbers", .integer(missing)), ("rows_with_missing", .integer(rowsWithMissing)),
                ("duplicate_rows", .integer(duplicates)),
            ]
        }
        items += [
            ("tokens", .integer(tokens)), ("shortest", .integer(lengths.keys.min() ?? 0)),
            ("median_length", .integer(medianLength)), ("longest", .integer(lengths.keys.max() ?? 0)),
            ("full_rows", .integer(lengths[text.positions] ?? 0)), ("empty_rows", .integer(lengths[0] ?? 0)),
            ("duplicate_rows", .integer(duplicates)),
            ("vocabulary", .integer(text.vocabulary)), ("used_ids", .integer(usedIDs.count)),
        ]
        if text.tokenizer is WordTokenizer { items.append(("unknown_words", .integer(unknown))) }
        return items
    }

    private var medianLength: Int {
        let total = lengths.values.reduce(0, +)
        var passed = 0
        for length in lengths.keys.sorted() {
            passed += lengths[length]!
            if 2 * passed >= total { return length }
        }
        return 0
    }

    private var type: String {
        let bits = 8 * dataset.elementBytes
        switch dataset.elementClass {
        case .float: return "float\(bits)"
        case .integer: return (dataset.isUnsigned ? "uint" : "int") + "\(bits)"
        case .other(let elements): return elements
        }
    }
}
