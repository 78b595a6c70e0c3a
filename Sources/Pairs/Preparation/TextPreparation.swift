import CoupletTensors
import CoupletText

/// How texts become rows: a tokenizer, and the number of positions of a row. A longer text is cut at its end, and a
/// shorter one is filled up with 0.
public struct TextPreparation: Sendable {
    public let tokenizer: any Tokenizer
    /// Number of ids of a row.
    public let positions: Int
    /// The library that computed the ids of the set, with its version; nil if no library did.
    public let library: String?

    /// - Throws: `TokenizerError` if the number of positions is not possible.
    public init(_ tokenizer: any Tokenizer, positions: Int) throws {
        try self.init(tokenizer, positions: positions, library: tokenizer.library)
    }

    private init(_ tokenizer: any Tokenizer, positions: Int, library: String?) throws {
        guard (1...TokenizerChoice.largestPositions).contains(positions) else {
            throw TokenizerError(
                "rows of \(positions) positions", remedy: "wanted 1 to \(TokenizerChoice.largestPositions)")
        }
        self.tokenizer = tokenizer
        self.positions = positions
        self.library = library
    }

    /// The name of the tokenizer's kind: "words".
    public var tokenizerName: String { type(of: tokenizer).name }

    /// Number of ids, with that of padding: the `vocabulary` of the encoder.
    public var vocabulary: Int { tokenizer.vocabulary }

    /// Writes the ids of a text into a row of `positions` numbers.
    /// - Returns: the tokens before they were cut.
    /// - Throws: `DataError` if the library refuses the text.
    @discardableResult
    public func fill<Number: BinaryInteger>(
        _ row: inout some MutableCollection<Number>, with text: String
    ) throws -> TokenizedText {
        let tokens = try tokenizer.tokens(of: text)
        var ids = tokens.ids.makeIterator()
        var index = row.startIndex
        while index != row.endIndex {
            row[index] = Number(ids.next() ?? 0)
            row.formIndex(after: &index)
        }
        return tokens
    }

    /// The ids of texts, texts × positions, row-major.
    /// - Throws: as `fill`.
    public func rows(_ texts: [String]) throws -> (ids: [Int32], counts: TokenizationCounts) {
        var ids = [Int32](repeating: 0, count: texts.count * positions), counts = TokenizationCounts()
        for (number, text) in texts.enumerated() {
            counts.add(try fill(&ids[number * positions..<(number + 1) * positions], with: text), positions: positions)
        }
        return (ids, counts)
    }

    /// The ids of texts as an encoder takes them, texts × positions.
    /// - Throws: as `fill`.
    public func tensor(_ texts: [String]) throws -> (ids: Tensor, counts: TokenizationCounts) {
        let (ids, counts) = try rows(texts)
        return (Tensor([texts.count, positions], ids.map { Float($0) }), counts)
    }

    /// What determines the ids, apart from the content of the tokenizer.
    var settings: [(String, JSONValue)] {
        [
            ("tokenizer", .string(tokenizerName)), ("positions", .integer(positions)),
            ("vocabulary", .integer(vocabulary)),
        ] + tokenizer.settings
    }

    /// - Parameters:
    ///   - json: an object with the members of `settings`.
    ///   - content: that of the tokenizer.
    /// - Throws: `TokenizerError`.
    init(_ json: JSONValue, content: [UInt8]?) throws {
        guard let name = json["tokenizer"]?.string, let positions = json["positions"]?.integer,
            let vocabulary = json["vocabulary"]?.integer
        else { throw TokenizerError("it names no tokenizer with its positions and its vocabulary") }
        guard let kind = TokenizerKind(rawValue: name) else {
            throw TokenizerError(
                "the tokenizer \(name) is none of \(TokenizerKind.allCases.map(\.rawValue).joined(separator: ", "))",
                remedy: "use the release of Couplet that wrote it")
        }
        try self.init(
            kind.type.init(vocabulary: vocabulary, settings: json, content: content), positions: positions,
            library: json["library"]?.string)
    }
}

/// What happened to texts that were tokenised.
public struct TokenizationCounts: Equatable, Sendable {
    /// Texts.
    public var texts = 0
    /// Ids of all texts, and those of them that stand for something unknown.
    public var tokens = 0, unknown = 0
    /// Texts with something unknown, texts that lost their end, and texts without any id.
    public var textsWithUnknown = 0, cut = 0, empty = 0
    /// The most ids of a text.
    public var longest = 0

    public init() {}

    mutating func add(_ tokens: TokenizedText, positions: Int) {
        texts += 1
        self.tokens += tokens.ids.count
        unknown += tokens.unknown
        if tokens.unknown > 0 { textsWithUnknown += 1 }
        if tokens.ids.count > positions { cut += 1 }
        if tokens.ids.isEmpty { empty += 1 }
        longest = max(longest, tokens.ids.count)
    }

    public static func += (total: inout TokenizationCounts, counts: TokenizationCounts) {
        total.texts += counts.texts
        total.tokens += counts.tokens
        total.unknown += counts.unknown
        total.textsWithUnknown += counts.textsWithUnknown
        total.cut += counts.cut
        total.empty += counts.empty
        total.longest = max(total.longest, counts.longest)
    }

    /// What was lost, one sentence each; empty if nothing was.
    /// - Parameter positions: the length of a row.
    public func warnings(positions: Int) -> [String] {
        func text(_ count: Int) -> String { count == 1 ? "1 text" : "\(count) texts" }
        var warnings: [String] = []
        if unknown > 0 {
            warnings.append(
                "\(unknown) of \(tokens) tokens are not in the vocabulary, in \(text(textsWithUnknown)) of \(texts)")
        }
        if cut > 0 {
            warnings.append(
                "\(text(cut)) of \(texts) \(cut == 1 ? "is" : "are") longer than the \(positions) positions of a row "
                    + "(the longest has \(longest) tokens) and \(cut == 1 ? "was" : "were") cut at the end")
        }
        if empty > 0 {
            warnings.append("\(text(empty)) of \(texts) \(empty == 1 ? "has" : "have") no token")
        }
        return warnings
    }
}
