import CCoupletKernels
import CoupletFiles
import CoupletImages
import CoupletSchema
import CoupletTensors
import CoupletText

/// Multimodal3DIdent (Daunhawer, Bizeul, Palumbo, Marx, Vogt, *Identifiability Results for Multimodal Contrastive
/// Learning*, ICLR 2023): pictures of an object, and sentences about them, in the published layout (`SceneFolder`),
/// which `couplet data render` writes too.
///
/// The first modality is the picture, [3, size, size], with (x/255 - m) / s of the bytes x, where m and s are those of
/// the authors for each channel. The second is the sentence as token ids, 0 for padding. The training samples are those
/// of train, the validation samples those of val, the held-out samples those of test. The label of a sample is the
/// shape of the object. Pictures are decoded once, when the source is opened, and held as bytes.
public struct SceneSource: PairSource {
    /// Mean and standard deviation of each channel of 3DIdent, scaled to 0 … 1, as the authors' program has them.
    public static let mean: [Float] = [0.4327, 0.2689, 0.2839], standardDeviation: [Float] = [0.1201, 0.1457, 0.1082]

    private struct Part: Sendable {
        let tables: SceneTables
        /// count × 3 × size × size.
        let pictures: [UInt8]
    }

    private let folder: SceneFolder
    private let size: Int
    /// The longest sentence with its end.
    private let positions: Int
    private let parts: [Split: Part]
    /// Number of words, with those for padding, end and unknown words.
    public let vocabulary: Int

    /// Reads the tables and the pictures.
    /// - Parameters:
    ///   - path: the folder with train, val and test.
    ///   - size: height and width to which pictures are resized; nil for that of the first picture.
    ///   - positions: the length of sentences with their end; nil for that of the longest.
    /// - Throws: `FileError` if a file is missing or no picture, `DataError` with file and line if a table is wrong, a
    ///   picture has another size, or the pictures do not fit into memory.
    public init(path: String, size: Int? = nil, positions: Int? = nil) throws {
        folder = SceneFolder(path: path)
        let words = try Self.vocabulary(of: folder)
        vocabulary = words.count
        let numbers = Dictionary(uniqueKeysWithValues: words.enumerated().map { ($1, $0) })
        var tables: [(Split, SceneFolder.Part, SceneTables)] = []
        for (split, part) in [
            (Split.training, SceneFolder.Part.training), (.validation, .validation), (.heldOut, .test),
        ]
        where split == .training || FileSystem.isFolder(folder.folder(part)) {
            tables.append((split, part, try SceneTables(folder, part, vocabulary: numbers)))
        }
        let longest = tables.flatMap { $0.2.sentences.map(\.count) }.max() ?? 1
        if let positions, positions < longest {
            throw DataError(
                at: "data.positions",
                reason: "is \(positions), but the longest sentence has \(longest) words with its end")
        }
        self.positions = positions ?? longest
        let first = try Picture(reading: folder.picture(0, of: .training, count: tables[0].2.count))
        guard size != nil || first.width == first.height else {
            throw DataError(
                at: folder.picture(0, of: .training, count: tables[0].2.count),
                reason: "is \(first.width) × \(first.height)",
                remedy: "set data.size to resize all pictures to a square")
        }
        self.size = size ?? first.width
        let bytes = tables.reduce(0) { $0 + $1.2.count } * 3 * self.size * self.size
        guard bytes <= HostMemory.available / 2 else {
            throw DataError(
                at: path, reason: "its pictures take \(MemorySize.text(bytes)) of memory",
                remedy: "set data.size to a smaller number, such as 64, to resize them")
        }
        var parts: [Split: Part] = [:]
        for (split, part, tables) in tables {
            parts[split] = Part(
                tables: tables,
                pictures: try Self.pictures(folder, part, count: tables.count, size: self.size, resizes: size != nil))
        }
        self.parts = parts
    }

    /// The words by their numbers: those of vocab.json, else of the sentences for training.
    private static func vocabulary(of folder: SceneFolder) throws -> [String] {
        guard FileSystem.exists(folder.vocabulary) else {
            return SceneSentences.vocabulary(of: try SceneTables.lines(of: folder.sentences(.training)))
        }
        func refuse(_ reason: String) -> DataError {
            DataError(
                at: folder.vocabulary, reason: reason,
                remedy: "delete the file: the words of the training sentences then take its place")
        }
        guard case .object(let members)? = JSONValue(text: try FileSystem.text(at: folder.vocabulary))?["w2i"] else {
            throw refuse("has no object w2i with the number of each word")
        }
        var words = [String?](repeating: nil, count: members.count)
        for (word, number) in members {
            guard let number = number.integer, words.indices.contains(number), words[number] == nil else {
                throw refuse("the numbers of the words are not 0 to \(members.count - 1), each once")
            }
            words[number] = word
        }
        let all = words.map { $0! }
        guard all.first == SceneSentences.padding, all.contains(SceneSentences.end) else {
            throw refuse("word 0 is not \(SceneSentences.padding), or there is no \(SceneSentences.end)")
        }
        return all
    }

    /// Decodes the pictures of a part on all cores.
    private static func pictures(
        _ folder: SceneFolder, _ part: SceneFolder.Part, count: Int, size: Int, resizes: Bool
    ) throws -> [UInt8] {
        let format = PictureFormat(channels: 3, height: size, width: size), bytes = format.bytes
        var all: [UInt8] = []
        all.reserveCapacity(count * bytes)
        let threads = HostProcessors.count
        try OrderedMap.run(count: count, threads: threads, batch: 256) { number -> Result<Picture, any Error> in
            Result {
                let path = folder.picture(number, of: part, count: count)
                if resizes { return try Picture(reading: path, as: format) }
                let picture = try Picture(reading: path).converted(toChannels: 3)
                guard picture.width == size, picture.height == size else {
                    throw DataError(
                        at: path,
                        reason: "is \(picture.width) × \(picture.height), but the first picture is \(size) × \(size)",
                        remedy: "set data.size to resize all pictures")
                }
                return picture
            }
        } _: { _, picture in
            all += try picture.get().pixels
        }
        return all
    }

    // MARK: - Samples

    public func description(of modality: Modality) -> ModalityDescription {
        ModalityDescription(shape: modality == .first ? [3, size, size] : [positions])
    }

    public func count(of split: Split) -> Int? { parts[split]?.tables.count ?? 0 }
    public var hasValidation: Bool { parts[.validation] != nil }
    public var residentBytes: Int { parts.values.reduce(0) { $0 + $1.pictures.count } }

    /// Covers the pixels, the token ids and the shapes.
    public func dataDigest() throws -> String? {
        var digest = Digest()
        for split in splits {
            guard let part = parts[split] else { continue }
            digest.update([part.tables.count, size, positions])
            part.pictures.withUnsafeBytes { digest.update($0) }
            for sentence in part.tables.sentences { digest.update([sentence.count] + sentence) }
            digest.update(part.tables.factors[0].values.map { Int($0) })
        }
        return digest.hexadecimal
    }

    private func part(_ split: Split, _ numbers: [UInt64]) throws -> Part {
        try requireNumbers(numbers, below: count(of: split)!, of: split, in: folder.path)
        // Without numbers a split may have no part.
        return parts[split] ?? parts[.training]!
    }

    public func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        requireRows(first, numbers, .first)
        requireRows(second, numbers, .second)
        let part = try part(split, numbers)
        if let first { copyPictures(part, numbers, into: first) { Self.scaling(ofChannel: $0) } }
        if let second { copySentences(part, numbers, into: second) }
    }

    public func readRaw(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> Tensor {
        let part = try part(split, numbers), rows = Tensor([numbers.count] + description(of: modality).shape)
        if modality == .second {
            copySentences(part, numbers, into: rows)
        } else {
            copyPictures(part, numbers, into: rows) { _ in (scale: 1, shift: 0) }
        }
        return rows
    }

    /// Writes the pixels x of pictures as scale · x + shift, channel by channel.
    private func copyPictures(
        _ part: Part, _ numbers: [UInt64], into rows: Tensor, _ scaling: (Int) -> (scale: Float, shift: Float)
    ) {
        let plane = size * size, scalings = (0..<3).map(scaling)
        part.pictures.withUnsafeBufferPointer { bytes in
            for (row, number) in numbers.enumerated() {
                for (channel, scaling) in scalings.enumerated() {
                    couplet_scale_bytes(
                        plane, bytes.baseAddress! + (3 * Int(number) + channel) * plane, scaling.scale, scaling.shift,
                        rows.pointer + (3 * row + channel) * plane)
                }
            }
        }
    }

    /// The factor and the summand that make bytes the numbers of a channel.
    private static func scaling(ofChannel channel: Int) -> (scale: Float, shift: Float) {
        (1 / (255 * standardDeviation[channel]), -mean[channel] / standardDeviation[channel])
    }

    private func copySentences(_ part: Part, _ numbers: [UInt64], into rows: Tensor) {
        for (row, number) in numbers.enumerated() {
            let ids = part.tables.sentences[Int(number)]
            for position in 0..<positions {
                rows.pointer[row * positions + position] = position < ids.count ? Float(ids[position]) : 0
            }
        }
    }

    public func labels(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? {
        let shapes = try part(split, numbers).tables.factors[0].values
        return numbers.map { Int(shapes[Int($0)]) }
    }

    /// The sentence of a sample.
    package func sentence(_ split: Split, _ number: UInt64) throws -> String {
        try part(split, [number]).tables.texts[Int(number)]
    }

    public func place(of number: UInt64, _ split: Split, _ modality: Modality) throws -> SamplePlace? {
        let part: SceneFolder.Part = split == .training ? .training : split == .validation ? .validation : .test
        return SamplePlace(
            location: modality == .first ? folder.pictures(part) : folder.sentences(part), row: Int(number))
    }

    /// - Parameter raw: for pictures, bytes 0 to 255, N × 3 × size × size; for sentences, token ids.
    public func preparationScaling(of modality: Modality) -> InputScaling? {
        guard modality == .first else { return nil }
        let channels = (0..<3).map { Self.scaling(ofChannel: $0) }
        return InputScaling(
            mean: channels.map { -$0.shift / $0.scale }, scale: channels.map(\.scale), .channel,
            shape: description(of: modality).shape)
    }

    public func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor {
        let rows = try rowsFromUser(raw, modality, of: "data.source \(SceneSpecification.name)")
        guard modality == .first else { return rows }
        let scaled = Tensor(rows.shape), plane = rows.columns / 3
        for index in 0..<3 * rows.rows {
            let (scale, shift) = Self.scaling(ofChannel: index % 3)
            couplet_scale_shift(plane, rows.pointer + index * plane, scale, shift, scaled.pointer + index * plane)
        }
        return scaled
    }
}

/// `data: {source: multimodal3dident, path: …}`.
public struct SceneSpecification: PairSourceKind {
    public static let name = "multimodal3dident"
    public static let hasLabels = true
    public static let table = ConfigurationTable(
        SceneSpecification(path: ""), help: "Multimodal3DIdent: pictures of objects, and sentences about them.",
        [
            .required("path", \.path, .path(example: "scenes"), "Folder with train, val and test."),
            .key(
                "size", \.size, .optional(.integer(1...1024, example: 64), isOmitted: true),
                "Height and width to which pictures are resized; null leaves them as they are."),
            .key(
                "positions", \.positions,
                .optional(.integer(1...ConfigurationLimits.extent, example: 31), isOmitted: true),
                "Length of the sentences with their end; null is that of the longest."),
        ])

    public var path: String
    public var size: Int?
    public var positions: Int?

    public init(path: String, size: Int? = nil, positions: Int? = nil) {
        (self.path, self.size, self.positions) = (path, size, positions)
    }

    public var dependsOnSeed: Bool { false }
    public var hasLatentFactors: Bool? { true }

    public func makeSource(seed: UInt64) throws -> any PairSource {
        try SceneSource(path: path, size: size, positions: positions)
    }
}

extension SceneSource: LatentFactorSource {
    /// The factors of the pictures, then those of the sentences that no picture has.
    private static func ownFactors(_ tables: SceneTables) -> [SceneTables.Factor] {
        let ofPictures = tables.factors.filter { $0.modality == .first }
        return ofPictures
            + tables.factors.filter { factor in
                factor.modality == .second && !ofPictures.contains { $0.name == factor.name }
            }
    }

    public var latentFactors: [LatentFactor] {
        Self.ownFactors(parts[.training]!.tables).map { LatentFactor(name: $0.name, columns: 1, classes: $0.classes) }
    }

    public func latents(_ split: Split, _ numbers: [UInt64]) throws -> [Tensor] {
        Self.ownFactors(try part(split, numbers).tables).map { factor in
            Tensor([numbers.count, 1], numbers.map { Float(factor.values[Int($0)]) })
        }
    }
}
