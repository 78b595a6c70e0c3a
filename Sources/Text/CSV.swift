/// Reads and writes comma-separated values (RFC 4180).
package enum CSV {
    /// One record without its line end. Cells with a comma, a quote or a line end are quoted.
    package static func line(_ cells: [String]) -> String {
        cells.map { cell in
            guard cell.utf8.contains(where: { ",\"\n\r".utf8.contains($0) }) else { return cell }
            return "\"" + cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
        }.joined(separator: ",")
    }

    /// The records of a text. The last record may lack its line end.
    package static func records(_ text: String) -> [[String]] {
        var records: [[String]] = [], cells: [String] = [], cell: [UInt8] = [], isQuoted = false
        let bytes = Array(text.utf8)
        var offset = 0
        func endCell() {
            cells.append(String(decoding: cell, as: UTF8.self))
            cell = []
        }
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            switch byte {
            case UInt8(ascii: "\"") where isQuoted && offset < bytes.count && bytes[offset] == byte:
                cell.append(byte)
                offset += 1
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: ",") where !isQuoted: endCell()
            case UInt8(ascii: "\n") where !isQuoted:
                endCell()
                records.append(cells)
                cells = []
            case UInt8(ascii: "\r") where !isQuoted: break
            default: cell.append(byte)
            }
        }
        if !cell.isEmpty || !cells.isEmpty {
            endCell()
            records.append(cells)
        }
        return records
    }
}
