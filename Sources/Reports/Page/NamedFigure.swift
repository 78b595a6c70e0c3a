/// A figure and the name of its file, without ".svg".
public struct NamedFigure: Sendable {
    public let name: String
    public let figure: any Figure

    /// - Parameter name: Becomes the name of a file by `fileName(_:)`.
    init(_ name: String, _ figure: any Figure) { self.init(file: Self.fileName(name), figure) }

    private init(file name: String, _ figure: any Figure) {
        self.name = name
        self.figure = figure
    }

    /// The name of a file: "-" replaces every character other than a letter, a digit, "-", "_" or ".".
    static func fileName(_ name: String) -> String {
        let safe = name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "-" }
        let kept = String(String(safe).drop { $0 == "." }.prefix(120))
        return kept.isEmpty ? "-" : kept
    }

    /// The figure with a name made of the words of its title: "Error against batch size" is "error-against-batch-size".
    init(titled figure: any Figure) {
        let words = figure.title.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
        self.init(words.isEmpty ? "figure" : words.joined(separator: "-"), figure)
    }

    /// The figures with distinct names.
    static func distinct(_ figures: [NamedFigure]) -> [NamedFigure] {
        zip(figures, distinctNames(figures.map(\.name))).map { NamedFigure(file: $1, $0.figure) }
    }

    /// Distinct names: "-2", "-3", … follow a name that occurs again.
    static func distinctNames(_ names: [String]) -> [String] {
        var used: Set<String> = []
        return names.map { first in
            var name = first, number = 2
            while !used.insert(name).inserted {
                name = "\(first)-\(number)"
                number += 1
            }
            return name
        }
    }
}
