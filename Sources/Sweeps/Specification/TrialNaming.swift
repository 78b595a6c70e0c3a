import CoupletSchema
import CoupletTraining

/// The names of trials: readable, valid as folder names and unique.
package struct TrialNaming {
    /// Short names of the varied keys, as `shortened` gives them.
    package let keys: [String]
    private let digits: Int

    /// Longest name, in bytes. File systems allow 255; names of checkpoints and lines of terminals need some of them.
    private static let maximumLength = 120

    package init(keys: [String], count: Int) {
        self.keys = Self.shortened(keys)
        digits = max(3, String(count).count)
    }

    /// The name of a trial, such as `003_learning_rate=0.01_seed=2`. The number makes it unique.
    /// A key that does not apply to the trial is left out.
    package func name(_ number: Int, _ values: [SweepValue?]) -> String {
        let start = number.padded(to: digits)
        let parts = zip(keys, values).compactMap { key, value in
            value.map { "_" + Self.safe(key) + "=" + Self.safe($0.label) }
        }
        return String((start + parts.joined()).prefix(Self.maximumLength))
    }

    /// Shortens each key to its last words, as many as distinguish it from all keys that a config can have:
    /// `optimizer.learning_rate` becomes `learning_rate`, and `objective.temperature.initial` becomes
    /// `temperature.initial`, because a bias has an `initial`, too.
    package static func shortened(_ keys: [String]) -> [String] {
        let all = Set(keys + Configuration.keys().map(\.path)).map { $0.split(separator: ".") }
        return keys.map { key in
            let words = key.split(separator: ".")
            let wordCount = (1...words.count).first { count in
                let end = words.suffix(count)
                return !all.contains { $0 != words && $0.suffix(count) == end }
            }
            return words.suffix(wordCount ?? words.count).joined(separator: ".")
        }
    }

    /// Keeps letters, digits and a few signs without a meaning to shells. A dash replaces any run of other characters.
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
    /// The number with leading zeros.
    fileprivate func padded(to digits: Int) -> String {
        let text = String(self)
        return String(repeating: "0", count: Swift.max(0, digits - text.count)) + text
    }
}
