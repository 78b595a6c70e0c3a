import ArgumentParser
import CoupletFiles
import CoupletText
import CoupletTraining

struct ManualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manual",
        abstract: "Write the manual pages of all commands.",
        discussion: """
            One page a command, such as couplet-train.1, from the same texts as --help. launch/install puts them where \
            man finds them.

              couplet manual --output man1
              man -l man1/couplet-train.1
            """)

    @Option(
        help: ArgumentHelp("The folder of the pages, which is made if it is missing.", valueName: "dir"),
        completion: .directory)
    var output: String

    func run() throws {
        let pages = try ManualPage.pages(of: CoupletCommand.self, version: Version.program)
        try FileSystem.makeFolder(output)
        for page in pages { try DurableFile.replace("\(output)/\(page.name).1", with: page.text) }
    }
}

/// A manual page of a command, in the macros of man(7).
struct ManualPage {
    /// The words of the command with dashes: "couplet-data-import".
    let name: String
    let text: String

    /// The pages of a command and of all its subcommands.
    /// - Throws: `FileError` if the parser describes the command in a way that this program does not know.
    static func pages(of command: any ParsableCommand.Type, version: String) throws -> [ManualPage] {
        var description = ""
        do {
            _ = try command.parseAsRoot(["--experimental-dump-help"])
        } catch {
            description = command.fullMessage(for: error)
        }
        guard let root = JSONValue(text: description)?["command"], root["commandName"]?.string != nil else {
            throw FileError(.badData, at: "--experimental-dump-help", reason: "the parser printed no description")
        }
        return pages(root, parents: [], version)
    }

    private static func pages(_ command: JSONValue, parents: [String], _ version: String) -> [ManualPage] {
        let words = parents + [command["commandName"]?.string ?? ""]
        // `help` of the parser is the same for every command.
        let inner = (command["subcommands"]?.elements ?? []).filter { $0["commandName"]?.string != "help" }
        return [ManualPage(command, words, inner, version)] + inner.flatMap { pages($0, parents: words, version) }
    }

    private init(_ command: JSONValue, _ words: [String], _ inner: [JSONValue], _ version: String) {
        name = words.joined(separator: "-")
        let arguments = (command["arguments"]?.elements ?? []).filter { $0["shouldDisplay"] != .boolean(false) }
        var lines = [
            ".TH \(Self.quoted(name.uppercased())) 1 \"\" \(Self.quoted(version)) \"Couplet\"", ".SH NAME",
            "\(Self.escaped(name)) \\- \(Self.escaped(command["abstract"]?.string ?? ""))", ".SH SYNOPSIS",
            ".B \(Self.escaped(words.joined(separator: " ")))",
        ]
        lines += arguments.filter { !Self.isHelp($0) }.map(Self.synopsis)
        if !inner.isEmpty { lines.append("\\fIcommand\\fR") }
        if let discussion = command["discussion"]?.string {
            lines += [".SH DESCRIPTION"] + Self.paragraphs(discussion)
        }
        if !arguments.isEmpty { lines += [".SH OPTIONS"] + arguments.flatMap(Self.option) }
        if !inner.isEmpty {
            lines.append(".SH COMMANDS")
            for item in inner {
                let page = "\(name)-\(item["commandName"]?.string ?? "")"
                lines += [".TP", "\\fB\(Self.escaped(page))\\fR(1)", Self.escaped(item["abstract"]?.string ?? "")]
            }
        }
        if words.count > 1 {
            lines += [".SH SEE ALSO", "\\fB\(Self.escaped(words.dropLast().joined(separator: "-")))\\fR(1)"]
        }
        text = lines.joined(separator: "\n") + "\n"
    }

    // MARK: - Arguments

    private static func isHelp(_ argument: JSONValue) -> Bool {
        ["help", "version"].contains(argument["preferredName"]?["name"]?.string)
    }

    /// "\-\-set \fIkey=value\fR"; the name alone for a flag, the value alone for an argument without a name.
    private static func usage(_ argument: JSONValue, allNames: Bool) -> String {
        let preferred = [argument["preferredName"]].compactMap(\.self)
        let names = (allNames ? argument["names"]?.elements ?? preferred : preferred).map { name in
            let dashes = name["kind"]?.string == "long" ? "--" : "-"
            return "\\fB\(escaped(dashes + (name["name"]?.string ?? "")))\\fR"
        }
        let value = "\\fI\(escaped(argument["valueName"]?.string ?? "value"))\\fR"
        switch argument["kind"]?.string {
        case "positional": return value
        case "flag": return names.joined(separator: ", ")
        default: return names.joined(separator: ", ") + " \(value)"
        }
    }

    private static func synopsis(_ argument: JSONValue) -> String {
        let usage = usage(argument, allNames: false) + (argument["isRepeating"] == .boolean(true) ? " ..." : "")
        return argument["isOptional"] == .boolean(true) ? "[\(usage)]" : usage
    }

    private static func option(_ argument: JSONValue) -> [String] {
        var text = argument["abstract"]?.string ?? ""
        if let values = argument["allValues"]?.elements?.compactMap(\.string), !values.isEmpty {
            text += " (values: \(values.joined(separator: ", ")))"
        }
        if let usual = argument["defaultValue"]?.string { text += " (default: \(usual))" }
        return [".TP", usage(argument, allNames: true), escaped(text.isEmpty ? "See above." : text)]
    }

    // MARK: - Text

    /// Paragraphs between empty lines. Lines that begin with two spaces stay as they are: they are examples.
    private static func paragraphs(_ text: String) -> [String] {
        var result: [String] = [], isExample = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let begins = line.hasPrefix("  ")
            if begins != isExample, !line.isEmpty {
                result += begins ? [".sp", ".RS 2", ".EX"] : [".EE", ".RE", ".sp"]
                isExample = begins
            }
            if line.isEmpty {
                if !isExample { result.append(".PP") }
            } else {
                result.append(escaped(begins ? String(line.dropFirst(2)) : String(line)))
            }
        }
        if isExample { result += [".EE", ".RE"] }
        return result.enumerated().filter { index, line in
            // A paragraph without text makes a warning.
            line != ".PP" || index + 1 < result.count && ![".PP", ".sp"].contains(result[index + 1])
        }.map(\.element)
    }

    /// A text in which no character has a meaning to roff.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "\"": result += "\\(dq"
            case "'": result += "\\(aq"
            case "`": result += "\\(ga"
            case "^": result += "\\(ha"
            case "~": result += "\\(ti"
            case "\n": result += " "
            default:
                if scalar.isASCII {
                    result.unicodeScalars.append(scalar)
                } else {
                    let digits = String(scalar.value, radix: 16, uppercase: true)
                    result += "\\[u\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)]"
                }
            }
        }
        return result.hasPrefix(".") ? "\\&" + result : result
    }

    private static func quoted(_ text: String) -> String { "\"\(escaped(text))\"" }
}

extension JSONValue {
    /// The elements of an array; nil for anything else.
    fileprivate var elements: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }
}
