import CoupletInference
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletTraining
import Foundation
import TestSupport
import Testing

/// A sample that is shown as something else.
private struct WrongContent: Error {
    let content: RunSamples.Content
}

/// What `couplet report` shows of pictures, and `--pictures` of `retrieve` and `sample`.
@Suite struct SampleReportTests {
    /// A run on small made-up digits.
    private static func digits(steps: Int = 60) throws -> TrainingFolder {
        let folder = try TrainingFolder(TrainingFolder.mnist("FOLDER/data", steps: steps))
        try folder.writeDigits()
        try FileManager.default.createDirectory(atPath: folder.path("data"), withIntermediateDirectories: true)
        for name in IDXFile.mnistNames {
            try FileManager.default.moveItem(atPath: folder.path(name), toPath: folder.path("data/\(name)"))
        }
        _ = try folder.digest("run", ["--threads", "1"])
        return folder
    }

    /// The pages with the samples of the data as they are, moved, gone, and left out.
    @Test func pageOfDigits() throws {
        let folder = try Self.digits()
        func report(_ arguments: String...) throws -> String {
            let result = try CoupletInvocation(
                arguments: ["report", "run", "-o", "page.html"] + arguments, in: folder.files.path)
            #expect(result.exitCode == 0 && result.errors.isEmpty, "\(result.errors)")
            let page = try String(contentsOfFile: folder.path("page.html"), encoding: .utf8)
            #expect(ParsedMarkup(page).problem == nil)
            return page
        }
        let page = try report("--threads", "1"), markup = ParsedMarkup(page)
        #expect(page.contains("200 held-out pairs") && page.contains("Embeddings in two dimensions"))
        // 8 images with 6 labels each, and 8 labels with 6 images each.
        #expect(markup.all("img").count == 8 + 8 * 6 && markup.all("li", class: "is-right").count >= 8)
        #expect(markup.all("bdi").isEmpty && !page.contains("Augmented samples"))
        #expect(try report("--threads", "2") == page, "the same page for any number of threads")
        #expect(!(try report("--no-samples")).contains("Samples"))
        try FileManager.default.moveItem(atPath: folder.path("data"), toPath: folder.path("moved"))
        let without = try report()
        #expect(without.contains("its samples are not shown: ") && without.contains("data"))
        #expect(without.contains("Curves") && !without.contains("<img"))
        #expect(try report("--set", "data.path=moved") == page)
    }

    /// Right answers are those of the labels, and the first ones have the highest probability.
    @Test func rightAnswersOfDigits() throws {
        let folder = try Self.digits()
        let run = try TrainedRun(folder.path("run"))
        let samples = try #require(try RunSamples(run, threads: 2))
        #expect(samples.pairs == 200 && samples.split == .heldOut && samples.augmentations.isEmpty)
        let images = try run.source.readRaw(.heldOut, (0..<200).map { UInt64($0) }, .first)
        let labels = try #require(try run.source.labels(.heldOut, (0..<200).map { UInt64($0) }))
        func label(_ content: RunSamples.Content) throws -> Int {
            switch content {
            case .label(let label): return label
            case .picture(let picture):
                #expect(picture.range == 0...255)
                let number = try #require((0..<200).first { images.rows($0..<$0 + 1).values == picture.values })
                return labels[number]
            default:
                Issue.record("\(content)")
                return -1
            }
        }
        // Equal images are one candidate.
        let distinct = Set((0..<200).map { images.rows($0..<$0 + 1).values }).count
        for retrieval in samples.retrievals {
            #expect(retrieval.rows.count == 8 && retrieval.galleryCount == (retrieval.given == .first ? 10 : distinct))
            for row in retrieval.rows {
                #expect(row.found.count == 6)
                for found in row.found { #expect(try found.isRight == (label(found.content) == label(row.query))) }
                #expect(zip(row.found, row.found.dropFirst()).allSatisfy { $0.probability >= $1.probability })
                #expect(row.found.reduce(0) { $0 + $1.probability } <= 1 + 1e-9)
            }
        }
        let map = try #require(samples.map)
        #expect(map.points.first.count == distinct && map.points.second.count == 10)
        #expect(map.shares.0 >= map.shares.1 && map.shares.0 + map.shares.1 <= 1)
        // The labels' points have the labels' names.
        #expect(map.points.second.allSatisfy { $0.name == "label \($0.label ?? -1)" })
    }

    /// Texts keep their script and direction; equal texts are one candidate.
    @Test func pageOfTexts() throws {
        let texts = ["وجه <&>", "顔", "a face", "פנים", "лицо"], count = 60
        let folder = try TrainingFolder(
            """
            data: {source: hdf5, path: FOLDER/faces.h5, augment: {first: {flip: 0.5}, second: {word_dropout: 0.1}}}
            encoders:
              embedding: 4
              first: {kind: cnn, channels: [4], hidden: [8]}
              second: {kind: text_cnn, vocabulary: 257}
            objective: {similarity: cosine, temperature: 0.2}
            batch: {size: 16, shards: 1}
            train: {steps: 4, checkpoint_every: 4, evaluate_every: null}

            """)
        let file = try HDF5File(creating: folder.path("faces.h5"))
        let values = (0..<count * 64).map { Float(($0 * 2_654_435_761) >> 7 & 255) / 255 }
        try file.write("/first", Tensor([count, 1, 8, 8], values))
        let ids = (0..<count).flatMap { row -> [Int] in
            let bytes = texts[row % 5].utf8.map { Int($0) + 1 }
            return bytes + [Int](repeating: 0, count: 16 - bytes.count)
        }
        try file.write("/second", ids, shape: [count, 16])
        try file.write("/text/second", (0..<count).map { texts[$0 % 5] })
        try file.write("/split", (0..<count).map { $0 < 20 ? 1 : 0 }, shape: [count])
        try file.close()
        _ = try folder.digest("run", ["--threads", "1"])
        let result = try CoupletInvocation("report", "run", "-o", "page.html", in: folder.files.path)
        #expect(result.exitCode == 0 && result.errors.isEmpty, "\(result.errors)")
        let page = try String(contentsOfFile: folder.path("page.html"), encoding: .utf8), markup = ParsedMarkup(page)
        #expect(markup.problem == nil && page.contains("The most probable of 5 candidates"))
        // Eight pictures with the five texts, the five texts with six pictures each, and four texts with six draws.
        let shown = markup.all("bdi")
        #expect(shown.count == 8 * 5 + 5 + 4 * 7 && shown.allSatisfy { $0.attributes["dir"] == "auto" })
        #expect(page.contains(">وجه &lt;&amp;&gt;</bdi>") && page.contains(">顔</bdi>"))
        // A picture has one right text, and a text four right pictures.
        #expect(markup.all("img").count == 8 + 5 * 6 + 4 * 7)
        #expect(page.contains("Augmented samples of the first modality"))
        // The ids are bytes, but the set does not say it.
        #expect(page.contains("Augmented samples of the second modality") && page.contains(" ids</bdi>"))
    }

    /// Classes are shown by their names, and texts with what word dropout leaves of them.
    @Test func namesOfClassesAndDroppedWords() throws {
        let folder = try TrainingFolder(
            """
            data: {source: hdf5, path: FOLDER/set.h5, augment: {second: {word_dropout: 0.5}}}
            encoders:
              embedding: 4
              first: {kind: cnn, channels: [4], hidden: [8]}
              second: {kind: layers, layers: [{embedding_bag: {width: 4}}]}
            objective: {similarity: cosine, temperature: 0.2}
            batch: {size: 8, shards: 1}
            train: {steps: 2, checkpoint_every: 2, evaluate_every: null}

            """)
        let pictures = PictureFolder(), words = ["red", "cat", "on", "the", "green", "mat"]
        var lines = ["path,caption,label,split"]
        for number in 0..<24 {
            try pictures.addPicture("\(number).png", number)
            let text = (0..<4).map { words[(number + $0 * $0) % 6] }.joined(separator: " ")
            lines.append(
                "\(number).png,\(text),\(number % 2 == 0 ? "tiger" : "zebra"),\(number < 8 ? "test" : "training")")
        }
        try pictures.folder.write("photos/c.csv", lines.joined(separator: "\n") + "\n")
        let set = try pictures.couplet(
            "data", "import", "--manifest", "photos/c.csv", "--size", "8", "--output", folder.path("set.h5"))
        #expect(set.exitCode == 0, "\(set.errors)")
        _ = try folder.digest("run", ["--threads", "1"])
        let samples = try #require(try RunSamples(TrainedRun(folder.path("run")), threads: 1))
        let dropped = try #require(samples.augmentations.first { $0.modality == .second })
        #expect(samples.augmentations.count == 1 && dropped.rows.count == 4)
        var lengths: [Int] = []
        for (original, draws) in dropped.rows {
            guard case .text(let text) = original else { throw WrongContent(content: original) }
            let all = text.split(separator: " ")
            #expect(all.count == 4 && draws.count == 6)
            for draw in draws {
                guard case .text(let text) = draw else { throw WrongContent(content: draw) }
                // Some of the words, in their order.
                var rest = all[...]
                for word in text.split(separator: " ") {
                    let place = rest.firstIndex(of: word)
                    #expect(place != nil, "\(text) of \(all)")
                    rest = rest[(place.map { $0 + 1 } ?? rest.endIndex)...]
                }
                lengths.append(text.split(separator: " ").count)
            }
        }
        #expect(lengths.min() == 1 && lengths.reduce(0, +) < 24 * 3 && lengths.reduce(0, +) > 24)
        #expect(samples.name(ofLabel: 1) == "zebra" && samples.name(ofLabel: 2) == "2")
        let result = try CoupletInvocation("report", "run", "-o", "page.html", in: folder.files.path)
        #expect(result.exitCode == 0 && result.errors.isEmpty, "\(result.errors)")
        let page = try String(contentsOfFile: folder.path("page.html"), encoding: .utf8)
        #expect(page.contains("zebra") && page.contains("(tiger)") && page.contains("Augmented samples of the second"))
    }

    /// Width and height of a PNG file, from its header.
    private static func extent(_ path: String) throws -> (width: Int, height: Int) {
        let data = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        #expect(Array(data.prefix(8)) == [137, 80, 78, 71, 13, 10, 26, 10])
        func number(_ place: Int) -> Int { data[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
        return (number(16), number(20))
    }

    @Test func picturesOfRetrievalAndSamples() throws {
        let folder = try Self.digits()
        func run(_ arguments: String..., code: Int32 = 0) throws -> String {
            let result = try CoupletInvocation(arguments: arguments, in: folder.files.path)
            #expect(result.exitCode == code, "\(arguments): \(result.errors)")
            return result.errors + result.output
        }
        _ = try run("data", "export", "c.yaml", "--output", "rows.h5", "--count", "12")
        _ = try run(
            "retrieve", "run", "--query", "rows.h5:/first", "--gallery", "rows.h5:/second", "--top", "4", "--pictures",
            "found.png")
        let found = try Self.extent(folder.path("found.png"))
        // Twelve rows of a query and four labels; 28 pixels are drawn as 56.
        #expect(found.width == 30 + 5 * 74 && found.height == 10 + 12 * (56 + 26))
        let again = try run(
            "retrieve", "run", "--query", "rows.h5:/first", "--gallery", "rows.h5:/second", "--pictures", "found.png",
            code: 74)
        #expect(again.contains("found.png") && again.contains("exists already"), "\(again)")
        _ = try run(
            "sample", "run", "--given", "second", "--query", "rows.h5", "--count", "25", "--pictures", "drawn.png")
        let drawn = try Self.extent(folder.path("drawn.png"))
        #expect(drawn.width == 30 + 11 * 74 && drawn.height == 10 + 12 * (56 + 26), "at most ten samples")

        try folder.files.write("g.yaml", TrainingFolder.tinyGaussian())
        _ = try run("train", "g.yaml", "--output", "gaussian", "--progress", "none")
        _ = try run("data", "export", "g.yaml", "--output", "g.h5", "--count", "3")
        let refused = try run(
            "retrieve", "gaussian", "--query", "g.h5:/first", "--gallery", "g.h5:/second", "--pictures", "g.png",
            code: 65)
        #expect(refused.contains("the first modality has samples of the shape 4") && refused.contains("no pictures"))
    }
}
