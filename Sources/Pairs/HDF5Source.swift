import CoupletFiles
import CoupletStorage
import CoupletTensors

/// The user's own pairs, from one HDF5 file: row i of /first belongs to row i of /second.
///
/// - /first, /second: N × anything, of any numeric type; the modality's shape is all extents but the first. N floats are samples
///   of the shape [1]; N integers are labels, with max + 1 classes.
/// - /labels, if given: N integers ≥ 0, the classes for evaluation; without it /second, where that is labels.
/// - /split, if given: N integers, 0 for a training and 1 for a held-out pair. Without it, the fraction `heldOut` of the pairs is
///   held out: the first ones of a permutation drawn from the seed.
///
/// Numbers of a split count its rows in the order of the file. Data up to `memoryLimit` are read at once, larger ones row by row.
public struct HDF5Source: PairSource {
    /// /first and /second are kept in memory where both together take at most 1 GiB as Float32.
    public static let memoryLimit = 1 << 30

    private let path: String
    private let first: HDF5Modality, second: HDF5Modality
    private let classes: [Int32]?
    /// The rows of the file in each split, ascending; nil where all pairs are training pairs.
    private let rows: (training: [UInt32], heldOut: [UInt32])?

    /// - Parameters:
    ///   - path: the HDF5 file.
    ///   - heldOut: the fraction of pairs held out, 0 ≤ heldOut < 1; 0 where the file has /split.
    ///   - seed: which pairs those are.
    /// - Throws: `FileError` where the file cannot be read; `DataError` where a dataset is missing, empty or not numeric, the
    ///   counts differ, a label is negative, or a number is not finite (that of data beyond `memoryLimit` when it is read).
    public init(path: String, heldOut: Double, seed: UInt64) throws {
        try self.init(path: path, heldOut: heldOut, seed: seed, memoryLimit: Self.memoryLimit)
    }

    package init(path: String, heldOut: Double, seed: UInt64, memoryLimit: Int) throws {
        self.path = path
        let file = try HDF5File(reading: path)
        let bytes = try ["/first", "/second"].reduce(0) {
            try $0 + (file.dataset($1)?.count ?? 0) * MemoryLayout<Float>.stride
        }
        first = try HDF5Modality("/first", of: file, memoryLimit: bytes <= memoryLimit ? memoryLimit : 0)
        second = try HDF5Modality("/second", of: file, memoryLimit: bytes <= memoryLimit ? memoryLimit : 0)
        guard first.count == second.count else {
            throw DataError(
                place: path, reason: "/first has \(first.count) rows, but /second has \(second.count)",
                remedy: "a pair is a row of each: they need equally many")
        }
        guard first.count <= Int(UInt32.max) else {
            throw DataError(
                place: path, reason: "has \(first.count) pairs",
                remedy: "split it: at most \(UInt32.max) can be numbered")
        }
        if let labels = try Self.column("/labels", of: file, count: first.count) {
            guard labels.allSatisfy({ (0...Int(Int32.max)).contains($0) }) else {
                let wrong = labels.firstIndex { !(0...Int(Int32.max)).contains($0) }!
                throw DataError(
                    place: "\(path):/labels", reason: "row \(wrong) holds the label \(labels[wrong])",
                    remedy: "number the classes from 0")
            }
            classes = labels.map { Int32($0) }
        } else {
            classes = second.labels
        }
        rows = try Self.split(file, count: first.count, heldOut: heldOut, seed: seed)
    }

    public func description(of modality: Modality) -> ModalityDescription {
        modality == .first ? first.description : second.description
    }

    public func count(of split: Split) -> Int? {
        switch split {
        case .training: rows?.training.count ?? first.count
        case .heldOut: rows?.heldOut.count ?? 0
        }
    }

    public var gaussianCovariance: GaussianCovariance? { nil }

    public var residentBytes: Int { first.residentBytes + second.residentBytes }
    public var waitsForStorage: Bool { first.isOnDemand || second.isOnDemand }

    /// How many rows of each modality its digest covers.
    private static let digestRows = 256

    /// Over names, shapes and types of /first and /second, up to 256 of their rows spread evenly over the file, all labels, and which pairs are held
    /// out: cheap for a file of any size, so it tells other data, not every single changed number.
    public func dataDigest() throws -> String? {
        var digest = Digest()
        let count = min(first.count, Self.digestRows), last = UInt64(first.count - 1)
        let spread = (0..<count).map { UInt64($0) * last / UInt64(max(count - 1, 1)) }
        for modality in [first, second] {
            let dataset = modality.dataset
            digest.update("\(dataset.name) \(dataset.elementClass) \(dataset.elementBytes) \(dataset.isUnsigned)\0")
            digest.update([dataset.shape.count] + dataset.shape)
            let rows = Tensor([count] + modality.description.shape)
            try modality.read(spread, into: rows)
            digest.update(rows)
        }
        digest.update([classes?.count ?? 0, rows?.heldOut.count ?? 0])
        classes?.withUnsafeBytes { digest.update($0) }
        rows?.heldOut.withUnsafeBytes { digest.update($0) }
        return digest.hexadecimal
    }

    public func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        requireRows(first, numbers, .first)
        requireRows(second, numbers, .second)
        let rows = try fileRows(split, numbers)
        if let first { try self.first.read(rows, into: first) }
        if let second { try self.second.read(rows, into: second) }
    }

    public func labels(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? {
        guard let classes else { return nil }
        return try fileRows(split, numbers).map { Int(classes[Int($0)]) }
    }

    /// The file's own units are what the encoder gets: numbers are checked, labels against the classes of the file as well.
    public func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor {
        let rows = try rawRows(raw, modality, of: "data.source hdf5")
        if let classes = description(of: modality).classes { try requireClasses(rows, classes, of: "data.source hdf5") }
        return rows
    }

    public func readRaw(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> Tensor {
        let result = Tensor([numbers.count] + description(of: modality).shape)
        try read(split, numbers, first: modality == .first ? result : nil, second: modality == .second ? result : nil)
        return result
    }

    private func fileRows(_ split: Split, _ numbers: [UInt64]) throws -> [UInt64] {
        try requireNumbers(numbers, below: count(of: split)!, of: split, in: path)
        guard let rows else { return numbers }
        let list = split == .training ? rows.training : rows.heldOut
        return numbers.map { UInt64(list[Int($0)]) }
    }

    /// An optional dataset with one integer a pair.
    private static func column(_ name: String, of file: HDF5File, count: Int) throws -> [Int]? {
        guard let dataset = try file.dataset(name) else { return nil }
        guard dataset.shape == [count] else {
            throw DataError(
                place: "\(file.path):\(name)", reason: "has the shape \(dataset.shape), but there are \(count) pairs",
                remedy: "give one integer a pair, the shape [\(count)]")
        }
        return try file.readIntegers(name)
    }

    private static func split(
        _ file: HDF5File, count: Int, heldOut: Double, seed: UInt64
    ) throws -> (training: [UInt32], heldOut: [UInt32])? {
        guard heldOut >= 0, heldOut < 1 else {
            throw DataError(
                place: "data.held_out", reason: "is \(heldOut)",
                remedy: "give the fraction of the pairs to hold out, at least 0 and below 1")
        }
        var isHeldOut: [Bool]
        if let split = try column("/split", of: file, count: count) {
            guard heldOut == 0 else {
                throw DataError(
                    place: "data.held_out",
                    reason: "is \(heldOut), but \(file.path) says by /split which pairs are held out",
                    remedy: "leave data.held_out out")
            }
            if let wrong = split.firstIndex(where: { $0 != 0 && $0 != 1 }) {
                throw DataError(
                    place: "\(file.path):/split", reason: "row \(wrong) holds \(split[wrong])",
                    remedy: "write 0 for a training pair, 1 for a held-out pair")
            }
            isHeldOut = split.map { $0 == 1 }
        } else {
            if heldOut == 0 { return nil }
            let wanted = (heldOut * Double(count)).rounded()
            guard wanted > 0, wanted < Double(count) else {
                throw DataError(
                    place: "data.held_out",
                    reason: "\(heldOut) of \(count) pairs is \(wanted == 0 ? "none" : "all") of them",
                    remedy: "choose another fraction, or write /split into \(file.path)")
            }
            let permutation = Permutation(count: UInt64(count), seed: seed, stream: .split, number: 0)
            isHeldOut = [Bool](repeating: false, count: count)
            for position in 0..<UInt64(wanted) { isHeldOut[Int(permutation[position])] = true }
        }
        let numbers = 0..<UInt32(count)
        let training = numbers.filter { !isHeldOut[Int($0)] }
        guard !training.isEmpty else {
            throw DataError(
                place: "\(file.path):/split", reason: "every pair is held out",
                remedy: "write 0 for the pairs to train on")
        }
        return (training, numbers.filter { isHeldOut[Int($0)] })
    }
}
