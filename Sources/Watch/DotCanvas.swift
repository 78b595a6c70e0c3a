/// A drawing of dots in the cells of a terminal: 2 × 4 dots a cell in braille, or 1 × 2 in ASCII.
struct DotCanvas {
    /// How the dots are drawn.
    enum Style: Sendable {
        case braille
        case ascii

        var dotColumns: Int { self == .braille ? 2 : 1 }
        var dotRows: Int { self == .braille ? 4 : 2 }
    }

    let style: Style
    /// Number of dots in each direction.
    let width: Int, height: Int
    private var dots: [Bool]

    /// - Parameters:
    ///   - columns: number of cells in a row.
    ///   - rows: number of rows of cells.
    init(columns: Int, rows: Int, style: Style) {
        self.style = style
        width = columns * style.dotColumns
        height = rows * style.dotRows
        dots = [Bool](repeating: false, count: width * height)
    }

    /// Sets the dot at (x, y) from the upper left corner. A dot outside is left out.
    mutating func set(_ x: Int, _ y: Int) {
        guard (0..<width).contains(x), (0..<height).contains(y) else { return }
        dots[y * width + x] = true
    }

    /// Draws a straight line between two dots.
    mutating func line(from start: (x: Int, y: Int), to end: (x: Int, y: Int)) {
        let count = max(abs(end.x - start.x), abs(end.y - start.y))
        for step in 0...count {
            let share = count == 0 ? 0 : Double(step) / Double(count)
            set(
                start.x + Int((share * Double(end.x - start.x)).rounded()),
                start.y + Int((share * Double(end.y - start.y)).rounded()))
        }
    }

    /// The rows of cells as text.
    var rows: [String] {
        (0..<height / style.dotRows).map { row in
            String(
                (0..<width / style.dotColumns).map { column in
                    cell { dots[(row * style.dotRows + $1) * width + column * style.dotColumns + $0] }
                })
        }
    }

    private func cell(_ isSet: (_ x: Int, _ y: Int) -> Bool) -> Character {
        switch style {
        case .ascii: isSet(0, 0) ? (isSet(0, 1) ? ":" : "'") : (isSet(0, 1) ? "." : " ")
        case .braille:
            // Unicode numbers the dots of braille column by column, and the lowest row last.
            Self.braille(
                [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)].enumerated().reduce(0) {
                    isSet($1.element.0, $1.element.1) ? $0 | 1 << $1.offset : $0
                })
        }
    }

    private static func braille(_ bits: Int) -> Character {
        bits == 0 ? " " : Character(Unicode.Scalar(UInt32(0x2800 + bits)) ?? " ")
    }
}
