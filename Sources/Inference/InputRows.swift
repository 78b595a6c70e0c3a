import CoupletFiles
import CoupletImages
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletText

/// The rows that a user gives, in the units of the run's source. Rows of a dataset are read when they are needed; texts
/// and pictures become rows at once, in the way of the run's own samples.
public struct InputRows: Sendable {
    private enum Content: Sendable {
        case dataset(HDF5File, DatasetReference)
        case tokens([Int32])
        case pixels([UInt8])
    }

    private let content: Content
    /// What errors call the rows: "FILE.h5:/dataset", the path of a file.
    public let location: String
    /// N × the shape of a row.
    public let shape: [Int]
    /// What was lost when the rows were made, one sentence each.
    public let warnings: [String]
    /// The texts, or the names of the picture files; nil for a dataset.
    private let ownNames: [String]?
    private let datasetNames: RowNames?

    public var count: Int { shape[0] }

    /// - Parameter modality: the modality of the rows; nil if they are encodings, which only a dataset holds.
    /// - Throws: `FileError` if a file cannot be read; `DataError` if there are no rows, or if they cannot be samples
    ///   of the modality.
    public init(_ input: InputReference, of modality: Modality?, run: TrainedRun) throws {
        switch input {
        case .dataset(let reference):
            try self.init(dataset: HDF5File(reading: reference.file), reference, of: modality, run: run)
        case .texts(let texts):
            try self.init(texts, at: "\(input)", Self.preparation(input, modality, run))
        case .path(let path) where InputReference.isPicture(path):
            try self.init(pictures: path, Self.preparation(input, modality, run))
        case .path(let path):
            let preparation = try Self.preparation(input, modality, run)
            // A file of another kind is better told than its bytes.
            guard preparation.text != nil else { throw Self.unsuitable(path, preparation) }
            try self.init(LineReader.texts(of: path, acceptsPipe: true), at: path, preparation)
        }
    }

    /// - Parameter file: the file of the reference, which may be open for writing too.
    package init(
        dataset file: HDF5File, _ reference: DatasetReference, of modality: Modality?, run: TrainedRun
    ) throws {
        guard let dataset = try file.dataset(reference.dataset) else {
            throw FileError(
                .badData, at: "\(reference)", reason: "there is no such dataset",
                remedy: "the file has "
                    + NearestNames.sorted(try file.datasetNames, nearest: reference.dataset).joined(separator: ", "))
        }
        guard dataset.rows > 0, !dataset.shape.isEmpty else {
            throw DataError(at: "\(reference)", reason: "has no rows")
        }
        if let modality, let wanted = run.preparation(of: modality),
            let found = try SamplePreparation(modality, of: reference.dataset, in: file)
        {
            try wanted.require(found, at: "\(reference)")
        }
        (content, location, shape, warnings) = (.dataset(file, reference), "\(reference)", dataset.shape, [])
        (ownNames, datasetNames) = (nil, try RowNames(of: reference.dataset, in: file))
    }

    /// Rows of a dataset, whatever they are.
    init(placed reference: DatasetReference) throws {
        let file = try HDF5File(reading: reference.file)
        (content, location, warnings) = (.dataset(file, reference), "\(reference)", [])
        shape = try file.dataset(reference.dataset)?.shape ?? [0]
        (ownNames, datasetNames) = (nil, nil)
    }

    private init(_ texts: [String], at location: String, _ preparation: SamplePreparation) throws {
        guard let text = preparation.text else { throw Self.unsuitable(location, preparation) }
        guard !texts.isEmpty else { throw DataError(at: location, reason: "holds no text") }
        let (ids, counts) = try text.rows(texts)
        (content, self.location, shape) = (.tokens(ids), location, [texts.count, text.positions])
        warnings = counts.warnings(positions: text.positions).map { "\(location): \($0)" }
        (ownNames, datasetNames) = (texts, nil)
    }

    private init(pictures path: String, _ preparation: SamplePreparation) throws {
        guard let picture = preparation.picture else { throw Self.unsuitable(path, preparation) }
        var files = [path]
        if FileSystem.isFolder(path) {
            let names = FileSystem.names(in: path)
            files = names.filter(Picture.hasExtension).map { "\(path)/\($0)" }
            guard !files.isEmpty else {
                throw DataError(
                    at: path, reason: "holds no PNG or JPEG file\(names.isEmpty ? "" : " among \(names.count) names")",
                    remedy: "name the folder whose files are the pictures")
            }
        }
        var pixels: [UInt8] = []
        pixels.reserveCapacity(files.count * picture.format.bytes)
        for file in files { pixels += try Picture(reading: file, as: picture.format).pixels }
        (content, location, shape, warnings) = (.pixels(pixels), path, [files.count] + picture.shape, [])
        (ownNames, datasetNames) = (files.map(FileSystem.lastComponent), nil)
    }

    /// The way in which the run has made its samples.
    /// - Throws: `DataError` if it is not known.
    private static func preparation(
        _ input: InputReference, _ modality: Modality?, _ run: TrainedRun
    ) throws -> SamplePreparation {
        guard let modality else {
            throw DataError(
                at: "\(input)", reason: "holds no encodings", remedy: "give them as FILE.h5:/dataset")
        }
        guard let preparation = run.preparation(of: modality) else {
            throw DataError(
                at: "\(input)",
                reason: "the run does not say how texts or pictures become samples of its \(modality) modality",
                remedy: "give the samples as FILE.h5:/dataset, or train on a set that couplet data import has made")
        }
        return preparation
    }

    private static func unsuitable(_ location: String, _ preparation: SamplePreparation) -> DataError {
        preparation.text == nil
            ? DataError(
                at: location, reason: "is text, but the samples of this modality are pictures",
                remedy: "name a PNG or JPEG file, or a folder of them, or the other modality")
            : DataError(
                at: location, reason: "is a picture or a folder, but the samples of this modality are texts",
                remedy: "name a text file with one text a line, or the other modality")
    }

    /// Reads rows as Float32, in the units of the run's source.
    /// - Throws: `FileError` if they cannot be read.
    public func read(_ rows: Range<Int>) throws -> Tensor {
        let columns = shape.dropFirst().reduce(1, *), range = rows.lowerBound * columns..<rows.upperBound * columns
        let rowShape = [rows.count] + shape.dropFirst()
        switch content {
        case .dataset(let file, let reference): return try file.readFloats(reference.dataset, rows: rows)
        case .tokens(let ids): return Tensor(rowShape, ids[range].map { Float($0) })
        case .pixels(let pixels): return Tensor(rowShape, pixels[range].map { Float($0) })
        }
    }

    /// Reads rows in any order, as `read(_:)`.
    func read(_ numbers: [Int]) throws -> Tensor {
        let rows = Tensor([numbers.count] + shape.dropFirst())
        for (row, number) in numbers.enumerated() {
            rows.rows(row..<row + 1).copy(from: try read(number..<number + 1))
        }
        return rows
    }

    /// Reads rows of one integer, such as labels.
    /// - Throws: `FileError` if they are no integers.
    func integers() throws -> [Int] {
        guard case .dataset(let file, let reference) = content else { return [] }
        return try file.readIntegers(reference.dataset)
    }

    /// The texts or the names of the picture files of rows; nil if they are not known.
    /// - Throws: `FileError` if they cannot be read.
    public func names(_ rows: [Int]) throws -> [String]? {
        try ownNames.map { names in rows.map { names[$0] } } ?? datasetNames?.names(rows)
    }

    /// Digest of the shape and of all rows, in 64 hexadecimal digits.
    /// - Throws: `FileError` if they cannot be read.
    public func fingerprint() throws -> String {
        var digest = Digest()
        digest.update(shape)
        let blockRows = max(1, (1 << 20) / max(shape.dropFirst().reduce(1, *), 1))
        for start in stride(from: 0, to: count, by: blockRows) {
            digest.update(try read(start..<min(start + blockRows, count)))
        }
        return digest.hexadecimal
    }
}
