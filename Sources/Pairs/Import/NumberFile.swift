import CoupletFiles
import CoupletStorage

/// Files of numbers, one row a sample: numpy arrays (.npy, or a member of .npz), CSV and TSV.
enum NumberFile {
    /// Whether the name is that of a file of numbers; "FILE.npz:MEMBER" names a member.
    static func isName(_ name: String) -> Bool {
        let lowercase = split(name).file.lowercased()
        return [".npy", ".npz", ".csv", ".tsv"].contains { lowercase.hasSuffix($0) }
    }

    /// The file, and the member of an archive.
    private static func split(_ name: String) -> (file: String, member: String?) {
        for (offset, index) in name.indices.enumerated().reversed() where name[index] == ":" && offset > 4 {
            if name[..<index].lowercased().hasSuffix(".npz") {
                return (String(name[..<index]), String(name[name.index(after: index)...]))
            }
        }
        return (name, nil)
    }

    /// Reads all rows into a store. A bad row of a CSV file is a row of zeros in the store.
    /// - Parameters:
    ///   - folder: where the rows wait.
    ///   - bad: gets the bad rows.
    /// - Returns: the rows, and the numbers of the bad ones.
    /// - Throws: `FileError` if the file cannot be read, `DataError` if it is none of these.
    static func read(
        _ name: String, folder: String, bad: inout BadRows
    ) throws -> (rows: ImportedRows, badRows: Set<Int>) {
        let (path, member) = split(name), lowercase = path.lowercased()
        if lowercase.hasSuffix(".npz") { return (try readArchive(path, member, folder), []) }
        if lowercase.hasSuffix(".npy") {
            let file = try MappedFile(path)
            let reader = ArrayReader(location: path, folder: folder)
            try reader.take(file.bytes)
            return (try reader.finish(), [])
        }
        return try readCells(path, lowercase.hasSuffix(".csv") ? .csv : .tsv, folder, &bad)
    }

    private static func readArchive(_ path: String, _ member: String?, _ folder: String) throws -> ImportedRows {
        let archive = try ZipArchive(path)
        let arrays = archive.members.filter { $0.name.hasSuffix(".npy") }
        let names = arrays.map { String($0.name.dropLast(4)) }
        guard let chosen = member ?? (names.count == 1 ? names[0] : nil) else {
            throw DataError(
                at: path, reason: "has the arrays \(names.joined(separator: ", "))",
                remedy: "name one: \(path):\(names.first ?? "NAME")")
        }
        guard let index = names.firstIndex(of: chosen) else {
            throw DataError(
                at: path, reason: "has no array \(chosen)", remedy: "it has \(names.joined(separator: ", "))")
        }
        let reader = ArrayReader(location: "\(path):\(chosen)", folder: folder)
        try archive.read(arrays[index], reader.take)
        return try reader.finish()
    }

    // MARK: - CSV

    private static func readCells(
        _ path: String, _ format: DelimitedReader.Format, _ folder: String, _ bad: inout BadRows
    ) throws -> (ImportedRows, Set<Int>) {
        var reader = try DelimitedReader(path, format), badRows: Set<Int> = []
        guard var record = try reader.next() else { throw DataError(at: path, reason: "is empty") }
        let columns = record.cells.count
        // The first line is a header if none of its cells is a number.
        if record.cells.allSatisfy({ number($0) == nil }) {
            guard let next = try reader.next() else {
                throw DataError(at: path, reason: "has no rows below its header")
            }
            record = next
        }
        let store = RowStore(in: folder, rowBytes: 4 * columns, isDistinct: false)
        var row = [Float](repeating: 0, count: columns), current: DelimitedReader.Record? = record
        while let record = current {
            var problem = record.problem
            if problem == nil, record.cells.count != columns {
                problem = "has \(Manifest.count(record.cells.count, "column")), but the first line has \(columns)"
            }
            for column in 0..<columns {
                row[column] = 0
                if problem != nil { continue }
                guard let value = number(record.cells[column]), value.isFinite else {
                    problem = "column \(column + 1) is \"\(record.cells[column].prefix(40))\", no finite number"
                    continue
                }
                row[column] = value
            }
            if let problem {
                badRows.insert(store.count)
                bad.add(path, line: record.line, problem)
                for column in 0..<columns { row[column] = 0 }
            }
            _ = try row.withUnsafeBytes { try store.append($0) }
            current = try reader.next()
        }
        return (ImportedRows(store: store, shape: [columns], type: .float32), badRows)
    }

    private static func number(_ cell: String) -> Float? {
        var text = cell[...]
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return Float(text)
    }
}

/// Reads a numpy array that comes in blocks, and stores its rows.
private final class ArrayReader {
    private let location: String, folder: String
    private var header: NumpyHeader?
    private var store: RowStore?
    /// Bytes that are not stored yet.
    private var pending: [UInt8] = []
    private var rowBytes = 0

    init(location: String, folder: String) { (self.location, self.folder) = (location, folder) }

    func take(_ block: UnsafeRawBufferPointer) throws {
        if header == nil {
            // A header is shorter than a block.
            let read = try NumpyHeader(block, at: location)
            header = read
            rowBytes = read.elementBytes * read.shape.dropFirst().reduce(1, *)
            let storedBytes = rowBytes / read.elementBytes * read.storedType.bytes
            store = RowStore(in: folder, rowBytes: storedBytes, isDistinct: false)
            return try takeRows(UnsafeRawBufferPointer(rebasing: block.dropFirst(read.length)))
        }
        try takeRows(block)
    }

    private func takeRows(_ block: UnsafeRawBufferPointer) throws {
        guard let header, let store else { return }
        if header.isFortranOrder, header.shape.count > 1 {
            pending += block
            return
        }
        var offset = 0
        if !pending.isEmpty {
            offset = min(block.count, rowBytes - pending.count)
            pending += block[..<offset]
            if pending.count < rowBytes { return }
            try pending.withUnsafeBytes { try append($0, header, store) }
            pending.removeAll(keepingCapacity: true)
        }
        let whole = (block.count - offset) / rowBytes * rowBytes
        try append(UnsafeRawBufferPointer(rebasing: block[offset..<offset + whole]), header, store)
        pending += block[(offset + whole)...]
    }

    /// Stores whole rows.
    private func append(_ rows: UnsafeRawBufferPointer, _ header: NumpyHeader, _ store: RowStore) throws {
        var row = [UInt8](repeating: 0, count: store.rowBytes)
        for start in stride(from: 0, to: rows.count, by: rowBytes) {
            if store.count == header.shape[0] { throw wrongLength(header, "more") }
            row.withUnsafeMutableBytes {
                header.convert(UnsafeRawBufferPointer(rebasing: rows[start..<start + rowBytes]), into: $0)
            }
            _ = try row.withUnsafeBytes { try store.append($0) }
        }
    }

    private func wrongLength(_ header: NumpyHeader, _ found: String) -> DataError {
        DataError(
            at: location, reason: "its header announces \(header.shape[0]) rows, but there are \(found)",
            remedy: "the file is cut short or damaged: write it again")
    }

    func finish() throws -> ImportedRows {
        guard let header, let store else { throw DataError(at: location, reason: "is empty") }
        if header.isFortranOrder, header.shape.count > 1 {
            try appendTransposed(header, store)
        } else if !pending.isEmpty || store.count != header.shape[0] {
            throw wrongLength(header, "\(store.count)\(pending.isEmpty ? "" : " and a part of one")")
        }
        return ImportedRows(store: store, shape: Array(header.shape.dropFirst()), type: header.storedType)
    }

    /// Stores the rows of an array whose first index runs fastest, which is in memory.
    private func appendTransposed(_ header: NumpyHeader, _ store: RowStore) throws {
        let rows = header.shape[0], columns = header.shape.dropFirst(), element = header.elementBytes
        guard pending.count == rows * rowBytes else { throw wrongLength(header, "\(pending.count / rowBytes)") }
        // Where the elements of the first row lie, in the order of the last index first.
        var offsets = [0], step = rows
        for extent in columns {
            offsets = offsets.flatMap { offset in (0..<extent).map { offset + $0 * step } }
            step *= extent
        }
        var row = [UInt8](repeating: 0, count: rowBytes)
        for number in 0..<rows {
            for (place, offset) in offsets.enumerated() {
                for byte in 0..<element { row[place * element + byte] = pending[(offset + number) * element + byte] }
            }
            try row.withUnsafeBytes { try append($0, header, store) }
        }
    }
}
