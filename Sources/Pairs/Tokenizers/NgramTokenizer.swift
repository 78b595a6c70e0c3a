import CoupletText

/// The character n-grams of a text, for n = 1 … 5, each as an id that a hash chooses. An n-gram that occurs twice gives
/// its id twice. This is for an encoder that adds or averages vectors (`embedding_bag`).
///
/// The text is folded (`TextFolding`) and divided at white space. A space stands at both ends of each word, so that
/// " cat " has " c", "cat " and " cat " among its n-grams; the lone space is none. A character is a Unicode scalar. The
/// ids come word by word, by the position of the first character, and then by n.
///
/// The id of an n-gram is 1 + ⌊h (V - 1) / 2⁶⁴⌋. To get h, the UTF-8 of the n-gram is hashed by FNV-1a with 64 bits,
/// and the last three steps of SplitMix64 mix the bits of the hash. So no n-gram is unknown, and two n-grams may share
/// an id.
public struct NgramTokenizer: Tokenizer, Equatable {
    public static let name = TokenizerKind.ngrams.rawValue
    /// The number of ids, if the user says nothing.
    public static let usualVocabulary = 1 << 16
    /// The lengths n, in characters.
    public static let lengths = 1...5
    /// The version of the hash, which is stored with each tokenizer.
    private static let hashVersion = 1

    public let vocabulary: Int

    /// - Parameter vocabulary: V, the number of ids.
    /// - Throws: `TokenizerError`.
    public init(vocabulary: Int = Self.usualVocabulary) throws {
        guard (2...TokenizerKind.largestVocabulary).contains(vocabulary) else {
            throw TokenizerError(
                "a vocabulary of \(vocabulary) ids", remedy: "wanted 2 to \(TokenizerKind.largestVocabulary)")
        }
        self.vocabulary = vocabulary
    }

    public var settings: [(String, JSONValue)] {
        [
            ("smallest", .integer(Self.lengths.lowerBound)), ("largest", .integer(Self.lengths.upperBound)),
            ("folding", .integer(TextFolding.version)), ("hash", .integer(Self.hashVersion)),
        ]
    }

    public init(vocabulary: Int, settings: JSONValue, content: [UInt8]?) throws {
        try TextFolding.require(settings["folding"]?.integer)
        guard settings["smallest"]?.integer == Self.lengths.lowerBound,
            settings["largest"]?.integer == Self.lengths.upperBound, settings["hash"]?.integer == Self.hashVersion
        else {
            throw TokenizerError(
                "its n-grams have other lengths or another hash than those of this program",
                remedy: "use the release of Couplet that wrote it")
        }
        try self.init(vocabulary: vocabulary)
    }

    public func tokens(of text: String) -> TokenizedText {
        var result = TokenizedText(ids: [])
        for word in TextFolding.words(of: text) {
            // The UTF-8 of " word ", and where each character ends.
            var bytes: [UInt8] = [UInt8(ascii: " ")], ends = [1]
            for scalar in word {
                bytes += UTF8.encode(scalar)!
                ends.append(bytes.count)
            }
            bytes.append(UInt8(ascii: " "))
            ends.append(bytes.count)
            for first in ends.indices {
                var hash = Self.basis, position = first == 0 ? 0 : ends[first - 1]
                for last in first..<min(first + Self.lengths.upperBound, ends.count) {
                    while position < ends[last] {
                        hash = (hash ^ UInt64(bytes[position])) &* Self.prime
                        position += 1
                    }
                    let isLoneSpace = first == last && (first == 0 || first == ends.count - 1)
                    if !isLoneSpace { result.ids.append(id(of: hash)) }
                }
            }
        }
        return result
    }

    /// The offset basis and the prime of FNV-1a with 64 bits (http://www.isthe.com/chongo/tech/comp/fnv).
    private static let basis: UInt64 = 0xcbf2_9ce4_8422_2325, prime: UInt64 = 0x100_0000_01b3

    private func id(of hash: UInt64) -> Int32 {
        var mixed = hash
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        mixed ^= mixed >> 31
        return Int32(mixed.multipliedFullWidth(by: UInt64(vocabulary - 1)).high) + 1
    }
}
