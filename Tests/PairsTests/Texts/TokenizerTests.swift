import CoupletImages
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletText
import Foundation
import TestSupport
import Testing

/// Texts that are hard to divide.
enum HardTexts {
    static let all: [String] = [
        "", " ", "\t\n\u{3000}\u{a0} ", "a", "A cat, a CAT!", "don't o\u{2019}clock 'quoted'",
        "e\u{301}te\u{301} \u{e9}t\u{e9}",
        "Stra\u{df}e STRASSE \u{1e9e}", "\u{3a3}\u{3af}\u{3c3}\u{3c5}\u{3c6}\u{3bf}\u{3c2}",
        "\u{130}stanbul \u{131}l\u{131}k",
        "\u{fb01}sh \u{149}", "q\u{323}\u{307} q\u{307}\u{323}", "\u{1100}\u{1161}\u{11a8} \u{ac01}",
        "\u{5e9}\u{5b8}\u{5c1}\u{5dc}\u{5d5}\u{5b9}\u{5dd} \u{200f}\u{5e2}\u{5d5}\u{5dc}\u{5dd}\u{200e}",
        "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
        "\u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940} \u{915}\u{94d}\u{200d}\u{937}",
        "\u{65e5}\u{672c}\u{8a9e}\u{306e}\u{30c6}\u{30ad}\u{30b9}\u{30c8}\u{3001}\u{6f22}\u{5b57}",
        "\u{e20}\u{e32}\u{e29}\u{e32}\u{e44}\u{e17}\u{e22}",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} family \u{1f44d}\u{1f3fd}\u{1f1e9}\u{1f1ea}"
            + "\u{2764}\u{fe0f}1\u{fe0f}\u{20e3}",
        "\u{0}\u{1}\u{7f}\u{fffd}\u{10ffff}", "x\u{ad}y \u{feff}z", "3.14 \u{bd} \u{2167} 10%",
        "\u{1d400}\u{1d7d8} \u{212b}\u{2126}",
        "z" + String(repeating: "\u{301}", count: 200),
        String(repeating: "lorem ipsum \u{6f22}\u{5b57} ", count: 2_000),
    ]
}

/// The same rules in Python, whose `unicodedata` is another implementation of Unicode.
private enum PythonTwin {
    static let rules = #"""
        import sys, json, unicodedata
        def nfc(s): return unicodedata.normalize("NFC", s)
        def folded(s): return nfc("".join(l.lower() for c in nfc(s) for l in c.upper()))
        def pieces(s): return folded(s).split()
        texts = json.loads(open(sys.argv[1], encoding="utf-8").read())
        def mixed(h):
            h = ((h ^ (h >> 30)) * 0xbf58476d1ce4e5b9) & M
            h = ((h ^ (h >> 27)) * 0x94d049bb133111eb) & M
            return h ^ (h >> 31)
        M = (1 << 64) - 1
        def fnv(data):
            h = 0xcbf29ce484222325
            for byte in data: h = ((h ^ byte) * 0x100000001b3) & M
            return h
        """#

    static func run(_ program: String, _ texts: [String]) throws -> JSONValue {
        let folder = TemporaryFolder()
        let path = try folder.write("texts.json", JSONValue.array(texts.map { .string($0) }).text)
        return try #require(JSONValue(text: try Python.run("\(rules)\n\(program)", path)))
    }
}

@Suite struct TokenizerTests {
    /// What ids tell of their text, to show it.
    @Test func idsAsTexts() throws {
        let words = try WordTokenizer(of: ["The cat, a CAT!"])
        func shown(_ tokenizer: any Tokenizer, _ text: String) throws -> String? {
            tokenizer.text(of: try tokenizer.tokens(of: text).ids)
        }
        #expect(try shown(words, "a cat, the dog") == "a cat , the …")
        #expect(words.text(of: []) == "" && words.text(of: [0, 99]) == "… …")
        for text in HardTexts.all { #expect(try shown(ByteTokenizer(), text) == text) }
        #expect(ByteTokenizer().text(of: [0xC4]) == "\u{FFFD}")
        #expect(try shown(NgramTokenizer(), "a cat") == nil)
    }

    // MARK: - n-grams

    private static func counts(_ ids: [Int32]) -> [String: Int] {
        ids.reduce(into: [:]) { $0["\($1)", default: 0] += 1 }
    }

    @Test(.enabled(if: Python.hasPython)) func ngramsAreThoseOfThePythonTwin() throws {
        let texts = HardTexts.all.filter { $0.utf8.count < 2_000 }, vocabulary = 4_099
        let twin = try PythonTwin.run(
            #"""
            def grams(text, V):
                ids = []
                for piece in pieces(text):
                    word = " " + piece + " "
                    for first in range(len(word)):
                        for n in range(1, 6):
                            gram = word[first:first + n]
                            if len(gram) == n and gram != " ":
                                ids.append(1 + (mixed(fnv(gram.encode("utf-8"))) * (V - 1) >> 64))
                return ids
            print(json.dumps([grams(text, 4099) for text in texts]))
            """#, texts)
        let tokenizer = try NgramTokenizer(vocabulary: vocabulary)
        for (number, text) in texts.enumerated() {
            let found = tokenizer.tokens(of: text)
            let expected = twin["\(number)"].flatMap { value -> [Int]? in
                guard case .array(let ids) = value else { return nil }
                return ids.compactMap(\.integer)
            }
            #expect(found.ids.map { Int($0) } == expected, "\(text.prefix(40))")
            #expect(found.unknown == 0 && found.ids.allSatisfy { $0 >= 1 && $0 < vocabulary })
        }
    }

    @Test func ngramsAreCountedAndFolded() throws {
        let tokenizer = try NgramTokenizer(vocabulary: 1 << 24)
        func ids(_ text: String) -> [Int32] { tokenizer.tokens(of: text).ids }
        // " ab ": a, b; " a", "ab", "b "; " ab", "ab "; " ab ".
        #expect(ids("ab").count == 8 && Set(ids("ab")).count == 8)
        #expect(ids("ab ab") == ids("ab") + ids("ab"))
        #expect(ids("AB") == ids("ab") && ids("e\u{301}") == ids("\u{c9}") && ids(" ab\t\n") == ids("ab"))
        #expect(ids("").isEmpty && ids(" \u{3000}").isEmpty)
        // " abcdefg " has 9 characters: 7 + 8 + 7 + 6 + 5.
        #expect(ids("abcdefg").count == 33)
        // The ids are the same for ever: sets and checkpoints hold them.
        #expect(
            try NgramTokenizer(vocabulary: 65_536).tokens(of: "cat").ids
                == [25629, 46948, 35321, 33974, 31624, 5820, 43973, 17475, 705, 34901, 28469, 46845, 24994])
        let two = try NgramTokenizer(vocabulary: 2)
        #expect(two.tokens(of: "cat").ids == [Int32](repeating: 1, count: 13))
        for wrong in [1, 0, -5, (1 << 24) + 1] {
            #expect(throws: TokenizerError.self) { try NgramTokenizer(vocabulary: wrong) }
        }
    }

    /// The hash spreads words over the ids as a random function does.
    @Test func hashSpreadsNgrams() throws {
        let vocabulary = 1_025, tokenizer = try NgramTokenizer(vocabulary: vocabulary)
        var counts = [Double](repeating: 0, count: vocabulary)
        var seen: Set<String> = []
        for number in 0..<4_000 { seen.insert(String(number * 7919, radix: 36)) }
        var total = 0.0
        for word in seen.sorted() {
            // The whole word alone, with its borders.
            guard word.count == 3, let id = tokenizer.tokens(of: word).ids.dropFirst(4).first else { continue }
            counts[Int(id)] += 1
            total += 1
        }
        let mean = total / Double(vocabulary - 1)
        let chi = counts.dropFirst().reduce(0) { $0 + ($1 - mean) * ($1 - mean) / mean }
        // 1,023 degrees of freedom: mean 1,023, standard deviation 45.
        #expect(counts[0] == 0 && chi < 1_023 + 6 * 45 && total > 0)
    }

    // MARK: - Words

    @Test func wordsAreDividedByHand() {
        let cases: [(String, [String])] = [
            ("", []), ("A cat, a CAT!", ["a", "cat", ",", "a", "cat", "!"]),
            ("don't o\u{2019}clock 'quoted'", ["don't", "o'clock", "'", "quoted", "'"]),
            ("rock-and-roll 3.14", ["rock", "-", "and", "-", "roll", "3", ".", "14"]),
            ("e\u{301}te\u{301} \u{c9}T\u{c9}", ["\u{e9}t\u{e9}", "\u{e9}t\u{e9}"]),
            ("Stra\u{df}e STRASSE", ["strasse", "strasse"]),
            (
                "\u{65e5}\u{672c}\u{8a9e}\u{306e}\u{30c6}\u{30b9}\u{30c8}\u{3001}",
                ["\u{65e5}", "\u{672c}", "\u{8a9e}", "\u{306e}\u{30c6}\u{30b9}\u{30c8}", "\u{3001}"]
            ),
            (
                "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{1f44d}\u{1f3fd}x\u{1f1e9}\u{1f1ea}\u{1f1eb}\u{1f1f7}",
                [
                    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}", "\u{1f44d}\u{1f3fd}", "x", "\u{1f1e9}\u{1f1ea}",
                    "\u{1f1eb}\u{1f1f7}",
                ]
            ),
            ("\u{645}\u{6cc}\u{200c}\u{62e} \u{200f}\u{5e2}\u{200e}", ["\u{645}\u{6cc}\u{200c}\u{62e}", "\u{5e2}"]),
            ("1\u{fe0f}\u{20e3}", ["1\u{fe0f}\u{20e3}"]), ("x\u{ad}y", ["xy"]),
        ]
        for (text, words) in cases {
            #expect(
                WordTokenizer.words(of: text).map { Array($0.unicodeScalars) }
                    == words.map { Array($0.unicodeScalars) },
                "\(text)")
        }
    }

    /// Joined words are the folded text without white space, apart from format characters and apostrophes.
    @Test(.enabled(if: Python.hasPython)) func wordsHoldAllCharacters() throws {
        let texts = HardTexts.all
        let twin = try PythonTwin.run(
            #"""
            drop = {c for c in map(chr, range(0x110000)) if unicodedata.category(c) == "Cf"}
            print(json.dumps(["".join(c for p in pieces(t) for c in p.replace("\u2019", "'") if c not in drop)
                              for t in texts], ensure_ascii=False))
            """#, texts)
        for (number, text) in texts.enumerated() {
            let joined = WordTokenizer.words(of: text).joined().unicodeScalars
                .filter { $0.properties.generalCategory != .format }.map { $0 == "\u{2019}" ? "'" : $0 }
            #expect(joined == twin["\(number)"]?.string.map { Array($0.unicodeScalars) }, "\(text.prefix(40))")
        }
    }

    @Test func vocabularyIsByFrequencyThenText() throws {
        let texts = ["b b b", "a c", "c a", "d", "\u{e9} \u{e9} e\u{301}"]
        let all = try WordTokenizer(of: texts)
        #expect(all.words == ["b", "\u{e9}", "a", "c", "d"] && all.vocabulary == 7)
        let some = try WordTokenizer(of: texts, largestVocabulary: 5)
        #expect(some.words == ["b", "\u{e9}", "a"])
        #expect(some.tokens(of: "B c x \u{c9}") == TokenizedText(ids: [2, 1, 1, 3], unknown: 2))
        #expect(try WordTokenizer(of: texts, minimumCount: 2).words == ["b", "\u{e9}", "a", "c"])
        for order in 0..<3 {
            #expect(try WordTokenizer(of: texts[order...] + texts[..<order]).words == all.words)
        }
        #expect(throws: TokenizerError.self) { try WordTokenizer(of: ["", " "]) }
        #expect(throws: TokenizerError.self) { try WordTokenizer(of: texts, minimumCount: 9) }
        #expect(throws: TokenizerError.self) { try WordTokenizer(of: texts, largestVocabulary: 2) }
    }

    @Test func bytesAreThoseOfTheText() throws {
        let tokenizer = ByteTokenizer()
        #expect(tokenizer.tokens(of: "A\u{e9}").ids == [66, 0xc3 + 1, 0xa9 + 1] && tokenizer.vocabulary == 257)
        #expect(tokenizer.tokens(of: "").ids.isEmpty)
    }

    // MARK: - Rows

    @Test func rowsAreFilledAndCut() throws {
        let preparation = try TextPreparation(WordTokenizer(of: ["a b c d"]), positions: 3)
        let (ids, counts) = try preparation.rows(["a", "", "d c b a", "x a"])
        #expect(ids == [2, 0, 0, 0, 0, 0, 5, 4, 3, 1, 2, 0])
        #expect(
            [counts.texts, counts.tokens, counts.unknown, counts.textsWithUnknown, counts.cut, counts.empty]
                == [4, 7, 1, 1, 1, 1] && counts.longest == 4)
        #expect(counts.warnings(positions: 3).count == 3 && TokenizationCounts().warnings(positions: 3).isEmpty)
        let tensor = try preparation.tensor(["d c b a"]).ids
        #expect(tensor.shape == [1, 3] && tensor.values == [5, 4, 3])
        for positions in [0, -1, (1 << 20) + 1] {
            #expect(throws: TokenizerError.self) { try TextPreparation(ByteTokenizer(), positions: positions) }
        }
    }

    @Test func choiceTakesTheLongestText() throws {
        #expect(try TokenizerChoice(.bytes).preparation(of: ["abc", "abcde"]).positions == 5)
        #expect(try TokenizerChoice(.bytes, positions: 2).preparation(of: ["abc"]).positions == 2)
        let long = String(repeating: "x", count: 5_000)
        #expect(try TokenizerChoice(.bytes).preparation(of: [long]).positions == TokenizerChoice.longestUsual)
        #expect(try TokenizerChoice(.bytes).preparation(of: []).positions == 1)
        #expect(try TokenizerChoice(.ngrams, vocabulary: 100).preparation(of: ["ab"]).vocabulary == 100)
        #expect(throws: TokenizerError.self) { try TokenizerChoice(.bytes, vocabulary: 9).preparation(of: ["a"]) }
        #expect(throws: TokenizerError.self) { try TokenizerChoice(.sentencepiece).preparation(of: ["a"]) }
        #expect(throws: TokenizerError.self) { try TokenizerChoice(.words, model: [1]).preparation(of: ["a"]) }
    }

    // MARK: - Stored

    private static let preparations: [SamplePreparation] = [
        .text(try! TextPreparation(WordTokenizer(of: HardTexts.all), positions: 9)),
        .text(try! TextPreparation(ByteTokenizer(), positions: 7)),
        .text(try! TextPreparation(NgramTokenizer(vocabulary: 777), positions: 5)),
        .picture(PicturePreparation(PictureFormat(height: 4, width: 5, fit: .pad), decoder: "libpng 1.6.39")),
    ]

    @Test(arguments: 0..<4) func preparationsReadBack(number: Int) throws {
        let preparation = Self.preparations[number], folder = TemporaryFolder()
        try HDF5File.create(folder.file("a.h5")) { file in
            let shape = [2] + preparation.shape
            try file.write("/texts", [Int32](repeating: 0, count: shape.reduce(1, *)), shape: shape)
            #expect(try SamplePreparation(.second, of: "/texts", in: file) == nil)
            try preparation.write(.second, of: "/texts", to: file)
        }
        let file = try HDF5File(reading: folder.file("a.h5"))
        let read = try #require(try SamplePreparation(.second, of: "/texts", in: file))
        #expect(read.json == preparation.json && read.content == preparation.content)
        #expect(read.givesSameRows(as: preparation) && read.shape == preparation.shape)
        for other in Self.preparations.indices where other != number {
            #expect(!read.givesSameRows(as: Self.preparations[other]))
        }
        if let text = read.text, let own = preparation.text {
            #expect(try text.rows(HardTexts.all).ids == own.rows(HardTexts.all).ids)
        }
    }

    @Test func damagedPreparationsAreRefused() throws {
        let words = Self.preparations[0], list = try #require(words.content)
        func refused(_ json: String, _ content: [UInt8]? = nil) -> Bool {
            do {
                _ = try SamplePreparation(json: json, content: content)
                return false
            } catch { return error is TokenizerError }
        }
        #expect(!refused(words.json, list))
        for json in ["", "{}", "[1]", #"{"kind":"sound"}"#, #"{"kind":"text"}"#, #"{"kind":"picture","channels":3}"#] {
            #expect(refused(json))
        }
        #expect(refused(words.json) && refused(words.json, Array(list.dropLast(20))) && refused(words.json, [0xff]))
        #expect(refused(words.json.replacingOccurrences(of: "\"folding\": 1", with: "\"folding\": 2"), list))
        #expect(refused(words.json.replacingOccurrences(of: "\"words\"", with: "\"wordz\""), list))
        let ngrams = Self.preparations[2].json
        for (old, new) in [("\"largest\": 5", "\"largest\": 6"), ("\"hash\": 1", "\"hash\": 2"), ("777", "1")] {
            #expect(refused(ngrams.replacingOccurrences(of: old, with: new)))
        }
        #expect(refused(Self.preparations[1].json.replacingOccurrences(of: "257", with: "256")))
    }
}
