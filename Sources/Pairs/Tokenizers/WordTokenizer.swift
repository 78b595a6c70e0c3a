import CoupletText

/// The words of a text, by a list of known words.
///
/// The text is folded (`TextFolding`) and divided at white space. A word is a run of letters, combining marks, numbers
/// and apostrophes between letters; each ideograph, and each other visible character (punctuation, a symbol, an emoji
/// with its modifiers), is a word of its own. Invisible format characters are left out, except for joiners in a word.
/// Id 1 is a word that is not in the list, ids 2 … V - 1 are the words of the list in its order.
public struct WordTokenizer: Tokenizer {
    public static let name = TokenizerKind.words.rawValue
    /// The most ids, if the user says nothing: the words beyond it are rare.
    public static let usualVocabulary = 50_000
    /// The id of a word that is not in the list.
    public static let unknownID: Int32 = 1

    /// The known words; word i has the id i + 2.
    public let words: [String]
    private let ids: [String: Int32]

    public var vocabulary: Int { words.count + 2 }

    /// Takes the words that occur in texts: frequent ones first, and equally frequent ones in the order of their UTF-8.
    /// - Parameters:
    ///   - largestVocabulary: the most ids, with that of padding and that of unknown words.
    ///   - minimumCount: how often a word must occur.
    /// - Throws: `TokenizerError` if a number is not possible, or if no word is left.
    public init(
        of texts: some Sequence<String>, largestVocabulary: Int = Self.usualVocabulary, minimumCount: Int = 1
    ) throws {
        guard (3...TokenizerKind.largestVocabulary).contains(largestVocabulary) else {
            throw TokenizerError(
                "a vocabulary of \(largestVocabulary) ids",
                remedy: "wanted 3 to \(TokenizerKind.largestVocabulary): padding, unknown words, and words")
        }
        guard minimumCount >= 1 else {
            throw TokenizerError("words that occur \(minimumCount) times", remedy: "wanted a count of at least 1")
        }
        var counts: [String: Int] = [:]
        for text in texts {
            for word in Self.words(of: text) { counts[word, default: 0] += 1 }
        }
        let frequent = counts.filter { $0.value >= minimumCount }.sorted {
            $0.value != $1.value ? $0.value > $1.value : $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
        }
        guard !frequent.isEmpty else {
            throw TokenizerError(
                counts.isEmpty ? "the texts hold no word" : "no word occurs \(minimumCount) times",
                remedy: counts.isEmpty ? "choose another tokenizer, such as bytes" : "lower that count")
        }
        self.init(known: frequent.prefix(largestVocabulary - 2).map(\.key))
    }

    private init(known words: [String]) {
        self.words = words
        ids = Dictionary(words.enumerated().map { ($1, Int32($0) + 2) }) { first, _ in first }
    }

    public var settings: [(String, JSONValue)] { [("folding", .integer(TextFolding.version))] }

    /// The words in UTF-8, one a line.
    public var content: [UInt8]? { Array(words.joined(separator: "\n").utf8) }

    public init(vocabulary: Int, settings: JSONValue, content: [UInt8]?) throws {
        try TextFolding.require(settings["folding"]?.integer)
        guard let text = content.flatMap({ String(validating: $0, as: UTF8.self) }) else {
            throw TokenizerError("the list of words is missing, or is no UTF-8")
        }
        // A line feed is white space, so no word holds one. Swift's `Character` would join it with a mark after it.
        let words = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String($0)! }
        guard words.count == vocabulary - 2, Set(words).count == words.count, !words.contains("") else {
            throw TokenizerError(
                "the list has \(Set(words).count) words, but a vocabulary of \(vocabulary) ids has \(vocabulary - 2)")
        }
        self.init(known: words)
    }

    public func tokens(of text: String) -> TokenizedText {
        var result = TokenizedText(ids: [])
        for word in Self.words(of: text) {
            let id = ids[word] ?? Self.unknownID
            if id == Self.unknownID { result.unknown += 1 }
            result.ids.append(id)
        }
        return result
    }

    /// The words with spaces between them, and "…" for each that is not in the list.
    public func text(of ids: [Int32]) -> String? {
        ids.map { id in words.indices.contains(Int(id) - 2) ? words[Int(id) - 2] : "…" }.joined(separator: " ")
    }

    /// The words of a text, folded.
    public static func words(of text: String) -> [String] {
        var result: [String] = []
        for run in TextFolding.words(of: text) {
            var word = String.UnicodeScalarView()
            func finish() {
                if !word.isEmpty { result.append(String(word)) }
                word = String.UnicodeScalarView()
            }
            var position = 0
            while position < run.count {
                let scalar = run[position], next = position + 1 < run.count ? run[position + 1] : nil
                if isApostrophe(scalar), let last = word.last, isLetter(last), let next, isLetter(next) {
                    word.append("'")
                    position += 1
                } else if isWordScalar(scalar) || isJoiner(scalar) && !word.isEmpty {
                    word.append(scalar)
                    position += 1
                } else if scalar.properties.generalCategory == .format {
                    position += 1
                } else {
                    finish()
                    // The symbol with what follows it in its character: modifiers, joiners, marks.
                    var rest = String.UnicodeScalarView()
                    rest.append(contentsOf: run[position..<min(position + longestCharacter, run.count)])
                    let character = String(rest).first!
                    result.append(String(character))
                    position += character.unicodeScalars.count
                }
            }
            finish()
        }
        return result
    }

    /// A character with more scalars is divided.
    private static let longestCharacter = 64

    /// Joiners that shape letters, as in Persian and Hindi.
    private static func isJoiner(_ scalar: Unicode.Scalar) -> Bool { scalar == "\u{200C}" || scalar == "\u{200D}" }

    private static func isApostrophe(_ scalar: Unicode.Scalar) -> Bool { scalar == "'" || scalar == "\u{2019}" }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value < 0x80 { return scalar.properties.isAlphabetic }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
            .spacingMark, .enclosingMark:
            return !scalar.properties.isIdeographic
        default: return false
        }
    }

    private static func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
        if isLetter(scalar) { return true }
        switch scalar.properties.generalCategory {
        case .decimalNumber, .letterNumber, .otherNumber: return !scalar.properties.isIdeographic
        default: return false
        }
    }
}
