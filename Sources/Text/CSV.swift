/// Reads and writes comma-separated values (RFC 4180).
///
/// A spreadsheet runs a cell that begins with "=", "+", "-", "@", a tab or a carriage return as a formula. Such a cell
/// gets an apostrophe in front, which a spreadsheet reads as "this is text". Numbers stay as they are.
package enum CSV {
    /// One record without its line end. Cells with a comma, a quote or a line end are quoted.
    package static func line(_ cells: [String]) -> String {
        cells.map { value in
            let cell = isFormula(value) && !isNumber(value) ? "'" + value : value
            guard cell.utf8.contains(where: { ",\"\n\r".utf8.contains($0) }) else { return cell }
            return "\"" + cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
        }.joined(separator: ",")
    }

    /// Whether the text, after any apostrophes, begins like a formula. Counting the apostrophes lets the reader know
    /// which one was added.
    private static func isFormula(_ text: String) -> Bool {
        guard let first = text.utf8.first(where: { $0 != UInt8(ascii: "'") }) else { return false }
        return "=+-@\t\r".utf8.contains(first)
    }

    private static func isNumber(_ text: String) -> Bool {
        text.utf8.allSatisfy { (48...57).contains($0) || "+-.eE".utf8.contains($0) } && Double(text) != nil
    }

    /// The records of a text. The last record may lack its line end.
    package static func records(_ text: String) -> [[String]] {
        var records: [[String]] = [], cells: [String] = [], cell: [UInt8] = [], isQuoted = false
        let bytes = Array(text.utf8)
        var offset = 0
        func endCell() {
            let text = String(decoding: cell, as: UTF8.self)
            cells.append(text.hasPrefix("'") && isFormula(text) ? String(text.dropFirst()) : text)
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
