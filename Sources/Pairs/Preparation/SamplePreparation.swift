import CoupletStorage
import CoupletText

/// How plain inputs, picture files or texts, became the rows of a modality. It is stored with a set of pairs and in the
/// checkpoints of a run, so that other plain inputs become rows in the same way.
///
/// As text it is a JSON object, in the attribute `preparation` of the dataset:
///
///     {"kind": "picture", "channels": 3, "height": 32, "width": 32, "fit": "pad", "decoder": "libpng 1.6.39"}
///     {"kind": "text", "tokenizer": "words", "positions": 12, "vocabulary": 5000, "folding": 1}
///
/// What is too large for an attribute, the content of a tokenizer, is the dataset of bytes /tokenizer/second.
public enum SamplePreparation: Sendable {
    case picture(PicturePreparation)
    case text(TextPreparation)

    public var picture: PicturePreparation? { if case .picture(let picture) = self { picture } else { nil } }
    public var text: TextPreparation? { if case .text(let text) = self { text } else { nil } }

    /// The shape of a row.
    public var shape: [Int] {
        switch self {
        case .picture(let picture): picture.shape
        case .text(let text): [text.positions]
        }
    }

    /// The JSON text.
    public var json: String {
        let versions: [(String, JSONValue)] =
            switch self {
            case .picture(let picture): [("decoder", .string(picture.decoder))]
            case .text(let text): text.library.map { [("library", .string($0))] } ?? []
            }
        return JSONValue.object(settings + versions).text
    }

    /// What is stored beside the JSON text; nil if that is all.
    public var content: [UInt8]? { text?.tokenizer.content }

    /// What determines the rows, and not which library computed them.
    private var settings: [(String, JSONValue)] {
        switch self {
        case .picture(let picture): [("kind", .string("picture"))] + picture.settings
        case .text(let text): [("kind", .string("text"))] + text.settings
        }
    }

    /// Reads a stored preparation.
    /// - Throws: `TokenizerError` if the text is not one of those above, or if the content is missing or damaged.
    public init(json text: String, content: [UInt8]?) throws {
        guard let json = JSONValue(text: text), let kind = json["kind"]?.string else {
            throw TokenizerError("\"\(text.prefix(80))\" is no JSON object with a kind")
        }
        switch kind {
        case "picture":
            guard let picture = PicturePreparation(json) else {
                throw TokenizerError("it names no channels, height, width and fit of pictures")
            }
            self = .picture(picture)
        case "text": self = .text(try TextPreparation(json, content: content))
        default:
            throw TokenizerError(
                "the kind \(kind) is neither picture nor text", remedy: "use the release of Couplet that wrote it")
        }
    }

    /// Whether both give the same rows. The libraries may differ in their versions.
    public func givesSameRows(as other: SamplePreparation) -> Bool {
        JSONValue.object(settings) == JSONValue.object(other.settings) && content == other.content
    }

    /// Checks that rows of a file are made as these are.
    /// - Throws: `DataError` with both.
    package func require(_ other: SamplePreparation, at location: String) throws {
        if givesSameRows(as: other) { return }
        throw DataError(
            at: location, reason: "its rows are made in another way than those of the run: \(difference(from: other))",
            remedy: "make the set again with the run's way: couplet data import … --like, with the set of the run")
    }

    /// Both preparations in words, for messages: "A, and B in the run".
    package func difference(from other: SamplePreparation) -> String {
        summary == other.summary
            ? "both are \(summary), with another vocabulary or other rules"
            : "\(other.summary), and in the run \(summary)"
    }

    /// In words, for messages: "words with 5000 ids at 12 positions".
    public var summary: String {
        switch self {
        case .picture(let picture):
            "pictures of \(picture.shape.map(String.init).joined(separator: " × ")), fit: "
                + picture.format.fit.rawValue
        case .text(let text):
            "texts by the tokenizer \(text.tokenizerName) with \(text.vocabulary) ids at \(text.positions) positions"
        }
    }
}

// MARK: - In HDF5

extension SamplePreparation {
    /// The attribute of a dataset that holds the JSON text.
    public static let attribute = "preparation"

    /// The dataset of the content: "/tokenizer/second".
    public static func contentName(_ modality: Modality) -> String { "/tokenizer/\(modality.rawValue)" }

    /// Writes the preparation of a modality into a set.
    /// - Parameter dataset: the rows, which exist in the file.
    /// - Throws: `FileError` if the system refuses, or if the file has a tokenizer of the modality already.
    public func write(_ modality: Modality, of dataset: String, to file: HDF5File) throws {
        try file.setAttribute(Self.attribute, .string(json), of: dataset)
        if let content { try file.write(Self.contentName(modality), content, shape: [content.count]) }
    }

    /// Reads the preparation of a modality from a set; nil if the dataset has none.
    /// - Throws: `FileError` if the file cannot be read; `DataError` if the preparation is damaged or unknown.
    public init?(_ modality: Modality, of dataset: String, in file: HDF5File) throws {
        guard case .string(let text)? = try file.attribute(Self.attribute, of: dataset) else { return nil }
        let name = Self.contentName(modality)
        let content = try file.dataset(name) == nil ? nil : file.readBytes(name)
        do {
            try self.init(json: text, content: content)
            let rows = try file.dataset(dataset)?.shape.dropFirst() ?? []
            guard Array(rows) == shape else {
                throw TokenizerError("it makes rows of the shape \(shape), but the dataset has \(Array(rows))")
            }
        } catch let error as TokenizerError {
            throw DataError(
                at: "\(file.path):\(dataset)@\(Self.attribute)", reason: error.reason, remedy: error.remedy)
        }
    }
}
