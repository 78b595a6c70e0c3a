import CoupletText

/// A rule that turns a text into token ids.
///
/// The ids are 1 … vocabulary - 1; id 0 is the padding at the end of a row (`TextPreparation`). The ids of a text
/// depend on the text and on the tokenizer's settings and content only.
///
/// A tokenizer is stored with a set of pairs and in the checkpoints of a run: `settings` as members of a JSON object
/// (`SamplePreparation.json`), and `content` as bytes.
public protocol Tokenizer: Sendable {
    /// The name of the kind: "words".
    static var name: String { get }
    /// V: one more than the largest id.
    var vocabulary: Int { get }
    /// What determines the ids, besides `content` and `vocabulary`.
    var settings: [(String, JSONValue)] { get }
    /// What is too large for the settings: a list of words, a model. Nil if the settings are all.
    var content: [UInt8]? { get }
    /// The library that computes the ids, with its version: "sentencepiece 0.1.97"; nil if they are computed here.
    var library: String? { get }

    /// Returns the ids of a text, in the order of the text.
    /// - Throws: `DataError` if the library refuses the text.
    func tokens(of text: String) throws -> TokenizedText

    /// Returns about the text that has these ids, to show it: as far as the ids tell it. Nil, the default, if they tell
    /// none, such as hashes.
    func text(of ids: [Int32]) -> String?

    /// Reads a stored tokenizer.
    /// - Parameters:
    ///   - vocabulary: V.
    ///   - settings: a JSON object with the members of `settings`.
    ///   - content: as `content`.
    /// - Throws: `TokenizerError`.
    init(vocabulary: Int, settings: JSONValue, content: [UInt8]?) throws
}

extension Tokenizer {
    public var content: [UInt8]? { nil }
    public var library: String? { nil }
    public func text(of ids: [Int32]) -> String? { nil }
}

/// The ids of a text.
public struct TokenizedText: Equatable, Sendable {
    public var ids: [Int32]
    /// Number of those ids that stand for something that the tokenizer does not know.
    public var unknown: Int

    public init(ids: [Int32], unknown: Int = 0) {
        self.ids = ids
        self.unknown = unknown
    }
}

/// Why a tokenizer cannot be made.
public struct TokenizerError: Error, Equatable, CustomStringConvertible, Sendable {
    public let reason: String
    public let remedy: String

    public init(_ reason: String, remedy: String = "") {
        self.reason = reason
        self.remedy = remedy
    }

    public var description: String { reason + (remedy.isEmpty ? "" : "; \(remedy)") }
}

/// Couplet's tokenizers.
public enum TokenizerKind: String, CaseIterable, Sendable {
    case words, bytes, sentencepiece, ngrams

    var type: any Tokenizer.Type {
        switch self {
        case .words: WordTokenizer.self
        case .bytes: ByteTokenizer.self
        case .sentencepiece: SentencePieceTokenizer.self
        case .ngrams: NgramTokenizer.self
        }
    }

    /// The largest number of ids: they travel as Float32, which has every integer up to 2²⁴.
    public static let largestVocabulary = 1 << 24
}

/// How a set gets its tokenizer: a kind, and the choices that the user made.
public struct TokenizerChoice: Equatable, Sendable {
    public var kind: TokenizerKind
    /// `words`: the most ids; `ngrams`: the number of ids. Nil for the usual number of the kind.
    public var vocabulary: Int?
    /// `words`: how often a word must occur.
    public var minimumCount: Int
    /// `sentencepiece`: the model, as `spm_train` writes it.
    public var model: [UInt8]?
    /// Length of a row; nil for the longest text, but at most `longestUsual`.
    public var positions: Int?

    /// Longer texts are cut unless the user asks for more positions.
    public static let longestUsual = 1_024
    /// The largest length of a row.
    public static let largestPositions = 1 << 20

    public init(
        _ kind: TokenizerKind, vocabulary: Int? = nil, minimumCount: Int = 1, model: [UInt8]? = nil,
        positions: Int? = nil
    ) {
        self.kind = kind
        self.vocabulary = vocabulary
        self.minimumCount = minimumCount
        self.model = model
        self.positions = positions
    }

    /// Makes the tokenizer, and chooses the length of a row.
    /// - Parameter texts: the texts of the set, in any order: those that determine a vocabulary and the length.
    /// - Throws: `TokenizerError` if a choice is not possible; `DataError` if a library refuses a text.
    public func preparation(of texts: [String]) throws -> TextPreparation {
        let tokenizer = try tokenizer(of: texts)
        if let positions { return try TextPreparation(tokenizer, positions: positions) }
        let longest = try texts.reduce(1) { max($0, try tokenizer.tokens(of: $1).ids.count) }
        return try TextPreparation(tokenizer, positions: min(longest, Self.longestUsual))
    }

    private func tokenizer(of texts: [String]) throws -> any Tokenizer {
        func refuse(_ option: String) -> TokenizerError {
            TokenizerError("the tokenizer \(kind.rawValue) takes no \(option)", remedy: "leave it out")
        }
        if model != nil, kind != .sentencepiece { throw refuse("model") }
        if vocabulary != nil, kind == .bytes || kind == .sentencepiece { throw refuse("size of a vocabulary") }
        switch kind {
        case .words:
            return try WordTokenizer(
                of: texts, largestVocabulary: vocabulary ?? WordTokenizer.usualVocabulary, minimumCount: minimumCount)
        case .bytes: return ByteTokenizer()
        case .ngrams: return try NgramTokenizer(vocabulary: vocabulary ?? NgramTokenizer.usualVocabulary)
        case .sentencepiece:
            guard let model else {
                throw TokenizerError(
                    "the tokenizer sentencepiece needs a model", remedy: "name a file that spm_train has written")
            }
            return try SentencePieceTokenizer(model: model)
        }
    }
}
