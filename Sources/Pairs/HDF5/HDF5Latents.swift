import CCoupletKernels
import CoupletStorage
import CoupletTensors

/// The latent factors of the pairs of a user's file: the datasets of a group, N numbers or N × columns each, one row a
/// pair.
///
/// A dataset of N or N × 1 integers is a discrete factor with the values 0 … largest. All others are continuous.
struct HDF5Latents: Sendable {
    /// The factors in the order of the group. Their names are those of the datasets, without the group.
    let factors: [LatentFactor]
    private let file: HDF5File
    private let group: String

    /// The largest number of values of a discrete factor.
    private static let mostClasses = 1 << 16

    /// Nil if the config names no group.
    /// - Parameter count: N.
    /// - Throws: `DataError` if the group is missing or empty, or if a dataset has another number of rows, holds no
    ///   numbers or has a negative class; `FileError` if it cannot be read.
    init?(_ file: HDF5File, _ names: HDF5DatasetNames, count: Int) throws {
        guard names.latents != nil else { return nil }
        let group = names[\.latents]
        let datasets = try file.datasetNames(under: group)
        guard !datasets.isEmpty else {
            throw DataError(
                at: file.path, reason: "has no datasets in the group \(group)",
                remedy:
                    "data.latents names a group, such as /latents, with a dataset for each factor: N numbers, or N × "
                    + "columns")
        }
        self.file = file
        self.group = group
        factors = try datasets.map { name in
            let location = "\(file.path):\(name)"
            guard let dataset = try file.dataset(name), dataset.rows == count, (1...2).contains(dataset.shape.count)
            else {
                throw DataError(
                    at: location, reason: "has the shape \(try file.dataset(name)?.shape ?? [])",
                    remedy:
                        "a factor has a row for each of the \(count) pairs: give the shape [\(count)] or [\(count), "
                        + "columns]")
            }
            var classes: Int?
            switch dataset.elementClass {
            case .other(let elements):
                throw DataError(
                    at: location, reason: "holds \(elements)",
                    remedy: "factors are numbers; write names as classes, integers from 0")
            case .integer where dataset.columns == 1:
                classes = try Self.classes(file.readIntegers(name), at: location)
            case .integer, .float: break
            }
            return LatentFactor(
                name: String(name.dropFirst(group.count + 1)), columns: dataset.columns, classes: classes)
        }
    }

    private static func classes(_ values: [Int], at location: String) throws -> Int {
        if let row = values.firstIndex(where: { !(0..<mostClasses).contains($0) }) {
            throw DataError(
                at: location, reason: "row \(row) holds the class \(values[row])",
                remedy: "classes are integers from 0 to \(mostClasses - 1); write quantities that are no classes as "
                    + "floats")
        }
        return (values.max() ?? 0) + 1
    }

    /// The factors of pairs of the file, each B × columns.
    /// - Throws: `FileError` if they cannot be read; `DataError` if a number is not finite.
    func read(pairs: [UInt64]) throws -> [Tensor] {
        try factors.map { factor in
            let values = Tensor([pairs.count, factor.columns]), name = "\(group)/\(factor.name)"
            if values.count == 0 { return values }
            try file.readFloats(name, rowNumbers: pairs, into: values)
            let wrong = couplet_first_not_finite(values.count, values.pointer)
            guard wrong == values.count else {
                throw DataError(
                    at: "\(file.path):\(name)",
                    reason: "row \(pairs[wrong / factor.columns]) holds \(values.pointer[wrong])",
                    remedy: "every number must be finite in Float32: correct the row, or leave the factor out")
            }
            return values
        }
    }
}

extension HDF5Source: LatentFactorSource {
    public var latentFactors: [LatentFactor] { latents?.factors ?? [] }

    public func latents(_ split: Split, _ numbers: [UInt64]) throws -> [Tensor] {
        try latents?.read(pairs: filePairs(split, numbers)) ?? []
    }
}
