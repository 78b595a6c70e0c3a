import CoupletImages
import CoupletPairs
import CoupletStorage
import TestSupport
import Testing

@Suite struct DataImportCommandTests {
    /// Five files of four pictures, with captions that repeat.
    private func photos() throws -> PictureFolder {
        let folder = PictureFolder()
        for (name, seed) in [("a.png", 1), ("b.png", 2), ("c.png", 3), ("d.png", 4), ("copy.png", 2)] {
            try folder.addPicture(name, seed)
        }
        try folder.folder.write(
            "photos/captions.csv",
            """
            path,caption,split,language,label
            a.png,a cat,training,en,animal
            a.png,eine Katze,training,de,animal
            b.png,a dog,training,en,animal
            c.png,a cat,test,en,animal
            copy.png,ein Hund,training,de,animal
            d.png,a house,validation,en,building

            """)
        return folder
    }

    @Test func aManifestBecomesASet() throws {
        let folder = try photos()
        let result = try folder.couplet(
            "data", "import", "--manifest", "photos/captions.csv", "--size", "4x3", "--keep", "language", "--output",
            "set.h5")
        #expect(result.exitCode == 0)
        #expect(
            result.errors
                == "couplet: warning: 1 of 10 tokens are not in the vocabulary, in 1 text of 5\n")
        #expect(
            result.output.hasPrefix(
                """
                set.h5: 6 pairs of 4 pictures (3 × 4 × 3, stretch) and 5 texts (words: 9 ids, 2 positions)
                splits: training 4, test 1, validation 1
                groups: 4
                classes: 2
                digest: 
                """), "\(result.output)")

        let file = try HDF5File(reading: "\(folder.path)/set.h5")
        let format = PictureFormat(height: 4, width: 3)
        let pixels = (1...4).flatMap { PictureFolder.picture($0).resized(to: format).pixels }
        #expect(try file.readBytes("/first") == pixels)
        #expect(try file.dataset("/first")?.shape == [4, 3, 4, 3])
        // a.png, b.png, c.png and d.png are rows 0 to 3; copy.png is b.png.
        #expect(try file.readIntegers("/pairs") == [0, 0, 0, 1, 1, 2, 2, 0, 1, 3, 3, 4])
        #expect(try file.readStrings("/text/second") == ["a cat", "eine Katze", "a dog", "ein Hund", "a house"])
        #expect(try file.readStrings("/name/first") == ["a.png", "b.png", "c.png", "d.png"])
        #expect(try file.readIntegers("/groups") == [0, 0, 1, 2, 1, 3])
        #expect(try file.readIntegers("/split") == [0, 0, 0, 1, 0, 2])
        #expect(try file.readIntegers("/labels") == [0, 0, 0, 0, 0, 1])
        #expect(try file.readStrings("/classes") == ["animal", "building"])
        #expect(try file.readStrings("/columns/language") == ["en", "de", "en", "en", "de", "en"])
        // "a" is the most frequent word of the training texts: id 2. "house" is not among them: id 1.
        let ids = try file.readIntegers("/second")
        #expect(ids.count == 10 && ids[0] == 2 && ids[8] == 2 && ids[9] == 1)
        let second = try #require(try SamplePreparation(.second, of: "/second", in: file)?.text)
        #expect(try second.rows(["a cat", "ein Hund"]).ids == [ids[0], ids[1], ids[6], ids[7]].map { Int32($0) })
        #expect(try SamplePreparation(.first, of: "/first", in: file)?.picture?.format == format)
    }

    /// The same rows as CSV, TSV and JSON lines; with quotes, CRLF and a byte order mark; with captions in a list; and
    /// on other numbers of threads.
    @Test func theFormOfTheManifestDoesNotMatter() throws {
        let folder = try photos()
        func digest(_ name: String, _ text: String, _ more: String...) throws -> Substring {
            try folder.folder.write("photos/\(name)", text)
            let result = try CoupletInvocation(
                arguments: ["data", "import", "--manifest", "photos/\(name)", "--size", "4"] + more
                    + ["--output", "\(name)\(more.joined()).h5"], in: folder.path)
            #expect(result.exitCode == 0, "\(result.errors)")
            return PictureFolder.digest(result)
        }
        let csv = try digest("1.csv", "path,caption\na.png,\"say \"\"hi\"\", cat\"\na.png,dog\nb.png,bird\n")
        let windows = "\u{FEFF}\"caption\",\"path\"\r\n\"say \"\"hi\"\", cat\",a.png\r\n\r\ndog,\"a.png\"\r\nbird,b.png"
        #expect(try digest("2.csv", windows) == csv)
        #expect(try digest("3.tsv", "file\ttext\na.png\tsay \"hi\", cat\na.png\tdog\nb.png\tbird\n") == csv)
        let objects = """
            {"path": "a.png", "captions": ["say \\"hi\\", cat", "dog"]}
            {"captions": ["bird"], "path": "b.png", "other": null}
            """
        #expect(try digest("4.jsonl", objects) == csv)
        let list = "path,captions\na.png,\"[\"\"say \\\"\"hi\\\"\", cat\"\", \"\"dog\"\"]\"\nb.png,\"[\"\"bird\"\"]\"\n"
        #expect(try digest("5.csv", list) == csv)
        let absolute = "bild,titel\n\(folder.path)/photos/a.png,\"say \"\"hi\"\", cat\"\na.png,dog\nb.png,bird\n"
        #expect(try digest("6.csv", absolute, "--columns", "path=bild,caption=titel") == csv)
        for threads in ["1", "2", "5"] {
            #expect(try digest("4.jsonl", objects, "--threads", threads) == csv)
        }
        let bytes = try folder.folder.bytes(of: "4.jsonl--threads1.h5")
        #expect(try folder.folder.bytes(of: "4.jsonl--threads5.h5") == bytes)
    }

    /// Every kind of bad row, all of them named; without them the set is that of the good rows.
    @Test func badRowsAreAllNamed() throws {
        let folder = try photos()
        try folder.folder.write("photos/none.png", "This is no picture.")
        try folder.folder.write("photos/cut.jpg", Array(try PictureFolder.fixture("rgb.jpg").file.dropLast(90)))
        try folder.folder.write("photos/cut.png", Array(try PictureFolder.fixture("rgb.png").file.dropLast(90)))
        let good = ["a.png,a cat,training", "b.png,a dog,test"]
        let rows =
            ["path,caption,split", good[0], "missing.png,a bird,training", "none.png,text,training"].map {
                Array($0.utf8)
            }
            + [Array("cut.jpg,a,training".utf8), Array("cut.png,a,training".utf8), Array("a.png,a cat".utf8)]
            + [Array("a.png,".utf8) + [0xC3, 0x28] + Array(",training".utf8)]
            + ["c.png,,training", "c.png,a fish,sometimes", "copy.png,a dog,training", good[1], "a.png,d,training,x"]
            .map { Array($0.utf8) }
        try folder.folder.write("photos/bad.csv", Array(rows.joined(separator: [0x0A])))
        let arguments = ["data", "import", "--manifest", "photos/bad.csv", "--size", "4", "--output", "set.h5"]
        let result = try CoupletInvocation(arguments: arguments, in: folder.path)
        #expect(result.exitCode == 65 && result.output.isEmpty)
        let lines = result.errors.split(separator: "\n").map(String.init)
        #expect(lines.count == 11)
        #expect(lines[0] == "couplet: photos/bad.csv: 10 of 12 rows cannot be used:")
        #expect(
            lines[1]
                == "couplet:   photos/bad.csv:3: photos/missing.png: No such file or directory (open)")
        #expect(
            lines[2]
                == "couplet:   photos/bad.csv:4: photos/none.png: is a file that begins with the bytes "
                + "54 68 69 73 20 69 73 20, neither PNG nor JPEG")
        #expect(lines[3].hasPrefix("couplet:   photos/bad.csv:5: photos/cut.jpg: cannot be decoded: "))
        #expect(lines[4].hasPrefix("couplet:   photos/bad.csv:6: photos/cut.png: cannot be decoded: "))
        #expect(lines[5] == "couplet:   photos/bad.csv:7: has 2 columns, but the first line has 3")
        #expect(lines[6] == "couplet:   photos/bad.csv:8: cell 2 holds bytes that are no UTF-8")
        #expect(lines[7] == "couplet:   photos/bad.csv:9: caption is empty")
        #expect(
            lines[8]
                == "couplet:   photos/bad.csv:10: split is \"sometimes\"; wanted training, test or validation, or 0, "
                + "1 or 2"
        )
        // b.png comes later, but the order of the file decides: copy.png, which is equal to it, is a training picture.
        #expect(
            lines[9].hasPrefix(
                "couplet:   photos/bad.csv:12: b.png is test, but line 11, which has an equal picture (copy.png), "
                    + "is training: a group cannot be divided"))
        #expect(
            lines[10]
                == "couplet:   photos/bad.csv:13: has 4 columns, but the first line has 3; correct them, or leave them "
                + "out and counted with --skip-bad")
        #expect(folder.folder.names == ["photos"])

        let skipped = try CoupletInvocation(arguments: arguments + ["--skip-bad"], in: folder.path)
        #expect(skipped.exitCode == 0)
        #expect(
            skipped.errors.hasPrefix("couplet: warning: 10 of 12 rows were left out:\ncouplet:   photos/bad.csv:3: "))
        try folder.folder.write(
            "photos/good.csv", "path,caption,split\na.png,a cat,training\ncopy.png,a dog,training\n")
        let clean = try folder.couplet(
            "data", "import", "--manifest", "photos/good.csv", "--size", "4", "--output", "good.h5")
        #expect(PictureFolder.digest(clean) == PictureFolder.digest(skipped))
        #expect(folder.folder.names == ["good.h5", "photos", "set.h5"])
    }

    @Test func aManifestWithoutAGoodRowGivesNoSet() throws {
        let folder = try photos()
        try folder.folder.write("bad.tsv", "path\tlabel\nx.png\t1\ny.png\t2\n")
        let result = try folder.couplet(
            "data", "import", "--manifest", "bad.tsv", "--size", "4", "--output", "set.h5", "--skip-bad")
        #expect(result.exitCode == 65 && result.errors.contains("2 of 2 rows cannot be used"))
        #expect(result.errors.hasSuffix("no row is left\n"))
        #expect(folder.folder.names == ["bad.tsv", "photos"])
    }

    /// Pictures of one pixel, CMYK, 16 bits, a palette, transparency and EXIF orientations, through the command.
    @Test func unusualPicturesHaveTheRightPixels() throws {
        for (size, names) in [
            ("19x27", ["cmyk.jpg", "ycck.jpg", "progressive.jpg", "palette.png", "exif-2.jpg", "exif-3.jpg"]),
            ("27x19", ["exif-5.jpg", "exif-6.jpg", "exif-7.jpg", "exif-8.jpg", "exif-6.png"]),
            ("3x5", ["rgb16.png", "rgba16.png", "alpha.png", "transparent-color.png"]),
            ("1", ["pixel.png", "pixel.jpg"]),
        ] {
            let folder = PictureFolder()
            for (number, name) in names.enumerated() {
                try folder.folder.write("pictures/\(number).\(name)", PictureFolder.fixture(name).file)
            }
            try folder.folder.write("texts.txt", names.map { "\($0)\n" }.joined())
            let result = try folder.couplet(
                "data", "import", "--first", "pictures", "--second", "texts.txt", "--size", size, "--tokenizer",
                "bytes", "--output", "set.h5")
            #expect(result.exitCode == 0, "\(result.errors)")
            let file = try HDF5File(reading: "\(folder.path)/set.h5")
            for row in try 0..<(file.dataset("/first")?.rows ?? 0) {
                let name = try file.readStrings("/name/first")[row].dropFirst(2)
                let pixels = try PictureFolder.fixture(String(name)).pixels
                #expect(try file.readBytes("/first", rows: row..<row + 1) == pixels, "\(name)")
            }
        }
    }

    @Test func aTextLineTooManyIsTold() throws {
        let folder = try photos()
        try folder.folder.remove("photos/captions.csv")
        try folder.folder.write("texts.txt", "one\ntwo\nthree\nfour\nfive\nsix\n")
        let result = try folder.couplet(
            "data", "import", "--first", "photos", "--second", "texts.txt", "--size", "4", "--output", "set.h5")
        #expect(result.exitCode == 65)
        #expect(
            result.errors
                == "couplet: texts.txt: has 6 rows, but photos has 5; row i of one belongs to row i of the other: give "
                + "both as many\n")
        try folder.folder.write("texts.txt", "one\ntwo\nthree\nfour\nfive\n\n")
        let blank = try folder.couplet(
            "data", "import", "--first", "photos", "--second", "texts.txt", "--size", "4", "--output", "set.h5")
        #expect(blank.errors == "couplet: texts.txt: has 6 rows, but photos has 5; its last line is empty; remove it\n")
        try folder.folder.write("texts.txt", Array("one\ntwo\n".utf8) + [0xFF, 0x0A, 0x0A] + Array("five\n".utf8))
        let bad = try folder.couplet(
            "data", "import", "--first", "photos", "--second", "texts.txt", "--size", "4", "--output", "set.h5")
        #expect(bad.errors.contains("couplet:   texts.txt:3: holds bytes that are no UTF-8\n"))
        #expect(bad.errors.contains("couplet:   texts.txt:4: is empty; correct them"))
        let skipped = try folder.couplet(
            "data", "import", "--first", "photos", "--second", "texts.txt", "--size", "4", "--output", "set.h5",
            "--skip-bad")
        #expect(skipped.exitCode == 0)
        let file = try HDF5File(reading: "\(folder.path)/set.h5")
        // a.png, b.png and d.png; copy.png is b.png.
        #expect(try file.readStrings("/text/second") == ["one", "two", "five"])
        #expect(try file.readStrings("/name/first") == ["a.png", "b.png", "d.png"])
        #expect(try file.dataset("/pairs") == nil)
    }

    @Test func anotherSetGivesThePreparation() throws {
        let folder = try photos()
        let first = try folder.couplet(
            "data", "import", "--manifest", "photos/captions.csv", "--size", "4x3", "--fit", "pad", "--channels", "1",
            "--output", "set.h5")
        #expect(first.exitCode == 0, "\(first.errors)")
        try folder.folder.write(
            "photos/more.csv", "path,caption,label\nd.png,a zebra cat,building\na.png,a cat,animal\n")
        let like = try folder.couplet(
            "data", "import", "--manifest", "photos/more.csv", "--like", "set.h5", "--output", "more.h5")
        #expect(like.exitCode == 0)
        // An unknown word, and a text that is too long, are told.
        #expect(
            like.errors == """
                couplet: warning: 1 of 5 tokens are not in the vocabulary, in 1 text of 2
                couplet: warning: 1 text of 2 is longer than the 2 positions of a row (the longest has 3 tokens) and \
                was cut at the end

                """)
        let (set, more) = (
            try HDF5File(reading: "\(folder.path)/set.h5"), try HDF5File(reading: "\(folder.path)/more.h5")
        )
        #expect(try more.readIntegers("/second") == [2, 1] + set.readIntegers("/second", rows: 0..<1))
        #expect(try more.readBytes("/first", rows: 1..<2) == set.readBytes("/first", rows: 0..<1))
        #expect(try more.readIntegers("/labels") == [1, 0])
        try folder.folder.write("photos/more.csv", "path,caption,label\nd.png,a zebra cat,vehicle\n")
        let unknown = try folder.couplet(
            "data", "import", "--manifest", "photos/more.csv", "--like", "set.h5", "--output", "other.h5")
        #expect(
            unknown.exitCode == 65 && unknown.errors.contains("d.png: the class vehicle is not one of set.h5"))
    }

    @Test func aFolderAClass() throws {
        let folder = PictureFolder()
        for (name, seed) in [
            ("dog/1.png", 1), ("dog/2.png", 2), ("cat/x.png", 3), ("cat/.hidden", 9), ("ant/y.png", 4),
        ] {
            try folder.addPicture(name, seed)
        }
        let result = try folder.couplet("data", "import", "--classes", "photos", "--size", "6x5", "--output", "set.h5")
        #expect(result.exitCode == 0, "\(result.errors)")
        let file = try HDF5File(reading: "\(folder.path)/set.h5")
        #expect(try file.readStrings("/classes") == ["ant", "cat", "dog"])
        #expect(try file.readIntegers("/second") == [0, 1, 2] && file.readIntegers("/labels") == [0, 1, 2, 2])
        #expect(try file.readIntegers("/pairs") == [0, 0, 1, 1, 2, 2, 3, 2])
        #expect(try file.readStrings("/name/first") == ["ant/y.png", "cat/x.png", "dog/1.png", "dog/2.png"])
        try folder.folder.write("photos/dog/notes.txt", "hello")
        let bad = try folder.couplet("data", "import", "--classes", "photos", "--size", "6x5", "--output", "bad.h5")
        #expect(bad.exitCode == 65 && bad.errors.contains("\ncouplet:   photos/dog/notes.txt: is a file that begins"))
    }

    @Test func wrongUseIsTold() throws {
        let folder = try photos()
        func refusal(_ arguments: String...) throws -> String {
            let result = try CoupletInvocation(arguments: ["data", "import"] + arguments, in: folder.path)
            #expect(result.exitCode == 64 || result.exitCode == 65 || result.exitCode == 74)
            return result.errors
        }
        let manifest = "photos/captions.csv"
        #expect(try refusal("--output", "s.h5").contains("wanted one input: --manifest FILE, or --classes FOLDER"))
        #expect(try refusal("--manifest", manifest, "--output", "s.h5").contains("pictures need a size"))
        #expect(
            try refusal("--manifest", manifest, "--size", "4", "--output", manifest).contains("exists already"))
        #expect(try refusal("--manifest", "no.csv", "--size", "4", "--output", "s.h5").contains("No such file"))
        #expect(try refusal("--manifest", manifest, "--size", "4x", "--output", "s.h5").contains("--size"))
        #expect(
            try refusal("--manifest", manifest, "--size", "4", "--channels", "2", "--output", "s.h5")
                .contains("wanted 3 (RGB) or 1 (grey)"))
        #expect(
            try refusal("--manifest", manifest, "--size", "4", "--keep", "langage", "--output", "s.h5")
                .contains(
                    "has no column langage; its columns are path, caption, split, language, label; did you mean "
                        + "language?"))
        #expect(
            try refusal("--manifest", manifest, "--size", "4", "--like", "x.h5", "--output", "s.h5")
                .contains("leave out --size"))
        #expect(
            try refusal("--manifest", manifest, "--size", "4", "--output", "none/s.h5")
                .contains("none/s.h5: its folder does not exist; make the folder first"))
        try folder.folder.write("photos/x.csv", "image,title\na.png,cat\n")
        #expect(
            try refusal("--manifest", "photos/x.csv", "--size", "4", "--output", "s.h5")
                .contains("has neither captions nor labels; its columns are image, title; name a column caption"))
        try folder.folder.write("photos/x.csv", "path,caption\n\"a.png,cat\n")
        #expect(
            try refusal("--manifest", "photos/x.csv", "--size", "4", "--output", "s.h5", "--skip-bad")
                .contains("photos/x.csv:2: the quote of cell 1 is not closed"))
        #expect(folder.folder.names == ["photos"])
    }

    @Test(.enabled(if: SmallDisk.isAvailable)) func aFullDiskLeavesNothing() throws {
        let folder = try photos(), disk = try SmallDisk(kibibytes: 64)
        let result = try folder.couplet(
            "data", "import", "--manifest", "photos/captions.csv", "--size", "512", "--output", "\(disk.path)/set.h5")
        #expect(result.exitCode == 74 && result.errors.contains("No space left on device"), "\(result.errors)")
        #expect(try CompletedProcess(["ls", "-A", disk.path]).output.isEmpty)
    }
}
