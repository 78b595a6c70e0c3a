/// How much room a text takes, without asking a font: an upper estimate for the sans-serif faces of common systems.
package enum TextWidth {
    /// In units of the drawing.
    package static func of(_ text: String, size: Double) -> Double {
        text.unicodeScalars.reduce(0) { $0 + share(of: $1) } * size
    }

    /// The text, cut in its middle where it is longer than that: the ends of paths and keys tell most.
    static func fitted(_ text: String, size: Double, within width: Double) -> String {
        if of(text, size: size) <= width { return text }
        let letters = Array(text)
        var kept = letters.count - 1
        while kept > 2 {
            let head = (kept + 1) / 2
            let shorter = String(letters.prefix(head)) + "…" + String(letters.suffix(kept - head))
            if of(shorter, size: size) <= width { return shorter }
            kept -= 1
        }
        return String(letters.prefix(2)) + "…"
    }

    private static func share(of scalar: Unicode.Scalar) -> Double {
        switch scalar {
        case "i", "l", "j", "I", ".", ",", ":", ";", "'", "|", "!", " ", "(", ")", "[", "]": 0.34
        case "f", "t", "r", "-", "/", "\"": 0.4
        case "m", "w", "M", "W", "@", "%", "—", "…": 0.92
        case "A"..."Z", "−", "+", "=", "×", "<", ">": 0.69
        case "0"..."9": 0.6
        case _ where scalar.value >= 0x2E80: 1.05
        default: 0.58
        }
    }
}
