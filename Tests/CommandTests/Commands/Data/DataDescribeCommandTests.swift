import CoupletStorage
import TestSupport
import Testing

@Suite struct DataDescribeCommandTests {
    @Test func aSetOfPicturesAndTexts() throws {
        let folder = PictureFolder()
        for seed in 1...3 { try folder.addPicture("\(seed).png", seed) }
        try folder.folder.write(
            "photos/c.tsv",
            """
            path\tcaption\tsplit\tlabel\tlanguage
            1.png\ta red cat\ttraining\tcat\ten
            1.png\ta cat\ttraining\tcat\ten
            2.png\ta cat\ttest\tcat\tsv
            3.png\tblue\ttest\tdog\tsv

            """)
        let made = try folder.couplet(
            "data", "import", "--manifest", "photos/c.tsv", "--size", "6x5", "--keep", "language", "--output", "s.h5")
        #expect(made.exitCode == 0, "\(made.errors)")
        let json = try folder.couplet("data", "describe", "s.h5", "--json").json()
        func value(_ section: String, _ name: String) -> Any? { (json[section] as? [String: Any])?[name] }
        let pixels = (1...3).flatMap { PictureFolder.picture($0).pixels }
        #expect(value("first", "shape") as? [Int] == [3, 3, 6, 5] && value("first", "type") as? String == "uint8")
        #expect(value("first", "smallest") as? Int == Int(pixels.min()!))
        #expect(value("first", "largest") as? Int == Int(pixels.max()!))
        let mean = Double(pixels.reduce(0) { $0 + Int($1) }) / Double(pixels.count)
        #expect(value("first", "mean") as? Double == mean)
        #expect(value("first", "duplicate_rows") as? Int == 0)
        #expect(value("second", "shape") as? [Int] == [3, 3])
        #expect(value("second", "tokens") as? Int == 6 && value("second", "median_length") as? Int == 2)
        #expect(value("second", "shortest") as? Int == 1 && value("second", "longest") as? Int == 3)
        // Of the training texts: a, cat, red; "blue" is unknown.
        #expect(value("second", "vocabulary") as? Int == 5 && value("second", "unknown_words") as? Int == 1)
        #expect(value("second", "used_ids") as? Int == 4 && value("second", "full_rows") as? Int == 1)
        #expect(value("pairs", "count") as? Int == 4 && value("pairs", "most_per_first") as? Int == 2)
        #expect(value("labels", "0 cat") as? Int == 3 && value("labels", "1 dog") as? Int == 1)
        #expect(value("groups", "count") as? Int == 3 && value("groups", "largest") as? Int == 2)
        #expect(value("splits", "training") as? Int == 2 && value("splits", "test") as? Int == 2)
        #expect(value("splits", "first_rows_in_training_and_others") as? Int == 0)
        #expect(value("splits", "second_rows_in_training_and_others") as? Int == 1)
        #expect(value("columns", "language") as? Int == 2)
        let text = try folder.couplet("data", "describe", "s.h5").output
        #expect(text.hasPrefix("first\n  shape") && text.contains("3 × 3 × 6 × 5") && text.contains("\nsplits\n"))
    }

    @Test func numbersThatAreMissingOrEqual() throws {
        let folder = PictureFolder(), path = folder.folder.file("s.h5")
        let file = try HDF5File(creating: path)
        try file.write("/first", [1, .nan, 3, 4, 1, 2, 1, 2, -9, .infinity], shape: [5, 2])
        try file.write("/second", [0.5, -999, 1.5, 2.5, 0.5], shape: [5])
        try file.setAttribute("missing_value", -999.0, of: "/second")
        try file.close()
        let json = try folder.couplet("data", "describe", "s.h5", "--json").json()
        func value(_ section: String, _ name: String) -> Double? {
            (json[section] as? [String: Any])?[name] as? Double
        }
        #expect(value("first", "missing_numbers") == 2 && value("first", "rows_with_missing") == 2)
        #expect(value("first", "smallest") == -9 && value("first", "largest") == 4 && value("first", "mean") == 0.625)
        #expect(value("first", "duplicate_rows") == 1)
        #expect(value("second", "missing_numbers") == 1 && value("second", "mean") == 1.25)
        #expect(value("second", "duplicate_rows") == 1 && value("pairs", "count") == 5)
    }

    /// A manifest is described before the import, with the rows that the import would refuse.
    @Test func aManifestAndAFolderOfClasses() throws {
        let folder = PictureFolder()
        for seed in 1...3 { try folder.addPicture("\(seed).png", seed) }
        try folder.folder.write(
            "photos/c.csv",
            """
            path,caption,split,label,group
            1.png,"a red cat, here",training,cat,x
            1.png,a cat,training,cat,x
            2.png,a cat,test,cat,x
            9.png,blue,test,dog,y
            3.png,,test,dog,y

            """)
        let json = try folder.couplet("data", "describe", "photos/c.csv", "--json").json()
        func value(_ section: String, _ name: String) -> Any? { (json[section] as? [String: Any])?[name] }
        #expect(value("pictures", "rows") as? Int == 5 && value("pictures", "files") as? Int == 3)
        #expect(value("pictures", "bad_rows") as? Int == 2)
        #expect(value("pictures", "bad_row_1") as? String == "photos/c.csv:5: 9.png: there is no such file")
        #expect(value("pictures", "bad_row_2") as? String == "photos/c.csv:6: caption is empty")
        #expect(value("texts", "count") as? Int == 4 && value("texts", "distinct") as? Int == 3)
        #expect(value("texts", "most_per_file") as? Int == 2 && value("texts", "fewest_per_file") as? Int == 1)
        // "a red cat , here" has five words, and the median of 1, 2, 2, 5 is 2.
        #expect(value("texts", "longest") as? Int == 5 && value("texts", "median_length") as? Int == 2)
        #expect(value("texts", "words") as? Int == 6)
        #expect(value("labels", "cat") as? Int == 3 && value("labels", "dog") as? Int == 1)
        #expect(value("groups", "count") as? Int == 2 && value("groups", "divided_by_splits") as? Int == 1)
        #expect(value("splits", "training") as? Int == 2 && value("splits", "test") as? Int == 2)
        let text = try folder.couplet("data", "describe", "photos/c.csv").output
        #expect(text.hasPrefix("pictures\n  rows ") && text.contains("there is no such file"), "\(text)")

        try folder.addPicture("tree/1.png", 1)
        try folder.addPicture("cat/1.png", 2)
        try folder.addPicture("cat/2.png", 3)
        let classes = try folder.couplet("data", "describe", "photos", "--json").json()
        #expect((classes["labels"] as? [String: Int]) == ["classes": 2, "cat": 2, "tree": 1])
        #expect((classes["pictures"] as? [String: Int]) == ["rows": 3, "files": 3, "bad_rows": 0])
        // What is one modality of a set, and numbers in a CSV file.
        for name in ["a.npy", "photos/cat"] {
            if name.hasSuffix("npy") { try folder.folder.write(name, "x") }
            let result = try folder.couplet("data", "describe", name)
            #expect(result.exitCode == 65 && result.errors.contains("couplet data import --first \(name)"))
        }
        try folder.folder.write("n.csv", "a,b\n1,2\n")
        let numbers = try folder.couplet("data", "describe", "n.csv")
        #expect(
            numbers.exitCode == 65 && numbers.errors.contains("has no column for the picture"), "\(numbers.errors)")
        try folder.folder.write("rows.csv", "0.5,1\n2,-3e4\n")
        let rows = try folder.couplet("data", "describe", "rows.csv")
        #expect(rows.exitCode == 65 && rows.errors.contains("is a table of numbers"), "\(rows.errors)")
    }

    @Test func whatIsNoSetIsTold() throws {
        let folder = PictureFolder()
        let file = try HDF5File(creating: folder.folder.file("s.h5"))
        try file.write("/first", [1, 2], shape: [2])
        try file.close()
        let missing = try folder.couplet("data", "describe", "s.h5")
        #expect(missing.exitCode == 65 && missing.errors == "couplet: s.h5: has no /second; it has /first\n")
        let pairs = try HDF5File(modifying: folder.folder.file("s.h5"))
        try pairs.write("/second", [1, 2, 3], shape: [3])
        try pairs.write("/pairs", [0, 0, 1, 3], shape: [2, 2])
        try pairs.close()
        let beyond = try folder.couplet("data", "describe", "s.h5")
        #expect(
            beyond.exitCode == 65 && beyond.errors.contains("s.h5:/pairs: row 1 names the rows 1 and 3; /first has 2"))
    }
}
