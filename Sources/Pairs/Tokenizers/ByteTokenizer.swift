import CoupletText

/// The bytes of a text in UTF-8, unchanged: byte b has the id b + 1. V = 257, and nothing is unknown.
public struct ByteTokenizer: Tokenizer, Equatable {
    public static let name = TokenizerKind.bytes.rawValue
    public let vocabulary = 257

    public init() {}

    public var settings: [(String, JSONValue)] { [] }

    public func tokens(of text: String) -> TokenizedText { TokenizedText(ids: text.utf8.map { Int32($0) + 1 }) }

    /// The bytes as UTF-8; what is no UTF-8 becomes U+FFFD.
    public func text(of ids: [Int32]) -> String? {
        String(decoding: ids.map { UInt8(truncatingIfNeeded: $0 - 1) }, as: UTF8.self)
    }

    public init(vocabulary: Int, settings: JSONValue, content: [UInt8]?) throws {
        self.init()
        guard vocabulary == self.vocabulary else {
            throw TokenizerError("the tokenizer bytes has \(self.vocabulary) ids, and not \(vocabulary)")
        }
    }
}
