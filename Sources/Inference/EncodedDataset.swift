import CCoupletKernels
import CoupletEvaluation
import CoupletFiles
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletText

/// Rows of a user's dataset as the encodings that a run makes of them, a few at a time; or rows that are encodings already.
public struct EncodedDataset: Sendable {
    /// Rows that an encoder takes at once. Encodings are made in groups that begin at a multiple of it, so that their bits do not depend on who
    /// asks for which.
    static let groupRows = 256

    public let reference: DatasetReference
    /// N.
    public let count: Int
    /// e, the numbers of an encoding.
    public let dimension: Int
    /// Whose rows; nil: encodings.
    public let modality: Modality?
    private let run: TrainedRun
    private let file: HDF5File
    private let shape: [Int]

    /// - Parameter modality: whose rows these are, in the units of the run's source; nil where they are N × e encodings.
    /// - Throws: `FileError` where the dataset cannot be read; `DataError` where it has no rows, or its rows are none of that modality.
    public init(_ reference: DatasetReference, of modality: Modality?, run: TrainedRun) throws {
        self.reference = reference
        self.modality = modality
        self.run = run
        file = try HDF5File(reading: reference.file)
        guard let dataset = try file.dataset(reference.dataset) else {
            throw FileError(
                .badData, place: "\(reference)", reason: "there is no such dataset",
                remedy: "the file has "
                    + NearestNames.sorted(try file.datasetNames, nearest: reference.dataset).joined(separator: ", "))
        }
        guard dataset.rows > 0, !dataset.shape.isEmpty else {
            throw DataError(place: "\(reference)", reason: "has no rows")
        }
        (shape, count) = (dataset.shape, dataset.rows)
        dimension = run.configuration.encoders.embedding
        if modality == nil, shape != [count, dimension] {
            throw DataError(
                place: "\(reference)", reason: "has the shape \(shape), but encodings of this run are N × \(dimension)",
                remedy: "give encodings as couplet encode writes them, or leave --encoded out to have rows encoded")
        }
        // The first row tells what all would: the wrong width is said before anything is computed.
        if let modality { _ = try prepared(0..<1, modality) }
    }

    /// A digest of what the rows are: their shape and 64 of them, evenly spread; 64 hexadecimal digits.
    public func fingerprint() throws -> String {
        var digest = Digest()
        digest.update(shape)
        for sample in 0..<min(64, count) {
            let row = sample * count / min(64, count)
            digest.update([row])
            digest.update(try file.readFloats(reference.dataset, rows: row..<(row + 1)))
        }
        return digest.hexadecimal
    }

    /// One worker's way to the encodings: writes those of a range, which begins at a multiple of 256 rows, into a tensor rows × e.
    ///
    /// It throws `DataError` where a row holds a number that is not finite, or no sample of the modality, with the row's number.
    public func reading() -> (Range<Int>, Tensor) throws -> Void {
        guard let modality else {
            return { rows, target in
                try file.readFloats(reference.dataset, rows: rows, into: target)
                try requireFinite(target, from: rows.lowerBound)
            }
        }
        let encoder = run.model.encoder(modality), rows = Self.groupRows
        let pass = BatchEncoder(encoder, parameters: run.model.parameters(modality), rows: rows)
        let output = Tensor([rows, encoder.outputCount])
        return { range, target in
            for start in stride(from: range.lowerBound, to: range.upperBound, by: rows) {
                let group = start..<min(start + rows, range.upperBound)
                let samples = try prepared(group, modality)
                // The last group is filled up, by its first row, to the size that all have.
                pass.input.rows(0..<group.count).copy(from: samples)
                for row in group.count..<max(rows, group.count) {
                    pass.input.rows(row..<(row + 1)).copy(from: samples.rows(0..<1))
                }
                pass.run(pass.input, into: output)
                let place = start - range.lowerBound
                target.rows(place..<(place + group.count)).copy(from: output.rows(0..<group.count))
            }
        }
    }

    /// The rows as the encoder gets them.
    private func prepared(_ rows: Range<Int>, _ modality: Modality) throws -> Tensor {
        let raw = try file.readFloats(reference.dataset, rows: rows)
        try requireFinite(raw, from: rows.lowerBound)
        do {
            return try run.source.prepare(modality, raw: raw)
        } catch let error as DataError {
            // Which row it is, the source does not know: it sees these rows alone.
            for row in 0..<raw.rows where raw.rows > 1 {
                do {
                    _ = try run.source.prepare(modality, raw: raw.rows(row..<(row + 1)))
                } catch let error as DataError {
                    let what = error.reason.hasPrefix("row 0 ") ? String(error.reason.dropFirst(6)) : error.reason
                    throw DataError(
                        place: "\(reference)", reason: "row \(rows.lowerBound + row) (counted from 0) \(what)",
                        remedy: error.remedy)
                }
            }
            throw DataError(place: "\(reference)", reason: error.reason, remedy: error.remedy)
        }
    }

    private func requireFinite(_ rows: Tensor, from first: Int) throws {
        let wrong = couplet_first_not_finite(rows.count, rows.pointer)
        if wrong < rows.count {
            throw DataError(
                place: "\(reference)",
                reason: "row \(first + wrong / rows.columns) (counted from 0) holds \(rows.pointer[wrong])",
                remedy: "every number must be finite")
        }
    }
}
