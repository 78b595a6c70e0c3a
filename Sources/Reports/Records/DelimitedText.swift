/// Comma-separated values (RFC 4180): fields that hold commas, quotes or line ends stand in double quotes, a quote in them twice.
enum DelimitedText {
    /// Rows of fields; empty lines are no rows.
    static func rows(_ text: String) -> [[String]] {
        var rows: [[String]] = [], row: [String] = [], field = ""
        var isQuoted = false, wasQuoted = false
        func endField() {
            row.append(field)
            field = ""
            wasQuoted = false
        }
        func endRow() {
            if row.isEmpty, field.isEmpty, !wasQuoted { return }
            endField()
            rows.append(row)
            row = []
        }
        var scalars = text.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            if isQuoted {
                if scalar != "\"" {
                    field.unicodeScalars.append(scalar)
                } else if scalars.first == "\"" {
                    scalars.removeFirst()
                    field += "\""
                } else {
                    isQuoted = false
                }
                continue
            }
            switch scalar {
            case "\"" where field.isEmpty:
                isQuoted = true
                wasQuoted = true
            case ",": endField()
            case "\n": endRow()
            case "\r" where scalars.first == "\n": break
            default: field.unicodeScalars.append(scalar)
            }
        }
        endRow()
        return rows
    }
}
