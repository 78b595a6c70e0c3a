/// A figure and the name of its file, without ".svg".
public struct NamedFigure: Sendable {
    public let name: String
    public let figure: any Figure

    /// - Parameter name: Every character other than a letter, a digit, "-", "_" or "." is replaced by "-".
    init(_ name: String, _ figure: any Figure) {
        let safe = name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "-" }
        self.name = String(String(safe).drop { $0 == "." }.prefix(120))
        self.figure = figure
    }

    /// The figure with a name made of the words of its title: "Error against batch size" is "error-against-batch-size".
    init(titled figure: any Figure) {
        let words = figure.title.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
        self.init(words.isEmpty ? "figure" : words.joined(separator: "-"), figure)
    }

    /// The figures with distinct names: "-2", "-3", … follow a name that occurs again.
    static func distinct(_ figures: [NamedFigure]) -> [NamedFigure] {
        var used: Set<String> = []
        return figures.map { figure in
            var name = figure.name, number = 2
            while !used.insert(name).inserted {
                name = "\(figure.name)-\(number)"
                number += 1
            }
            return NamedFigure(name, figure.figure)
        }
    }
}
