import Yams

extension ConfigurationNode {
    /// Reads YAML of one document. `place` turns a line and column into the place that errors name.
    /// - Throws: `ConfigurationError` with the one problem at which the YAML parser stopped.
    package init(yaml text: String, place: @escaping (_ line: Int, _ column: Int) -> Location) throws {
        do {
            // The basic resolver compiles no regular expressions: what a scalar means is decided by who asks for it.
            guard let node = try Yams.compose(yaml: text, .basic) else {
                self.init(content: .scalar("", quoted: false), place: place(1, 1))
                return
            }
            self = try ConfigurationNode(node, place: place)
        } catch let error as YamlError {
            let (position, reason) = ConfigurationNode.describe(error, in: text)
            throw ConfigurationError([.init(place: place(position.line, position.column), key: "", reason: reason)])
        }
    }

    private init(_ node: Node, place: (Int, Int) -> Location) throws {
        let here = node.mark.map { place($0.line, $0.column) } ?? place(1, 1)
        switch node {
        case .scalar(let scalar):
            self.init(
                content: .scalar(scalar.string, quoted: scalar.style != .plain && scalar.style != .any), place: here)
        case .sequence(let sequence):
            self.init(content: .list(try sequence.map { try ConfigurationNode($0, place: place) }), place: here)
        case .mapping(let mapping):
            let entries = try mapping.map { key, value in
                guard let name = key.scalar?.string else {
                    throw ConfigurationError([
                        .init(
                            place: key.mark.map { place($0.line, $0.column) } ?? here, key: "",
                            reason: "a key must be a word")
                    ])
                }
                return Entry(
                    key: name, keyLocation: key.mark.map { place($0.line, $0.column) } ?? here,
                    value: try ConfigurationNode(value, place: place))
            }
            self.init(content: .block(entries), place: here)
        case .alias:
            // Yams puts what an alias stands for in its place.
            throw ConfigurationError([.init(place: here, key: "", reason: "an alias that stands for nothing")])
        }
    }

    /// Where the YAML parser stopped, and why.
    private static func describe(_ error: YamlError, in text: String) -> (
        position: (line: Int, column: Int), reason: String
    ) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let line =
                text.split(separator: "\n", omittingEmptySubsequences: false).dropFirst(mark.line - 1).first ?? ""
            if line.prefix(while: \.isWhitespace).contains("\t") {
                return ((mark.line, mark.column), "no YAML: the line is indented by a tab; use spaces")
            }
            let within = context.map { "\($0.text) that begins at line \($0.mark.line), " } ?? ""
            return ((mark.line, mark.column), "no YAML: \(within)\(problem)")
        case .reader(let problem, let offset, _, _):
            let before = text.prefix(offset ?? 0)
            let lines = before.split(separator: "\n", omittingEmptySubsequences: false)
            return ((max(1, lines.count), (lines.last?.count ?? 0) + 1), "no YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            let key = keys.first ?? ""
            let first = (line: context.mark.line, column: context.mark.column)
            let again = repetition(of: key, after: first, in: text)
            return (
                again ?? first,
                "the key \"\(key)\" is given twice" + (again == nil ? "" : ", first in line \(first.line)")
            )
        default:
            return ((1, 1), "no YAML: \(error)")
        }
    }

    /// Where a key of a block stands for the second time: the next line that has it in the same column. Nil within braces.
    private static func repetition(of key: String, after first: (line: Int, column: Int), in text: String) -> (
        line: Int, column: Int
    )? {
        let indentation = String(repeating: " ", count: first.column - 1)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().dropFirst(first.line)
        let match = lines.first {
            $0.element.hasPrefix(indentation + key) && $0.element.dropFirst(first.column - 1 + key.count).first == ":"
        }
        return match.map { ($0.offset + 1, first.column) }
    }
}
