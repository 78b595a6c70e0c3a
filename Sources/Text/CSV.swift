/// Comma-separated values (RFC 4180).
package enum CSV {
    /// One line, without its end; what has a comma, a quote or a line's end in it is quoted.
    package static func line(_ cells: [String]) -> String {
        cells.map { cell in
            cell.utf8.contains { ",\"\n\r".utf8.contains($0) }
                ? "\"" + cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
                : cell
        }.joined(separator: ",")
    }

    /// The records of a text; a last one without its line's end is one too.
    package static func records(_ text: String) -> [[String]] {
        var records: [[String]] = [], cells: [String] = [], cell: [UInt8] = [], isQuoted = false
        let bytes = Array(text.utf8)
        var position = 0
        func ended() { cells.append(String(decoding: cell, as: UTF8.self)); cell = [] }
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\"") where isQuoted && position < bytes.count && bytes[position] == byte:
                cell.append(byte)
                position += 1
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: ",") where !isQuoted: ended()
            case UInt8(ascii: "\n") where !isQuoted:
                ended()
                records.append(cells)
                cells = []
            case UInt8(ascii: "\r") where !isQuoted: break
            default: cell.append(byte)
            }
        }
        if !cell.isEmpty || !cells.isEmpty {
            ended()
            records.append(cells)
        }
        return records
    }
}
