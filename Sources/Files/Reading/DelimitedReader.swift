/// Reads the records of a file of cells, one at a time: comma-separated (CSV, RFC 4180) or tab-separated (TSV).
///
/// - A record ends at a line end (LF, CRLF or CR), the last one at the end of the file. Empty lines are skipped.
/// - CSV: a cell in quotes may have separators, line ends and doubled quotes. A quote inside of a cell that does not
///   begin with one is text.
/// - TSV: a cell cannot have a tab or a line end. A cell in quotes whose inner quotes are all doubled is unquoted; any
///   other quote is text.
/// - A byte order mark of UTF-8 is skipped.
package struct DelimitedReader: ~Copyable {
    package enum Format: Sendable { case csv, tsv }

    package struct Record: Equatable, Sendable {
        /// The line on which the record begins, from 1.
        package let line: Int
        /// Bytes that are no UTF-8 are replacement characters here, and a problem.
        package var cells: [String] = []
        /// What is wrong with the record, for a message; nil if nothing is.
        package var problem: String?
    }

    private var file: SequentialFile
    private let format: Format
    private var line = 1

    /// A longer cell comes from a quote that nobody closed.
    static let largestCell = 1 << 20

    private static let quote = UInt8(ascii: "\""), lineFeed = UInt8(ascii: "\n"), carriageReturn = UInt8(ascii: "\r")

    /// - Throws: `FileError`: `.inputOutput` if the file cannot be read, `.badData` if it is text in UTF-16.
    package init(_ path: String, _ format: Format) throws {
        var file = try SequentialFile(path)
        try file.skipByteOrderMark()
        self.file = file
        self.format = format
    }

    /// The next record; nil at the end of the file.
    /// - Throws: `FileError`: `.badData` if a quote is not closed, so that no later record can be found.
    package mutating func next() throws -> Record? {
        while let byte = try file.peek(), isLineEnd(byte) { try takeLineEnd() }
        guard try file.peek() != nil else { return nil }
        var record = Record(line: line), isLast = false
        while !isLast {
            var cell: [UInt8] = []
            isLast = try format == .csv ? readCSV(&cell, &record) : readTSV(&cell)
            if let text = String(validating: cell, as: UTF8.self) {
                if cell.contains(0) { note("holds the character U+0000", &record) }
                record.cells.append(text)
            } else {
                note("holds bytes that are no UTF-8", &record)
                record.cells.append(String(decoding: cell, as: UTF8.self))
            }
        }
        return record
    }

    private func note(_ problem: String, _ record: inout Record) {
        if record.problem == nil { record.problem = "cell \(record.cells.count + 1) \(problem)" }
    }

    private func isLineEnd(_ byte: UInt8) -> Bool { byte == Self.lineFeed || byte == Self.carriageReturn }

    private mutating func takeLineEnd() throws {
        if try file.next() == Self.carriageReturn, try file.peek() == Self.lineFeed { _ = try file.next() }
        line += 1
    }

    /// Reads a cell and the separator or the line end after it.
    /// - Returns: whether it is the last cell of its record.
    private mutating func readCSV(_ cell: inout [UInt8], _ record: inout Record) throws -> Bool {
        guard try file.peek() == Self.quote else { return try readPlain(&cell, separator: UInt8(ascii: ",")) }
        _ = try file.next()
        let firstLine = line
        while true {
            guard let byte = try file.next(), cell.count <= Self.largestCell else {
                throw FileError(
                    .badData, at: "\(file.path):\(firstLine)",
                    reason: "the quote of cell \(record.cells.count + 1) is not closed",
                    remedy: "close it; a quote inside of a cell in quotes is written twice (\"\")")
            }
            if byte == Self.quote {
                guard try file.peek() == Self.quote else { break }
                _ = try file.next()
            } else if byte == Self.lineFeed {
                line += 1
            }
            cell.append(byte)
        }
        var rest: [UInt8] = []
        let isLast = try readPlain(&rest, separator: UInt8(ascii: ","))
        if rest.contains(where: { $0 != UInt8(ascii: " ") }) {
            note("has text after its closing quote", &record)
        }
        return isLast
    }

    private mutating func readTSV(_ cell: inout [UInt8]) throws -> Bool {
        let isLast = try readPlain(&cell, separator: UInt8(ascii: "\t"))
        if cell.count >= 2, cell.first == Self.quote, cell.last == Self.quote,
            let text = Self.unquoted(cell.dropFirst().dropLast())
        {
            cell = text
        }
        return isLast
    }

    /// The text with single quotes in place of doubled ones; nil if some quote is not doubled.
    private static func unquoted(_ quoted: ArraySlice<UInt8>) -> [UInt8]? {
        var text: [UInt8] = [], isOpen = false
        for byte in quoted {
            if byte == quote {
                isOpen.toggle()
                if isOpen { continue }
            } else if isOpen {
                return nil
            }
            text.append(byte)
        }
        return isOpen ? nil : text
    }

    private mutating func readPlain(_ cell: inout [UInt8], separator: UInt8) throws -> Bool {
        while let byte = try file.peek() {
            if isLineEnd(byte) {
                try takeLineEnd()
                return true
            }
            _ = try file.next()
            if byte == separator { return false }
            cell.append(byte)
            if cell.count > LineReader.largestLength {
                throw FileError(
                    .badData, at: "\(file.path):\(line)",
                    reason: "a cell is longer than \(LineReader.largestLength >> 20) MiB",
                    remedy: "is it a file of text?")
            }
        }
        return true
    }
}
