import CoupletFiles
import TestSupport
import Testing

@Suite struct DelimitedReaderTests {
    private func records(_ bytes: [UInt8], _ format: DelimitedReader.Format) throws -> [DelimitedReader.Record] {
        let folder = TemporaryFolder()
        var reader = try DelimitedReader(folder.write("a.csv", bytes), format), records: [DelimitedReader.Record] = []
        while let record = try reader.next() { records.append(record) }
        return records
    }

    private func cells(_ text: String, _ format: DelimitedReader.Format = .csv) throws -> [[String]] {
        let records = try records(Array(text.utf8), format)
        #expect(records.allSatisfy { $0.problem == nil })
        return records.map(\.cells)
    }

    @Test(arguments: ["\n", "\r\n", "\r"]) func linesEndInThreeWays(end: String) throws {
        let text = "a,b" + end + end + "1,\"x,\"\"y\"\"\"" + end + ",last"
        let records = try records(Array(text.utf8), .csv)
        #expect(records.map(\.cells) == [["a", "b"], ["1", "x,\"y\""], ["", "last"]])
        #expect(records.map(\.line) == [1, 3, 4])
        #expect(try cells("\u{FEFF}a,b\n") == [["a", "b"]])
        #expect(try cells("") == [] && cells("\n\n") == [])
    }

    @Test func aCellInQuotesMayHaveLineEnds() throws {
        let records = try records(Array("a,\"one\ntwo\r\nthree\",c\nnext,2,3\n".utf8), .csv)
        #expect(records.map(\.cells) == [["a", "one\ntwo\r\nthree", "c"], ["next", "2", "3"]])
        #expect(records.map(\.line) == [1, 4])
        #expect(try cells("a, \"b\", c \"d\"\n\"e\" ,f\n") == [["a", " \"b\"", " c \"d\""], ["e", "f"]])
    }

    /// The cells are those of Python's csv, for texts of the characters that matter.
    @Test(.enabled(if: Python.hasPython)) func cellsAreThoseOfPython() throws {
        let folder = TemporaryFolder()
        var state: UInt64 = 3
        func pick(_ choices: [String]) -> String {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return choices[Int(state >> 33) % choices.count]
        }
        let rows = (0..<200).map { _ in
            (0..<3).map { _ in
                (0..<4).map { _ in pick(["a", "é", ",", "\"", "\n", " ", "", "字", "\t", "b"]) }.joined()
            }
        }
        let json = "[" + rows.map { "\($0)" }.joined(separator: ",") + "]"
        let written = try folder.write("rows.json", json)
        try Python.run(
            """
            import csv, json, sys
            rows = json.load(open(sys.argv[1]))
            csv.writer(open(sys.argv[2], "w", newline="")).writerows(rows)
            """, written, folder.file("a.csv"))
        var reader = try DelimitedReader(folder.file("a.csv"), .csv), read: [[String]] = []
        while let record = try reader.next() { read.append(record.cells) }
        #expect(read == rows)
    }

    @Test func tabsSeparateAndQuotesAreText() throws {
        #expect(
            try cells("a\tb\nsay \"hi\"\t\"quoted\"\n\"a \"\"b\"\" c\"\t\"un\"even\"\n\"\t\"\"\n", .tsv)
                == [["a", "b"], ["say \"hi\"", "quoted"], ["a \"b\" c", "\"un\"even\""], ["\"", ""]])
    }

    @Test func problemsNameTheCell() throws {
        let bytes = Array("a,b\nx,".utf8) + [0xFF, 0xFE] + Array("\n\"q\"z,1\nc,d\n\0,e".utf8)
        let records = try records(bytes, .csv)
        #expect(
            records.map(\.problem) == [
                nil, "cell 2 holds bytes that are no UTF-8", "cell 1 has text after its closing quote", nil,
                "cell 1 holds the character U+0000",
            ])
        #expect(records.map(\.line) == [1, 2, 3, 4, 5])
    }

    @Test func aQuoteThatStaysOpenIsAnError() {
        let error = #expect(throws: FileError.self) { try records(Array("a,b\n1,2\nx,\"y\nz,3\n".utf8), .csv) }
        #expect(error?.location.hasSuffix("a.csv:3") == true && error?.reason == "the quote of cell 2 is not closed")
        let utf16 = #expect(throws: FileError.self) { try records([0xFF, 0xFE, 0x61, 0x00], .csv) }
        #expect(utf16?.reason == "is text in UTF-16")
    }

    @Test func cellsCrossBlocks() throws {
        let long = String(repeating: "é", count: 400_000)
        let text = (0..<5).map { "\($0),\"\(long)\"\n" }.joined()
        #expect(try cells(text) == (0..<5).map { ["\($0)", long] })
    }

    @Test func linesOfATextFile() throws {
        let folder = TemporaryFolder()
        var reader = try LineReader(folder.write("a.txt", "\u{FEFF}one\r\n\ntwo\nlast"))
        var lines: [String] = []
        while let line = try reader.next() { lines.append("\(reader.number) " + String(decoding: line, as: UTF8.self)) }
        #expect(lines == ["1 one", "2 ", "3 two", "4 last"])
    }
}
