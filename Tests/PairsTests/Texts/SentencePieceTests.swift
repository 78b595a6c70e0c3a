import CoupletPairs
import Foundation
import TestSupport
import Testing

/// SentencePiece's own programs are the truth: a model of `spm_train`, and the ids of `spm_encode`.
@Suite struct SentencePieceTests {
    private static let hasPrograms: Bool = {
        let isThere = (try? CompletedProcess(["spm_train", "--version"]).exitCode) == 0
        if !isThere { print("There is no spm_train in PATH: what it would confirm is not tested.") }
        return isThere
    }()

    private static let sentences: [String] = (0..<400).map { number in
        let words = [
            "the", "cat", "sat", "on", "a", "red", "mat", "\u{e9}t\u{e9}", "\u{65e5}\u{672c}", "smiling", "face",
        ]
        return (0..<6).map { words[(number * 7 + $0 * $0 * 3 + number / 11) % words.count] }.joined(separator: " ")
    }

    private static func model(_ type: String, in folder: TemporaryFolder) throws -> [UInt8] {
        let corpus = try folder.write("corpus.txt", sentences.joined(separator: "\n") + "\n")
        let training = try CompletedProcess([
            "spm_train", "--input=\(corpus)", "--model_prefix=\(folder.file("m"))", "--vocab_size=60",
            "--model_type=\(type)", "--hard_vocab_limit=false", "--num_threads=1", "--minloglevel=2",
        ])
        #expect(training.exitCode == 0, "\(training.errors)")
        return Array(try Data(contentsOf: URL(fileURLWithPath: folder.file("m.model"))))
    }

    @Test(.enabled(if: hasPrograms), arguments: ["unigram", "bpe", "char"])
    func idsAreThoseOfTheProgram(type: String) throws {
        let folder = TemporaryFolder(), tokenizer = try SentencePieceTokenizer(model: Self.model(type, in: folder))
        // The program reads a text a line.
        let texts = (HardTexts.all + Self.sentences.prefix(20)).filter { text in
            !text.utf8.contains { $0 == 0 || $0 == 10 || $0 == 13 } && text.utf8.count < 2_000
        }
        let input = try folder.write("input.txt", texts.joined(separator: "\n") + "\n")
        let encoding = try CompletedProcess([
            "spm_encode", "--model=\(folder.file("m.model"))", "--output_format=id", "--input=\(input)",
        ])
        #expect(encoding.exitCode == 0, "\(encoding.errors)")
        let lines = encoding.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        #expect(lines.count == texts.count)
        var unknown = 0
        for (line, text) in zip(lines, texts) {
            let found = try tokenizer.tokens(of: text)
            #expect(found.ids.map { $0 - 1 } == line.split(separator: " ").map { Int32($0)! }, "\(text)")
            unknown += found.unknown
            #expect(found.ids.allSatisfy { $0 >= 1 && $0 < Int32(tokenizer.vocabulary) })
        }
        #expect(unknown > 0)
        for text in Self.sentences.prefix(20) {
            #expect(tokenizer.text(of: try tokenizer.tokens(of: text).ids) == text)
        }
        #expect(tokenizer.text(of: [Int32(tokenizer.vocabulary) + 5]) == "…")
        // A stored model gives the same ids.
        let preparation = SamplePreparation.text(try TextPreparation(tokenizer, positions: 8))
        let read = try SamplePreparation(json: preparation.json, content: preparation.content)
        #expect(try read.text!.rows(texts).ids == preparation.text!.rows(texts).ids)
        #expect(preparation.json.contains("\"library\": \"sentencepiece 0."), "\(preparation.json)")
        let fewer = preparation.json.replacingOccurrences(of: "\"vocabulary\": ", with: "\"vocabulary\": 1")
        #expect(throws: TokenizerError.self) { try SamplePreparation(json: fewer, content: preparation.content) }
        #expect(throws: TokenizerError.self) { try SamplePreparation(json: preparation.json, content: nil) }
    }

    @Test(.enabled(if: hasPrograms)) func threadsShareAModel() async throws {
        let tokenizer = try SentencePieceTokenizer(model: Self.model("unigram", in: TemporaryFolder()))
        let expected = try Self.sentences.map { try tokenizer.tokens(of: $0).ids }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
                group.addTask { try Self.sentences.map { try tokenizer.tokens(of: $0).ids } == expected }
            }
            for try await isSame in group { #expect(isSame) }
        }
    }

    /// Bytes that are no model are an error and no crash.
    @Test func wrongModelsAreRefused() throws {
        for bytes in [[], [0], Array("no model".utf8), [UInt8](repeating: 0xff, count: 5_000)] as [[UInt8]] {
            #expect(throws: TokenizerError.self) { try SentencePieceTokenizer(model: bytes) }
        }
        guard Self.hasPrograms else { return }
        let model = try Self.model("unigram", in: TemporaryFolder())
        #expect(throws: TokenizerError.self) { try SentencePieceTokenizer(model: Array(model.prefix(model.count / 2))) }
    }
}
