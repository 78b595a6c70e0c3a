import CoupletSchema
import CoupletText

/// All keys of a config, as `couplet config --keys` and the page *Keys of a config* of the documentation list them. A
/// key that several kinds have alike is listed once.
struct KeyList {
    struct Item {
        let key: KeyDescription
        /// The kinds that have the key, such as `loss: sigmoid`; empty if the block has it for every kind.
        var kinds: [String]

        /// "number above 0; default 0.001; with kind: adam"
        var values: String {
            let value = key.defaultValue.map { $0.isEmpty ? "" : "; default \($0)" } ?? "; required"
            return key.type + value + (kinds.isEmpty ? "" : "; with \(kinds.joined(separator: ", "))")
        }

        fileprivate func isAlike(_ other: KeyDescription) -> Bool {
            key.path == other.path && key.type == other.type && key.defaultValue == other.defaultValue
                && key.help == other.help
        }
    }

    private(set) var items: [Item] = []

    init(_ keys: [KeyDescription]) {
        for key in keys {
            let kinds = [key.kind].compactMap(\.self)
            if let index = items.firstIndex(where: { $0.isAlike(key) }) {
                items[index].kinds += kinds
            } else {
                items.append(Item(key: key, kinds: kinds))
            }
        }
    }

    /// The key or block of a path with all keys within it.
    /// - Returns: nil if there is none.
    func part(_ path: String) -> KeyList? {
        var part = self
        part.items = items.filter { $0.key.path == path || $0.key.path.hasPrefix(path + ".") }
        return part.items.isEmpty ? nil : part
    }

    /// Why there is no part of a path, with the nearest path.
    func problem(ofPath path: String) -> String {
        let paths = items.map(\.key.path)
        let last = path.split(separator: ".").last.map(String.init) ?? path
        let withName = paths.filter { $0 == last || $0.hasSuffix(".\(last)") }
        let guess = withName.first ?? NearestNames.guess(path, among: paths)
        let blocks = paths.filter { !$0.contains(".") }
        return "no key or block is called '\(path)'; "
            + (guess.map { "did you mean \($0)? There are" } ?? "there are") + " \(blocks.joined(separator: ", "))"
    }

    /// Two lines a key: its values and default, then its help.
    var text: String { items.map { "\($0.key.path): \($0.values)\n    \($0.key.help)\n" }.joined() }

    // MARK: - Page of the documentation

    /// The page as Markdown, a section a block of the top level.
    var page: String {
        var text = """
            # Keys of a config

            Every key that a config can have, with its values, its default and what it does.

            A program with kinds of its own (<doc:Extending>) has more keys; its `couplet config --keys` lists them.
            `couplet config --keys objective` lists a block.

            """
        var section = ""
        for item in items {
            let block = item.key.path.prefix { $0 != "." && $0 != "[" }
            if block != section {
                section = String(block)
                text += "\n## \(section)\n\n"
            }
            text += Self.lines("- `\(item.key.path)`: \(Self.escaped(item.values)).")
            text += Self.lines("  \(Self.escaped(item.key.help))")
        }
        return text
    }

    /// Markdown would take these signs for its own.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            if "[]{}<>*_|`\\".contains(character) { result.append("\\") }
            result.append(character)
        }
        return result
    }

    /// The lines of a paragraph of a list's element.
    private static func lines(_ text: String) -> String {
        let start = text.prefix { $0 == " " }
        return TextLines.wrapped(
            String(text.dropFirst(start.count)), columns: 120, indentation: "  ", first: String(start))
    }
}
