import CSentencePiece
import CoupletFiles
import CoupletText
import Glibc

/// The pieces of a SentencePiece model (Kudo & Richardson, *SentencePiece: A simple and language independent subword
/// tokenizer and detokenizer*, EMNLP 2018), by its library. Piece p has the id p + 1, because 0 is padding, so V is one
/// more than the number of pieces. The model normalises the text by its own rules.
public struct SentencePieceTokenizer: Tokenizer {
    public static let name = TokenizerKind.sentencepiece.rawValue

    private let processor: SentencePieceProcessor
    private let model: [UInt8]

    /// - Parameter model: a model as `spm_train` writes it.
    /// - Throws: `TokenizerError` if the library refuses it.
    public init(model: [UInt8]) throws {
        processor = try SentencePieceProcessor(model)
        self.model = model
        guard vocabulary <= TokenizerKind.largestVocabulary else {
            throw TokenizerError(
                "the model has \(vocabulary - 1) pieces", remedy: "train one with fewer (spm_train --vocab_size)")
        }
    }

    public var vocabulary: Int { processor.pieceCount + 1 }
    public var settings: [(String, JSONValue)] { [] }
    public var content: [UInt8]? { model }
    public var library: String? { Self.libraryVersion }

    public init(vocabulary: Int, settings: JSONValue, content: [UInt8]?) throws {
        guard let content else { throw TokenizerError("the model of sentencepiece is missing") }
        try self.init(model: content)
        guard vocabulary == self.vocabulary else {
            throw TokenizerError(
                "the model of sentencepiece has \(processor.pieceCount) pieces, but a vocabulary of \(vocabulary) ids "
                    + "has \(vocabulary - 1)")
        }
    }

    public func tokens(of text: String) throws -> TokenizedText {
        let pieces = try processor.encode(text), unknown = processor.unknown
        return TokenizedText(ids: pieces.map { $0 + 1 }, unknown: pieces.count { $0 == unknown })
    }

    /// The pieces one after another; the sign "▁" at the beginning of a word becomes a space.
    public func text(of ids: [Int32]) -> String? {
        let text = ids.map { processor.piece($0 - 1) }.joined().replacing("\u{2581}", with: " ")
        return String(text.drop { $0 == " " })
    }

    /// "sentencepiece 0.1.97"; without the version if the library does not tell it.
    ///
    /// Its interface has no version. The library's file holds it once, as a string of its own.
    static let libraryVersion: String = {
        guard let path = couplet_sentencepiece_library_file(),
            let bytes = try? FileSystem.contents(of: String(cString: path))
        else { return name }
        let versions = bytes.split(separator: 0).filter { text in
            let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            return text.count <= 12 && parts.count == 3
                && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { (48...57).contains($0) } }
        }
        return versions.count == 1 ? "\(name) \(String(decoding: versions[0], as: UTF8.self))" : name
    }()
}

/// Owns a loaded model. The library encodes in any number of threads at once.
private final class SentencePieceProcessor: @unchecked Sendable {
    private let handle: OpaquePointer
    let pieceCount: Int
    /// The id of what is no piece; -1 if the model has none.
    let unknown: Int32

    init(_ model: [UInt8]) throws {
        var reason = [CChar](repeating: 0, count: 1_024)
        guard let handle = couplet_sentencepiece_load(model, model.count, &reason, reason.count) else {
            throw TokenizerError(
                "it is no model of sentencepiece: \(Self.text(reason))",
                remedy: "name a file PREFIX.model that spm_train has written")
        }
        self.handle = handle
        pieceCount = Int(couplet_sentencepiece_piece_count(handle))
        unknown = couplet_sentencepiece_unknown(handle)
    }

    deinit { couplet_sentencepiece_free(handle) }

    /// The text of a piece; "…" if there is no such piece.
    func piece(_ id: Int32) -> String {
        couplet_sentencepiece_piece(handle, id).map { String(cString: $0) } ?? "…"
    }

    func encode(_ text: String) throws -> [Int32] {
        var ids: UnsafeMutablePointer<Int32>?, reason = [CChar](repeating: 0, count: 1_024)
        defer { free(ids) }
        var text = text
        let count = text.withUTF8 { utf8 in
            utf8.withMemoryRebound(to: CChar.self) {
                couplet_sentencepiece_encode(handle, $0.baseAddress, $0.count, &ids, &reason, reason.count)
            }
        }
        guard count >= 0 else { throw DataError(at: "sentencepiece", reason: Self.text(reason)) }
        return Array(UnsafeBufferPointer(start: ids, count: Int(count)))
    }

    private static func text(_ reason: [CChar]) -> String {
        String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
