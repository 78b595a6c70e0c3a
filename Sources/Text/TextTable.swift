/// Lines of text in columns: the first column to the left, the others to the right, each as wide as its widest cell.
package struct TextTable {
    private var rows: [[String]] = []

    package init() {}

    package mutating func add(_ cells: [String]) { rows.append(cells) }

    /// The rows, each with `indent` spaces before it.
    package func text(indent: Int = 2) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.reduce(0) { max($0, column < $1.count ? $1[column].count : 0) }
        }
        return rows.map { cells in
            let padded = cells.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + space : space + cell
            }
            return String(repeating: " ", count: indent) + padded.joined(separator: "  ") + "\n"
        }.joined()
    }

    /// A number with a fixed count of decimals; shortest form where it is too large for that, a dash where it is not a number
    /// or missing.
    package static func fixed(_ value: Double?, _ decimals: Int = 4) -> String {
        guard let value, !value.isNaN else { return "-" }
        var scale = 1
        for _ in 0..<decimals { scale *= 10 }
        guard abs(value) < 1e12 else { return "\(value)" }
        let units = Int((abs(value) * Double(scale)).rounded())
        let sign = value < 0 && units > 0 ? "-" : ""
        if decimals == 0 { return sign + String(units) }
        let fraction = String(units % scale)
        return sign + String(units / scale) + "." + String(repeating: "0", count: decimals - fraction.count) + fraction
    }
}
