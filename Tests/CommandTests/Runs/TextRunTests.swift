import CoupletFiles
import CoupletImages
import CoupletInference
import CoupletPairs
import CoupletStorage
import CoupletTensors
import Foundation
import TestSupport
import Testing

/// Runs on pictures and texts whose set says how they became rows.
@Suite struct TextRunTests {
    static let count = 32
    static let pictures = (0..<count).map { number in
        Picture(
            channels: 3, height: 4, width: 4,
            pixels: (0..<48).map { UInt8(truncatingIfNeeded: ($0 + 1) * (number * 37 + 11) + $0 * $0 * 7) })
    }
    static let texts = (0..<count).map { number in
        let colors = ["red", "blue", "Gr\u{fc}n", "\u{9ec4}"], things = ["cat", "heart", "house", "tree"]
        return "\(colors[number % 4]) \(things[number / 4 % 4])" + (number < 16 ? "" : " twice")
    }

    static func preparation(_ kind: TokenizerKind = .words, positions: Int = 3) throws -> TextPreparation {
        try TokenizerChoice(kind, positions: positions).preparation(of: texts)
    }

    /// Writes a set of the pictures and the texts.
    /// - Parameter change: changes the ids of the texts.
    static func writeSet(
        _ path: String, _ preparation: TextPreparation, change: (inout [Int32]) -> Void = { _ in }
    ) throws {
        let format = PictureFormat(height: 4, width: 4, fit: .stretch)
        try HDF5File.create(path) { file in
            try file.write("/first", pictures.flatMap(\.pixels), shape: [count, 3, 4, 4])
            try SamplePreparation.picture(PicturePreparation(format)).write(.first, of: "/first", to: file)
            var ids = try preparation.rows(texts).ids
            change(&ids)
            try file.write("/second", ids, shape: [count, preparation.positions])
            try SamplePreparation.text(preparation).write(.second, of: "/second", to: file)
            try file.write("/text/second", texts)
            try file.write("/name/first", (0..<count).map { "\($0).png" })
        }
    }

    static func config(_ folder: TemporaryFolder, set: String = "set.h5", vocabulary: Int? = nil) -> String {
        """
        data: {source: hdf5, path: \(folder.file(set)), held_out: 0.25}
        encoders:
          embedding: 4
          first: {kind: mlp, widths: [8]}
          second: {kind: layers, layers: [{embedding_bag: {\(vocabulary.map { "vocabulary: \($0), " } ?? "")width: 4}}]}
        objective: {similarity: cosine, loss: joint, temperature: 0.1}
        batch: {size: 8, shards: 2}
        train: {steps: 6, checkpoint_every: 3}

        """
    }

    /// A folder with a set, texts and pictures, and a run on the set.
    static func run(_ preparation: TextPreparation? = nil) throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        try writeSet(folder.file("set.h5"), preparation ?? self.preparation())
        try folder.write("texts.txt", texts.joined(separator: "\n") + "\n")
        for (number, picture) in pictures.enumerated() {
            try folder.write("pictures/\(number < 10 ? "0" : "")\(number).png", picture.png)
        }
        try folder.write("c.yaml", config(folder))
        try expect(
            try CoupletInvocation("train", "c.yaml", "--output", "run", "--progress", "none", in: folder.path), 0)
        return folder
    }

    private static func expect(
        _ result: CoupletInvocation, _ code: Int32, _ texts: String..., at location: SourceLocation = #_sourceLocation
    ) throws {
        #expect(result.exitCode == code, "\(result.errors)", sourceLocation: location)
        for text in texts {
            #expect(result.errors.contains(text), "no \"\(text)\" in: \(result.errors)", sourceLocation: location)
        }
    }

    private func couplet(_ folder: TemporaryFolder, _ arguments: String...) throws -> CoupletInvocation {
        try CoupletInvocation(arguments: arguments, in: folder.path)
    }

    // MARK: - Encoding

    /// Texts and pictures get the bits of the rows that the set has of them, also where the set is gone.
    @Test(arguments: [TokenizerKind.words, .bytes, .ngrams]) func plainInputsAreEncodedAsRows(kind: TokenizerKind)
        throws
    {
        let folder = try Self.run(Self.preparation(kind, positions: 20))
        for modality in ["first", "second"] {
            let result = try couplet(
                folder, "encode", "run", "--modality", modality, "--input", "set.h5:/\(modality)", "--output",
                "codes.h5:/\(modality)")
            try Self.expect(result, 0)
            #expect(result.errors.isEmpty)
        }
        // The encoders need no data.
        try FileManager.default.moveItem(atPath: folder.file("set.h5"), toPath: folder.file("away.h5"))
        for (input, name) in [("texts.txt", "second"), ("pictures", "first")] {
            let result = try couplet(folder, "encode", "run", "--input", input, "--output", "codes.h5:/plain/\(name)")
            try Self.expect(result, 0)
        }
        try Self.expect(
            try couplet(
                folder, "encode", "run", "--text", Self.texts[9], "--text", Self.texts[2].uppercased(), "--output",
                "codes.h5:/some"), 0)
        try Self.expect(
            try couplet(folder, "encode", "run", "--input", "pictures/07.png", "--output", "codes.h5:/one"), 0)
        let codes = try HDF5File(reading: folder.file("codes.h5"))
        let first = try codes.readFloats("/first"), second = try codes.readFloats("/second")
        #expect(try codes.readFloats("/plain/first").hasSameBits(as: first))
        #expect(try codes.readFloats("/plain/second").hasSameBits(as: second))
        #expect(try codes.readFloats("/one").hasSameBits(as: first.rows(7..<8)))
        let some = try codes.readFloats("/some")
        #expect(some.rows(0..<1).hasSameBits(as: second.rows(9..<10)))
        // Words and n-grams do not depend on the case.
        #expect(some.rows(1..<2).hasSameBits(as: second.rows(2..<3)) == (kind != .bytes))

        let run = try TrainedRun(folder.file("run"), use: .encoders)
        #expect(try run.encode(texts: Self.texts).encodings.hasSameBits(as: second))
        #expect(try run.encode(pictures: Self.pictures).hasSameBits(as: first))
        #expect(throws: DataError.self) { try run.encode(texts: ["a"], .first) }
        let large = Picture(channels: 3, height: 8, width: 8, pixels: [UInt8](repeating: 9, count: 192))
        #expect(try run.encode(pictures: [large], .first).shape == [1, 4])
    }

    @Test func lossesAreCounted() throws {
        let folder = try Self.run()
        try folder.write("texts.txt", "red cat\nRed DOG\n\nblue unseen thing twice twice\r\nblue heart")
        let result = try couplet(folder, "encode", "run", "--input", "texts.txt", "--output", "codes.h5:/a")
        try Self.expect(
            result, 0, "couplet: warning: texts.txt: 3 of 11 tokens are not in the vocabulary, in 2 texts of 5",
            "1 text of 5 is longer than the 3 positions of a row (the longest has 5 tokens) and was cut at the end",
            "1 text of 5 has no token")
        #expect(try HDF5File(reading: folder.file("codes.h5")).dataset("/a")?.shape == [5, 4])
    }

    @Test func wrongInputsAreErrors() throws {
        let folder = try Self.run()
        try folder.write("latin.txt", Array("ok\n".utf8) + [0xe9, 0x0a])
        try folder.write("empty.txt", "")
        try folder.write("none/readme", "no picture")
        try folder.write("broken.png", Array(Self.pictures[0].png.prefix(60)))
        try Self.writeSet(folder.file("ngrams.h5"), Self.preparation(.ngrams))
        func refuse(_ arguments: [String], _ code: Int32, _ text: String) throws {
            let result = try CoupletInvocation(
                arguments: ["encode", "run", "--output", "codes.h5:/a"] + arguments, in: folder.path)
            try Self.expect(result, code, text)
            #expect(!folder.exists("codes.h5"))
        }
        try refuse(["--input", "latin.txt"], 65, "latin.txt:2: holds bytes that are no UTF-8")
        try refuse(["--input", "empty.txt"], 65, "empty.txt: holds no text")
        try refuse(["--input", "none"], 65, "none: holds no PNG or JPEG file among 1 names")
        try refuse(["--input", "broken.png"], 65, "broken.png: cannot be decoded")
        try refuse(
            ["--input", "texts.txt", "--modality", "first"], 65, "is text, but the samples of this modality are")
        try refuse(["--input", "pictures", "--modality", "second"], 65, "the samples of this modality are texts")
        try refuse(["--input", "absent.txt"], 64, "absent.txt: there is no such file or folder; name a text file")
        try refuse(["--input", "set.h5"], 64, "names a file but no dataset in it")
        try refuse(["--input", "texts.txt", "--text", "a"], 64, "not both")
        try refuse([], 64, "give --input, or --text")
        try refuse(["--input", "set.h5:/second"], 64, "give --modality")
        try refuse(
            ["--input", "ngrams.h5:/second", "--modality", "second"], 65,
            "its rows are made in another way than those of the run: texts by the tokenizer ngrams with 65536 ids")
    }

    /// A run on data that say nothing of their origin.
    @Test func otherRunsTakeNoPlainInputs() throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", TrainingFolder.tinyGaussian())
        try Self.expect(
            try couplet(folder, "train", "c.yaml", "--output", "run", "--progress", "none"), 0)
        try Self.expect(
            try couplet(folder, "encode", "run", "--text", "a", "--output", "codes.h5:/a"), 65,
            "the run does not say which modality such inputs belong to")
        try Self.expect(
            try couplet(folder, "encode", "run", "--text", "a", "--modality", "first", "--output", "codes.h5:/a"), 65,
            "the run does not say how texts or pictures become samples of its first modality")
    }

    // MARK: - Retrieval

    @Test func textsFindPictures() throws {
        let folder = try Self.run()
        let query = ["retrieve", "run", "--text", Self.texts[3], "--text", "red dog", "--top", "3"]
        let rows = try CoupletInvocation(arguments: query + ["--gallery", "set.h5:/first", "--json"], in: folder.path)
        let files = try CoupletInvocation(arguments: query + ["--gallery", "pictures", "--json"], in: folder.path)
        try Self.expect(rows, 0, "couplet: warning: --text: 1 of 4 tokens are not in the vocabulary")
        let found = try #require(try rows.json()["queries"] as? [[String: Any]])
        let same = try #require(try files.json()["queries"] as? [[String: Any]])
        #expect(found.count == 2 && found[0]["query"] as? String == Self.texts[3])
        for (row, file) in zip(found, same) {
            let numbers = try #require(row["rows"] as? [Int])
            #expect(file["rows"] as? [Int] == numbers && file["scores"] as? [Double] == row["scores"] as? [Double])
            #expect(row["names"] as? [String] == numbers.map { "\($0).png" })
            #expect(file["names"] as? [String] == numbers.map { ($0 < 10 ? "0" : "") + "\($0).png" })
        }
        let table = try CoupletInvocation(arguments: query + ["--gallery", "pictures"], in: folder.path)
        #expect(
            table.output.contains("query 0 (\(Self.texts[3])): ") && table.output.contains(".png\n"), "\(table.output)")

        // Pictures find texts, of a set and of a file.
        let picture = ["retrieve", "run", "--query", "pictures/05.png", "--top", "2", "--json", "--gallery"]
        for gallery in ["set.h5:/second", "texts.txt"] {
            let result = try CoupletInvocation(arguments: picture + [gallery], in: folder.path).json()
            let first = try #require((result["queries"] as? [[String: Any]])?.first)
            #expect(first["names"] as? [String] == (first["rows"] as? [Int])?.map { Self.texts[$0] })
            #expect(first["query"] as? String == "05.png")
        }
        // A file of results has the names too.
        let written = try CoupletInvocation(
            arguments: query + ["--gallery", "pictures", "--output", "found.h5"], in: folder.path)
        try Self.expect(written, 0)
        if Python.isAvailable {
            let names = try Python.run(
                "import h5py, json, sys; f = h5py.File(sys.argv[1]); print(json.dumps([f['names'].asstr()[:].tolist(), "
                    + "f['queries'].asstr()[:].tolist(), f['indices'][:].tolist()]))", folder.file("found.h5"))
            let read = try #require(JSONSerialization.jsonObject(with: Data(names.utf8)) as? [Any])
            #expect((read[0] as? [[String]]) == same.map { $0["names"] as? [String] ?? [] })
            #expect((read[1] as? [String]) == [Self.texts[3], "red dog"])
            #expect((read[2] as? [[Int]]) == same.map { $0["rows"] as? [Int] ?? [] })
        }
        // An index remembers where the names of its rows are.
        for _ in 0..<2 {
            let result = try CoupletInvocation(
                arguments: picture + ["set.h5:/second", "--index", "texts.index"], in: folder.path
            ).json()
            let first = try #require((result["queries"] as? [[String: Any]])?.first)
            #expect(first["names"] as? [String] == (first["rows"] as? [Int])?.map { Self.texts[$0] })
        }
        let indexed = try CoupletInvocation(
            arguments: Array(picture.dropLast()) + ["--index", "texts.index"], in: folder.path
        ).json()
        #expect(((indexed["queries"] as? [[String: Any]])?.first?["names"] as? [String])?.count == 2)
    }

    @Test(.enabled(if: BackgroundJob.hasMPI)) func ranksFindTheSame() throws {
        let folder = try Self.run()
        let arguments = [
            "retrieve", folder.file("run"), "--query", folder.file("texts.txt"), "--gallery", folder.file("pictures"),
            "--json", "--top", "5",
        ]
        let alone = try CoupletInvocation(arguments: arguments)
        let ranks = try BackgroundJob(arguments, ranks: 2)
        #expect(ranks.end(within: 60) == 0 && alone.exitCode == 0, "\(ranks.errors) \(alone.errors)")
        #expect(ranks.output == alone.output && !alone.output.isEmpty)
        // All ranks read the same tokenizer, and train the same bits.
        try folder.write("c.yaml", Self.config(folder))
        let job = try BackgroundJob(
            ["train", folder.file("c.yaml"), "--output", folder.file("two"), "--progress", "none"], ranks: 2)
        #expect(job.end(within: 60) == 0, "\(job.errors)")
        let digests = try ["run", "two"].map {
            try couplet(folder, "inspect", $0, "--json").json()["digest"] as? String
        }
        #expect(digests[0] == digests[1] && digests[0] != nil)
    }

    // MARK: - Checkpoints

    @Test func checkpointsHoldThePreparation() throws {
        let folder = try Self.run(), preparation = try Self.preparation()
        let table = try couplet(folder, "inspect", "run")
        #expect(table.output.contains("inputs       first: pictures of 3 × 4 × 4, fit: stretch\n"), "\(table.output)")
        #expect(
            table.output.contains(
                "inputs       second: texts by the tokenizer words with \(preparation.vocabulary) ids at 3 positions\n")
        )
        let json = try #require(try couplet(folder, "inspect", "run", "--json").json()["preparation"] as? [String: Any])
        #expect((json["second"] as? [String: Any])?["tokenizer"] as? String == "words")
        #expect((json["first"] as? [String: Any])?["channels"] as? Int == 3)
        let checkpoint = try HDF5File(reading: folder.file("run/checkpoints/step-00000006.h5"))
        #expect(try checkpoint.readBytes("/tokenizer/second") == preparation.tokenizer.content)
        // The model is the same whether the config names the vocabulary or not.
        try folder.write("v.yaml", Self.config(folder, vocabulary: preparation.vocabulary))
        try Self.expect(try couplet(folder, "train", "v.yaml", "--output", "named", "--progress", "none"), 0)
        let digests = try ["run", "named"].map {
            try couplet(folder, "inspect", $0, "--json").json()["digest"] as? String
        }
        #expect(digests[0] == digests[1])
        // Other commands read such runs.
        try Self.expect(try couplet(folder, "evaluate", "run"), 0)
        try Self.expect(try couplet(folder, "config", "c.yaml", "--summary"), 0)
    }

    @Test func otherTokenizersAreRefused() throws {
        let folder = try Self.run(), vocabulary = try Self.preparation().vocabulary
        try Self.writeSet(folder.file("other.h5"), Self.preparation(.bytes))
        try Self.expect(
            try couplet(folder, "evaluate", "run", "--data", "other.h5"), 65,
            "other.h5:/second: its rows are made in another way than those of the run")
        // Another tokenizer, the words of which are the same number and give other ids.
        let others = try WordTokenizer(of: Self.texts.map { $0.replacingOccurrences(of: "house", with: "zoo zoo") })
        #expect(others.vocabulary == vocabulary)
        try Self.writeSet(folder.file("set.h5"), TextPreparation(others, positions: 3))
        let more = ["--set", "train.steps=9"]
        try Self.expect(
            try CoupletInvocation(
                arguments: ["train", "c.yaml", "--output", "run", "--resume", "--progress", "none"] + more,
                in: folder.path), 65,
            "the second samples are made in another way than those this run was started with",
            "with another vocabulary or other rules")
        try Self.writeSet(folder.file("set.h5"), Self.preparation())
        try Self.expect(
            try CoupletInvocation(
                arguments: ["train", "c.yaml", "--output", "run", "--resume", "--progress", "none"] + more,
                in: folder.path), 0)
    }

    @Test func otherVocabulariesAreRefused() throws {
        let folder = try Self.run(), vocabulary = try Self.preparation().vocabulary
        for wrong in [vocabulary - 1, vocabulary + 1] {
            try folder.write("v.yaml", Self.config(folder, vocabulary: wrong))
            try Self.expect(
                try couplet(folder, "train", "v.yaml", "--output", "wrong", "--progress", "none"), 65,
                "encoders.second: its vocabulary is \(wrong), but the tokenizer words of the data has "
                    + "\(vocabulary) ids",
                "or set it to \(vocabulary)")
        }
        // Without a tokenizer in the data the config must name it.
        try HDF5File.create(folder.file("plain.h5")) { file in
            try file.write("/first", Self.pictures.flatMap(\.pixels), shape: [Self.count, 3, 4, 4])
            try file.write("/second", try Self.preparation().rows(Self.texts).ids, shape: [Self.count, 3])
        }
        try folder.write("v.yaml", Self.config(folder, set: "plain.h5"))
        try Self.expect(
            try couplet(folder, "train", "v.yaml", "--output", "wrong", "--progress", "none"), 65,
            "embedding_bag has no vocabulary, and the data name no tokenizer")
    }

    /// An id that the tokenizer cannot have given is told with its text.
    @Test func wrongRowsAreToldWithTheirTexts() throws {
        let folder = TemporaryFolder()
        try Self.writeSet(folder.file("set.h5"), Self.preparation()) { $0[5 * 3] = 5_000 }
        try folder.write("c.yaml", Self.config(folder))
        try Self.expect(
            try couplet(folder, "train", "c.yaml", "--output", "run", "--progress", "none"), 65,
            "set.h5:/second: row 5 (\"\(Self.texts[5])\") holds 5000 at position 0, which is no token id")
    }

    /// A set whose tokenizer is damaged, or whose rows are not those that it makes.
    @Test func damagedSetsAreRefused() throws {
        let folder = TemporaryFolder(), preparation = try Self.preparation()
        try folder.write("c.yaml", Self.config(folder))
        func refuse(_ text: String, _ damage: (HDF5File) throws -> Void) throws {
            try Self.writeSet(folder.file("set.h5"), preparation)
            let file = try HDF5File(modifying: folder.file("set.h5"))
            try damage(file)
            try file.close()
            try Self.expect(
                try couplet(folder, "train", "c.yaml", "--output", "run", "--progress", "none"), 65, text)
        }
        try refuse("the list of words is missing") { try $0.remove("/tokenizer/second") }
        try refuse("it makes rows of the shape [2], but the dataset has [3]") {
            let fewer = SamplePreparation.text(try TextPreparation(preparation.tokenizer, positions: 2))
            try $0.setAttribute(SamplePreparation.attribute, .string(fewer.json), of: "/second")
        }
        try refuse("set.h5:/second@preparation: \"what\" is no JSON object with a kind") {
            try $0.setAttribute(SamplePreparation.attribute, .string("what"), of: "/second")
        }
    }
}
