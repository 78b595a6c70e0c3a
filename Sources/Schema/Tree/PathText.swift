import CoupletFiles
import Glibc

/// Paths as people write them in a config: `~/data`, `~anna/data`, `${DATA}/pairs.h5`.
package enum PathText {
    /// Why a path cannot be read.
    struct Problem: Error {
        let reason: String
    }

    /// The path with `~` and `~user` at its start and `${NAME}` anywhere replaced. `$$` stands for a dollar sign, `$~`
    /// for a tilde that is not replaced.
    /// - Throws: `Problem` if there is no such user, or if an environment variable is missing or empty.
    static func expanded(_ text: String) throws -> String {
        guard var rest = FileSystem.expandingTilde(text)?[...] else {
            let user = text.prefix { $0 != "/" }
            throw Problem(
                reason: "there is no user of the name \(user.dropFirst()); a name that begins with ~ itself is $\(user)"
            )
        }
        var result = ""
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if let next = rest.first, next == "$" || next == "~" {
                result.append(next)
                rest.removeFirst()
            } else if rest.first == "{" {
                guard let end = rest.firstIndex(of: "}") else {
                    throw Problem(reason: "\"${\" has no \"}\"; $$ stands for a dollar sign")
                }
                result += try value(ofVariable: rest[rest.index(after: rest.startIndex)..<end])
                rest = rest[rest.index(after: end)...]
            } else {
                let name = rest.prefix(while: isLetterOfName)
                // A shell would expand it. Here only braces do, so that a name with a dollar sign stays what it is.
                if !name.isEmpty, variable(String(name)) != nil {
                    throw Problem(
                        reason: "write ${\(name)} for the environment variable \(name), or $$ for a dollar sign")
                }
                result += "$"
            }
        }
        return result + rest
    }

    /// The text that `expanded` reads as this path.
    static func text(_ path: String) -> String {
        let escaped = path.split(separator: "$", omittingEmptySubsequences: false).joined(separator: "$$")
        return path.hasPrefix("~") ? "$" + escaped : escaped
    }

    private static func value(ofVariable name: Substring) throws -> String {
        guard let first = name.first, name.allSatisfy(isLetterOfName), !first.isNumber else {
            throw Problem(reason: "\"${\(name)}\" is no environment variable; $$ stands for a dollar sign")
        }
        guard let value = variable(String(name)) else {
            throw Problem(reason: "the environment variable \(name) is not set; set it, or write the path without it")
        }
        if value.isEmpty { throw Problem(reason: "the environment variable \(name) is empty; set it to a path") }
        return value
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    private static func isLetterOfName(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber) || character == "_"
    }
}

extension ConfigurationType where Value == String {
    /// The path of a file or folder, in which `~`, `~user` and `${NAME}` are replaced (`PathText`).
    public static func path(example: String) -> Self {
        ConfigurationType(
            "path", example: example, read: { $2.path($0, $1, example: example) },
            write: { .text(PathText.text($0)) })
    }
}

extension ConfigurationBlock {
    /// The path that a key holds; nil, and a problem, if it is not a text or cannot be expanded.
    package func path(_ key: String, _ node: ConfigurationNode, example: String) -> String? {
        guard let text = text(key, node, example: example) else { return nil }
        do {
            let path = try PathText.expanded(text)
            if path.unicodeScalars.contains("\0") {
                note(key, at: node.location, "a path has no character of value 0")
                return nil
            }
            return path
        } catch {
            note(key, at: node.location, (error as? PathText.Problem)?.reason ?? "\(error)")
            return nil
        }
    }
}
