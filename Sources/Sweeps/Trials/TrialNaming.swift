/// How trials are called: readable, safe as a folder's name, each its own.
package struct TrialNaming {
    /// The names of the varied keys: the last word of each, with as many of the blocks before it as tell it from the others.
    package let keys: [String]
    private let digits: Int

    /// File systems take 255 bytes; checkpoints and terminals want less.
    private static let longest = 120

    package init(keys: [String], count: Int) {
        self.keys = Self.shortened(keys)
        digits = max(3, String(count).count)
    }

    /// That of the trial `number`, whose number makes it unique.
    package func name(_ number: Int, _ values: [SweepValue]) -> String {
        let start = number.padded(to: digits)
        let parts = zip(keys, values).map { "_" + Self.safe($0) + "=" + Self.safe($1.description) }
        return String((start + parts.joined()).prefix(Self.longest))
    }

    package static func shortened(_ keys: [String]) -> [String] {
        keys.map { key in
            let words = key.split(separator: ".")
            let own = (1...words.count).first { count in
                let end = words.suffix(count)
                return !keys.contains { $0 != key && $0.split(separator: ".").suffix(count) == end }
            }
            return words.suffix(own ?? words.count).joined(separator: ".")
        }
    }

    /// Letters, digits and a few signs that mean nothing to shells; a dash for any run of others.
    private static func safe(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            let isSafe = (48...57).contains(byte) || (65...90).contains(byte & ~32) || "._+-".utf8.contains(byte)
            if isSafe { result.unicodeScalars.append(UnicodeScalar(byte)) } else if result.last != "-" { result += "-" }
        }
        while result.hasPrefix("-"), result.count > 1, result.dropFirst().first?.isNumber != true {
            result.removeFirst()
        }
        while result.hasSuffix("-") { result.removeLast() }
        return result.isEmpty ? "-" : result
    }
}

extension Int {
    /// With zeros before it.
    package func padded(to digits: Int) -> String {
        let text = String(self)
        return String(repeating: "0", count: Swift.max(0, digits - text.count)) + text
    }
}
