@_spi(_Unicode) import Swift

/// The texts that `words` and `ngrams` take for equal: case, composition and spaces do not matter.
///
/// Version 1 of the rules, in this order:
/// 1. Normalization form C (Unicode Standard Annex 15).
/// 2. Each scalar becomes its full uppercase mapping, and each scalar of that its full lowercase mapping: Σ, σ and ς
///    become σ, and ß becomes ss.
/// 3. Normalization form C again.
/// 4. A run of white space becomes one space; none is left at the ends.
///
/// Form C and the mappings are those of Swift's standard library, not of the system. A newer release of Unicode changes
/// them for characters only that have none in the older one.
enum TextFolding {
    /// The version of the rules, which is stored with each tokenizer.
    static let version = 1

    /// The folded text as words without white space, each of at least one scalar.
    static func words(of text: String) -> [[Unicode.Scalar]] {
        var words: [[Unicode.Scalar]] = [], word: [Unicode.Scalar] = []
        func finish() {
            if !word.isEmpty { words.append(word) }
            word = []
        }
        for scalar in folded(text) {
            if isSpace(scalar) { finish() } else { word.append(scalar) }
        }
        finish()
        return words
    }

    /// The text after steps 1 to 3.
    private static func folded(_ text: String) -> [Unicode.Scalar] {
        if text.utf8.allSatisfy({ $0 < 0x80 }) {
            return text.utf8.map { byte in
                Unicode.Scalar(byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte + 32 : byte)
            }
        }
        var folded = String.UnicodeScalarView()
        for scalar in text._nfc {
            for upper in scalar.properties.uppercaseMapping.unicodeScalars {
                folded.append(contentsOf: upper.properties.lowercaseMapping.unicodeScalars)
            }
        }
        return Array(String(folded)._nfc)
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x80 ? scalar == " " || (0x09...0x0D).contains(scalar.value) : scalar.properties.isWhitespace
    }

    /// - Throws: `TokenizerError` if a stored tokenizer has rules that this program does not know.
    static func require(_ stored: Int?) throws {
        guard stored == version else {
            throw TokenizerError(
                "the text is folded by version \(stored.map(String.init) ?? "null") of the rules, and this program has "
                    + "version \(version)",
                remedy: "use the release of Couplet that wrote it")
        }
    }
}
