/// A table of text with aligned columns: the first column is aligned to the left, the others to the right,
/// except for a last column of texts.
package struct TextTable {
    private var rows: [[String]] = []

    package init() {}

    /// Appends a row. Rows may have different numbers of cells.
    package mutating func add(_ cells: [String]) { rows.append(cells) }

    /// The rows, one a line, each indented by `indent` spaces. Each column is as wide as its widest cell.
    /// - Parameter alignsLastLeft: whether the last column is aligned to the left.
    package func text(indent: Int = 2, alignsLastLeft: Bool = false) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.reduce(0) { max($0, column < $1.count ? $1[column].count : 0) }
        }
        return rows.map { cells in
            let padded = cells.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                if alignsLastLeft, column == columns - 1 { return cell }
                return column == 0 ? cell + space : space + cell
            }
            return String(repeating: " ", count: indent) + padded.joined(separator: "  ") + "\n"
        }.joined()
    }
}
