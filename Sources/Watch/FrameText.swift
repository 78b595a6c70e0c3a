import CoupletText

/// Text in the width of a terminal.
enum FrameText {
    /// Joins as many parts as fit.
    static func fitted(_ parts: [String], _ width: Int) -> String {
        var line = ""
        for part in parts.map(TerminalText.escaped) {
            let longer = line.isEmpty ? part : line + "  " + part
            if longer.count > width { break }
            line = longer
        }
        return line.isEmpty ? String(TerminalText.escaped(parts.first ?? "").prefix(width)) : line
    }

    /// The text in lines that break at spaces. The last line ends in "..." if there is more.
    static func wrapped(_ text: String, _ width: Int, atMost count: Int) -> [String] {
        var lines: [String] = [], line = ""
        for word in TerminalText.escaped(text).split(whereSeparator: { " \n\t".contains($0) }) {
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
            while line.count > width {
                lines.append(String(line.prefix(width)))
                line = String(line.dropFirst(width))
            }
        }
        if !line.isEmpty { lines.append(line) }
        guard lines.count > count else { return lines }
        return Array(lines.prefix(count - 1)) + [String(lines[count - 1].prefix(max(0, width - 3))) + "..."]
    }
}
