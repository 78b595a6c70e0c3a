/// A duration as people write it: 90s, 45m, 3h55m, 1d2h.
package enum DurationText {
    private static let units: [(name: Character, seconds: Int)] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)]
    /// Beyond this many days nobody waits.
    private static let longest = 100_000 * 86_400

    /// The seconds of a text; nil where it is none: whole numbers, each with its unit (d, h, m, s) behind it, the larger units first.
    package static func seconds(_ text: String) -> Int? {
        var rest = text[...], left = units[...], total = 0
        while !rest.isEmpty {
            let digits = rest.prefix { ("0"..."9").contains($0) }
            rest = rest.dropFirst(digits.count)
            guard let number = Int(digits), number <= longest, let name = rest.popFirst(),
                let unit = left.firstIndex(where: { $0.name == name })
            else { return nil }
            total += number * left[unit].seconds
            left = left[(unit + 1)...]
        }
        return text.isEmpty || total > longest ? nil : total
    }

    /// What `seconds` reads back as the same: 3h55m.
    package static func text(_ seconds: Int) -> String {
        var rest = seconds, text = ""
        for unit in units where rest >= unit.seconds {
            text += "\(rest / unit.seconds)\(unit.name)"
            rest %= unit.seconds
        }
        return text.isEmpty ? "0s" : text
    }

    /// The same, of whole seconds, a begun one counted: at least 1s.
    package static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return text(max(1, Int(seconds) + (attoseconds > 0 ? 1 : 0)))
    }
}
