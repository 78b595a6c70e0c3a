/// XML being written: elements and escaped text, one after the other. The page is written as XML too, so that one strict parser can
/// check all of it.
struct Markup {
    private(set) var text = ""

    typealias Attributes = KeyValuePairs<String, String>

    /// An element without content.
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

    /// Text, escaped.
    mutating func add(_ content: String) { text += Markup.escaped(content) }

    /// What is markup already.
    mutating func add(markup: String) { text += markup }

    /// An attribute with an empty value is left out.
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

    /// Text as it may stand between tags and within quotes. What XML has no way to write (most control characters) becomes U+FFFD.
    static func escaped(_ text: String) -> String {
        let needsNone = text.utf8.allSatisfy { byte in
            byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "&") && byte != UInt8(ascii: "<")
                && byte != UInt8(ascii: ">")
                && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "'")
        }
        if needsNone { return text }
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

    /// A coordinate to a tenth of a unit: finer than an eye or a screen, and short.
    static func coordinate(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        let tenths = Int((max(-1e7, min(1e7, value)) * 10).rounded())
        let (whole, rest) = (abs(tenths) / 10, abs(tenths) % 10)
        return (tenths < 0 ? "-" : "") + (rest == 0 ? String(whole) : "\(whole).\(rest)")
    }
}
