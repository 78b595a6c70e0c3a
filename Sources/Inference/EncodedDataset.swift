import CCoupletKernels
import CoupletEvaluation
import CoupletFiles
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletText
import CoupletTraining

/// Encodings of the rows of a dataset, read and encoded in batches; or a dataset that already holds encodings.
public struct EncodedDataset: Sendable {
    public let reference: DatasetReference
    /// N, the number of rows.
    public let count: Int
    /// e, the number of elements of an encoding.
    public let dimension: Int
    /// The modality of the rows; nil if the rows are encodings.
    public let modality: Modality?
    private let run: TrainedRun
    private let file: HDF5File
    private let shape: [Int]

    /// - Parameter modality: the modality of the rows, which are in the units of the run's source; nil if the rows are
    ///   N × e encodings.
    /// - Throws: `FileError` if the dataset cannot be read; `DataError` if it has no rows, or if its rows are not
    ///   samples of the modality.
    public init(_ reference: DatasetReference, of modality: Modality?, run: TrainedRun) throws {
        self.reference = reference
        self.modality = modality
        self.run = run
        file = try HDF5File(reading: reference.file)
        guard let dataset = try file.dataset(reference.dataset) else {
            throw FileError(
                .badData, at: "\(reference)", reason: "there is no such dataset",
                remedy: "the file has "
                    + NearestNames.sorted(try file.datasetNames, nearest: reference.dataset).joined(separator: ", "))
        }
        guard dataset.rows > 0, !dataset.shape.isEmpty else {
            throw DataError(at: "\(reference)", reason: "has no rows")
        }
        (shape, count) = (dataset.shape, dataset.rows)
        dimension = run.configuration.encoders.embedding
        if modality == nil, shape != [count, dimension] {
            throw DataError(
                at: "\(reference)",
                reason: "has the shape \(shape), but encodings of this run are N × \(dimension)",
                remedy: "give encodings as couplet encode writes them, or leave --encoded out to have rows encoded")
        }
        // The first row shows a wrong width before any computation.
        if let modality { _ = try prepare(0..<1, modality) }
    }

    /// The labels of the rows, which are those of a label encoder; nil if they are numbers or encodings.
    /// - Throws: `FileError` if the dataset cannot be read.
    public func labels() throws -> [Int]? {
        guard let modality, run.source.description(of: modality).classes != nil else { return nil }
        return try file.readIntegers(reference.dataset)
    }

    /// Digest of the shape and of all rows, in 64 hexadecimal digits.
    /// - Throws: `FileError` if the dataset cannot be read.
    public func fingerprint() throws -> String { try Self.fingerprint(reference) }

    static func fingerprint(_ reference: DatasetReference) throws -> String {
        let file = try HDF5File(reading: reference.file)
        var digest = Digest()
        guard let dataset = try file.dataset(reference.dataset) else { return "" }
        digest.update(dataset.shape)
        let blockRows = max(1, (1 << 20) / max(dataset.columns, 1))
        for start in stride(from: 0, to: dataset.rows, by: blockRows) {
            digest.update(
                try file.readFloats(reference.dataset, rows: start..<min(start + blockRows, dataset.rows)))
        }
        return digest.hexadecimal
    }

    /// Makes a reader for one worker: a function that writes the encodings of a range of rows into a tensor, rows × e.
    /// The range must begin at a multiple of 256 rows, so that the bits of an encoding do not depend on the reader.
    ///
    /// The reader throws `DataError` with the number of the row if a row holds a number that is not finite or is not a
    /// sample of the modality.
    public func reading() -> (Range<Int>, Tensor) throws -> Void {
        guard let modality else {
            return { rows, target in
                try file.readFloats(reference.dataset, rows: rows, into: target)
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
        let raw = try file.readFloats(reference.dataset, rows: rows)
        try requireFinite(raw, firstRow: rows.lowerBound)
        do {
            return try run.source.prepare(modality, raw: raw, firstRow: rows.lowerBound)
        } catch let error as DataError {
            throw DataError(at: "\(reference)", reason: error.reason, remedy: error.remedy)
        }
    }

    private func requireFinite(_ rows: Tensor, firstRow: Int) throws {
        let index = couplet_first_not_finite(rows.count, rows.pointer)
        if index < rows.count {
            throw DataError(
                at: "\(reference)",
                reason: "row \(firstRow + index / rows.columns) (counted from 0) holds \(rows.pointer[index])",
                remedy: "every number must be finite")
        }
    }
}
