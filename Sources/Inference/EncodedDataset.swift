import CCoupletKernels
import CoupletEvaluation
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletTraining

/// Encodings of the rows that a user gives, read and encoded in batches; or a dataset that already holds encodings.
public struct EncodedDataset: Sendable {
    public let input: InputReference
    /// N, the number of rows.
    public let count: Int
    /// e, the number of elements of an encoding.
    public let dimension: Int
    /// The modality of the rows; nil if the rows are encodings.
    public let modality: Modality?
    private let run: TrainedRun
    private let rows: InputRows

    /// - Parameter modality: the modality of the rows, which are in the units of the run's source; nil if the rows are
    ///   N × e encodings.
    /// - Throws: `FileError` if the dataset cannot be read; `DataError` if it has no rows, or if its rows are not
    ///   samples of the modality.
    public init(_ reference: DatasetReference, of modality: Modality?, run: TrainedRun) throws {
        try self.init(.dataset(reference), of: modality, run: run)
    }

    /// - Parameter modality: as above.
    /// - Throws: as above.
    public init(_ input: InputReference, of modality: Modality?, run: TrainedRun) throws {
        self.input = input
        self.modality = modality
        self.run = run
        rows = try InputRows(input, of: modality, run: run)
        count = rows.count
        dimension = run.configuration.encoders.embedding
        if modality == nil, rows.shape != [count, dimension] {
            throw DataError(
                at: rows.location,
                reason: "has the shape \(rows.shape), but encodings of this run are N × \(dimension)",
                remedy: "give encodings as couplet encode writes them, or leave --encoded out to have rows encoded")
        }
        // The first row shows a wrong width before any computation.
        if let modality { _ = try prepare(0..<1, modality) }
    }

    /// The labels of the rows, which are those of a label encoder; nil if they are numbers or encodings.
    /// - Throws: `FileError` if the dataset cannot be read.
    public func labels() throws -> [Int]? {
        guard let modality, run.source.description(of: modality).classes != nil else { return nil }
        return try rows.integers()
    }

    /// The texts or the names of the picture files of rows; nil if they are not known.
    /// - Throws: `FileError` if they cannot be read.
    public func names(_ rows: [Int]) throws -> [String]? { try self.rows.names(rows) }

    /// What was lost when texts became rows, one sentence each.
    public var warnings: [String] { rows.warnings }

    /// The rows with these numbers as pictures, for a reader to look at.
    /// - Returns: nil if the rows are encodings, or if their shape or their numbers are not those of pictures.
    /// - Throws: `FileError` if the dataset cannot be read.
    public func pictures(_ numbers: [Int]) throws -> [SamplePicture]? {
        guard let modality else { return nil }
        let shape = run.source.description(of: modality).shape
        guard rows.shape.dropFirst().reduce(1, *) == shape.reduce(1, *), !numbers.isEmpty
        else { return nil }
        return SamplePicture.pictures(shape: shape, try rows.read(numbers))
    }

    /// Digest of the shape and of all rows, in 64 hexadecimal digits.
    /// - Throws: `FileError` if the dataset cannot be read.
    public func fingerprint() throws -> String { try rows.fingerprint() }

    /// Makes a reader for one worker: a function that writes the encodings of a range of rows into a tensor, rows × e.
    /// The range must begin at a multiple of 256 rows, so that the bits of an encoding do not depend on the reader.
    ///
    /// The reader throws `DataError` with the number of the row if a row holds a number that is not finite or is not a
    /// sample of the modality.
    public func reading() -> (Range<Int>, Tensor) throws -> Void {
        guard let modality else {
            return { rows, target in
                target.copy(from: try self.rows.read(rows))
                try requireFinite(target, firstRow: rows.lowerBound)
            }
        }
        let encoder = run.batchEncoder(modality)
        return { rows, target in
            try encoder.encode(rows: rows, read: { try prepare($0, modality) }) { encodings, batch in
                let offset = batch.lowerBound - rows.lowerBound
                target.rows(offset..<(offset + batch.count)).copy(from: encodings)
            }
        }
    }

    /// Reads rows and converts them to the form that the encoder takes.
    private func prepare(_ rows: Range<Int>, _ modality: Modality) throws -> Tensor {
        let raw = try self.rows.read(rows)
        try requireFinite(raw, firstRow: rows.lowerBound)
        do {
            return try run.source.prepare(modality, raw: raw, firstRow: rows.lowerBound)
        } catch let error as DataError {
            throw DataError(at: self.rows.location, reason: error.reason, remedy: error.remedy)
        }
    }

    private func requireFinite(_ tensor: Tensor, firstRow: Int) throws {
        let index = couplet_first_not_finite(tensor.count, tensor.pointer)
        if index < tensor.count {
            throw DataError(
                at: self.rows.location,
                reason: "row \(firstRow + index / tensor.columns) (counted from 0) holds \(tensor.pointer[index])",
                remedy: "every number must be finite")
        }
    }
}
