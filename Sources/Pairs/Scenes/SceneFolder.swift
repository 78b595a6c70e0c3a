import CoupletFiles
import CoupletText

/// A set of scenes and sentences on the disk, in the layout of Multimodal3DIdent: the folders train, val and test, each
/// with images/N.png (N has ⌈log₁₀ count⌉ digits), latents_image.csv, latents_text.csv and text/text_raw.txt (a
/// sentence a line); and vocab.json, the words of the sentences.
public struct SceneFolder: Sendable {
    /// The parts of a set.
    public enum Part: String, CaseIterable, Sendable {
        case training = "train"
        case validation = "val"
        case test

        /// Chooses the scenes of the part.
        var number: UInt64 { UInt64(Self.allCases.firstIndex(of: self)!) }
    }

    /// What determines a set: the same request writes the same bytes.
    public struct Request: Equatable, Sendable {
        public var counts: [Part: Int]
        public var size: Int
        public var seed: UInt64
        /// Whether the hue of the object depends on its position from left to right.
        public var colorDependsOnPosition: Bool

        public init(
            training: Int, validation: Int, test: Int, size: Int = 64, seed: UInt64 = 0,
            colorDependsOnPosition: Bool = false
        ) {
            counts = [.training: training, .validation: validation, .test: test]
            (self.size, self.seed, self.colorDependsOnPosition) = (size, seed, colorDependsOnPosition)
        }

        /// The request as it is stored beside the set.
        var json: JSONValue {
            .object(
                Part.allCases.map { ($0.rawValue, .integer(counts[$0] ?? 0)) }
                    + [
                        ("size", .integer(size)), ("seed", .string("\(seed)")),
                        ("color_depends_on_position", .boolean(colorDependsOnPosition)), ("version", .integer(1)),
                    ])
        }

        func factors(_ part: Part, _ number: Int) -> SceneFactors {
            SceneFactors(
                seed: seed, part: part.number, number: UInt64(number), colorDependsOnPosition: colorDependsOnPosition)
        }
    }

    public let path: String

    public init(path: String) { self.path = path }

    func folder(_ part: Part) -> String { "\(path)/\(part.rawValue)" }
    func pictures(_ part: Part) -> String { "\(folder(part))/images" }
    func pictureFactors(_ part: Part) -> String { "\(folder(part))/latents_image.csv" }
    func sentenceFactors(_ part: Part) -> String { "\(folder(part))/latents_text.csv" }
    func sentences(_ part: Part) -> String { "\(folder(part))/text/text_raw.txt" }
    var vocabulary: String { "\(path)/vocab.json" }
    /// The request of a set that this program rendered.
    private var request: String { "\(path)/render.json" }

    /// The file of a picture.
    /// - Parameter count: the number of pictures of the part.
    func picture(_ number: Int, of part: Part, count: Int) -> String {
        "\(pictures(part))/\(Self.name(number, count: count)).png"
    }

    /// N with ⌈log₁₀ count⌉ digits.
    package static func name(_ number: Int, count: Int) -> String {
        var digits = 0, power = 1
        while power < count { (digits, power) = (digits + 1, power * 10) }
        let text = "\(number)"
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    // MARK: - Rendering

    /// Makes the folders and the tables, which take no time. A folder of the same request continues.
    /// - Throws: `FileError` if the folder holds something else, or if the system refuses.
    public func prepare(_ wanted: Request) throws {
        try FileSystem.makeFolder(path)
        let text = wanted.json.indentedText()
        if FileSystem.exists(request) {
            guard try FileSystem.text(at: request) == text else {
                throw FileError(
                    .badData, at: path, reason: "holds a set of other scenes, as \(request) says",
                    remedy: "name another folder, or ask for the same scenes again")
            }
        } else if let entry = FileSystem.names(in: path).first(where: { $0 != FolderLock.fileName }) {
            throw FileError(
                .badData, at: path, reason: "is not empty: it holds \(entry)", remedy: "name a new folder")
        }
        try DurableFile.replace(request, with: text)
        var sentences: [String] = []
        for part in Part.allCases {
            guard let count = wanted.counts[part], count > 0 else { continue }
            for folder in [folder(part), pictures(part), "\(folder(part))/text"] { try FileSystem.makeFolder(folder) }
            try FileSystem.removePartialFiles(in: pictures(part))
            let factors = (0..<count).map { wanted.factors(part, $0) }
            func table(_ columns: [String], _ row: (SceneFactors) -> String) -> String {
                ([columns.joined(separator: ",")] + factors.map(row)).joined(separator: "\n") + "\n"
            }
            try DurableFile.replace(pictureFactors(part), with: table(SceneFactors.pictureColumns, \.pictureRow))
            try DurableFile.replace(sentenceFactors(part), with: table(SceneFactors.sentenceColumns, \.sentenceRow))
            let texts = factors.map(\.sentence)
            try DurableFile.replace(self.sentences(part), with: texts.joined(separator: "\n") + "\n")
            sentences += texts
        }
        // The words of the training sentences come first; those of a small set are not all of them.
        try writeVocabulary(SceneSentences.vocabulary(of: sentences))
    }

    private func writeVocabulary(_ words: [String]) throws {
        let json = JSONValue.object([
            ("w2i", .object(words.enumerated().map { ($1, .integer($0)) })),
            ("i2w", .object(words.enumerated().map { ("\($0)", .string($1)) })),
        ])
        try DurableFile.replace(vocabulary, with: json.text)
    }

    /// Renders the share of a worker: scenes worker, worker + workers, … of each part. Pictures that exist are kept.
    /// - Throws: `FileError` if the system refuses.
    public func render(_ wanted: Request, worker: Int, workers: Int) throws {
        for part in Part.allCases {
            let count = wanted.counts[part] ?? 0
            for number in stride(from: worker, to: count, by: workers) {
                let file = picture(number, of: part, count: count)
                if FileSystem.exists(file) { continue }
                // A picture that a power cut loses is rendered again, so its file is not flushed to the disk.
                try FileSystem.writeWhole(wanted.factors(part, number).rendered(size: wanted.size).png, to: file)
            }
        }
    }
}
