/// Breaks text into lines.
package enum TextLines {
    /// The words of a text on lines of at most so many columns. A word that is longer has a line of its own.
    /// - Parameters:
    ///   - indentation: what each line begins with.
    ///   - first: what the first line begins with; nil for `indentation`.
    package static func wrapped(
        _ text: String, columns: Int, indentation: String = "", first: String? = nil
    ) -> String {
        var lines: [String] = [], line = first ?? indentation, isEmpty = true
        for word in text.split(separator: " ") {
            if !isEmpty, line.count + 1 + word.count > columns {
                lines.append(line)
                (line, isEmpty) = (indentation, true)
            }
            line += (isEmpty ? "" : " ") + word
            isEmpty = false
        }
        return (lines + [line]).map { $0 + "\n" }.joined()
    }
}
