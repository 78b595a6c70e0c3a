/// A writer of XML: elements and escaped text. HTML pages are written as XML, too, so that a strict parser can check
/// them.
struct Markup {
    private(set) var text = ""

    typealias Attributes = KeyValuePairs<String, String>

    /// Writes an element without content.
    mutating func element(_ name: String, _ attributes: Attributes = [:]) {
        tag(name, attributes)
        text += "/>"
    }

    mutating func element(_ name: String, _ attributes: Attributes = [:], text content: String) {
        tag(name, attributes)
        text += ">"
        add(content)
        text += "</\(name)>"
    }

    mutating func element(_ name: String, _ attributes: Attributes = [:], _ content: (inout Markup) -> Void) {
        tag(name, attributes)
        text += ">"
        content(&self)
        text += "</\(name)>"
    }

    /// Writes escaped text.
    mutating func add(_ content: String) { text += Markup.escaped(content) }

    /// Writes markup as it is.
    mutating func add(markup: String) { text += markup }

    /// Writes a start tag without its end. Attributes with an empty value are omitted.
    private mutating func tag(_ name: String, _ attributes: Attributes) {
        text += "<"
        text += name
        for (key, value) in attributes where !value.isEmpty {
            text += " "
            text += key
            text += "=\""
            text += Markup.escaped(value)
            text += "\""
        }
    }

    /// Escapes text for use between tags and in quotes. U+FFFD replaces characters that XML does not allow, such as
    /// most control characters.
    static func escaped(_ text: String) -> String {
        let needsNoEscape = text.utf8.allSatisfy { byte in
            byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "&") && byte != UInt8(ascii: "<")
                && byte != UInt8(ascii: ">")
                && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "'")
        }
        if needsNoEscape { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\n", "\t": result.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value & 0xFFFE == 0xFFFE:
                result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A coordinate rounded to a tenth of a unit, which no screen resolves.
    static func coordinate(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        let tenths = Int((max(-1e7, min(1e7, value)) * 10).rounded())
        let (whole, rest) = (abs(tenths) / 10, abs(tenths) % 10)
        return (tenths < 0 ? "-" : "") + (rest == 0 ? String(whole) : "\(whole).\(rest)")
    }
}
