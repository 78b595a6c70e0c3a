import CCoupletKernels
import CoupletFiles
import CoupletSchema
import CoupletStorage
import CoupletTensors

/// The user's pairs, from one HDF5 file: row i of /first is paired with row i of /second.
///
/// - /first, /second: N × anything, of any numeric type. All extents but the first are the modality's shape. A list of
///   N floats holds samples of the shape [1]; a list of N integers holds labels, with max + 1 classes.
/// - /labels (optional): N integers ≥ 0, the classes for evaluation. Without it /second gives them, if it holds labels.
/// - /split (optional): N integers, 0 for a training pair and 1 for a held-out pair. Without it, the fraction `heldOut`
///   of the pairs is held out: the first elements of a permutation drawn from the seed.
///
/// Each split numbers its rows in the order of the file. The source reads data of up to `memoryLimit` bytes when it is
/// opened, and the rows of larger data on request.
public struct HDF5Source: PairSource {
    /// The source loads /first and /second into memory if both together take at most 1 GiB as Float32.
    public static let memoryLimit = 1 << 30

    private let path: String
    private let first: HDF5Modality, second: HDF5Modality
    /// The class of each row of the file.
    private let classes: [Int32]?
    /// Rows of the file in each split, ascending; nil if all pairs are training pairs.
    private let rows: (training: [UInt32], heldOut: [UInt32])?

    /// - Parameters:
    ///   - path: the HDF5 file.
    ///   - heldOut: the fraction of the pairs to hold out, 0 ≤ heldOut < 1; 0 if the file has /split.
    ///   - seed: determines which pairs are held out.
    /// - Throws: `FileError` if the file cannot be read; `DataError` if a dataset is missing, empty or not numeric, the
    ///   counts differ, a label is negative, or a number is not finite (for data beyond `memoryLimit`, when it is
    ///   read).
    public init(path: String, heldOut: Double, seed: UInt64) throws {
        try self.init(path: path, heldOut: heldOut, seed: seed, memoryLimit: Self.memoryLimit)
    }

    package init(path: String, heldOut: Double, seed: UInt64, memoryLimit: Int) throws {
        self.path = path
        let file = try HDF5File(reading: path)
        let bytes = try ["/first", "/second"].reduce(0) {
            try $0 + (file.dataset($1)?.count ?? 0) * MemoryLayout<Float>.stride
        }
        let limit = bytes <= memoryLimit ? memoryLimit : 0
        first = try HDF5Modality("/first", of: file, memoryLimit: limit)
        second = try HDF5Modality("/second", of: file, memoryLimit: limit)
        guard first.count == second.count else {
            throw DataError(
                at: path, reason: "/first has \(first.count) rows, but /second has \(second.count)",
                remedy: "a pair is one row of each: give both the same number of rows")
        }
        guard first.count <= Int(UInt32.max) else {
            throw DataError(
                at: path, reason: "has \(first.count) pairs",
                remedy: "split the file: a source has at most \(UInt32.max) pairs")
        }
        if let labels = try Self.readColumn("/labels", of: file, count: first.count) {
            if let wrong = labels.firstIndex(where: { !(0...Int(Int32.max)).contains($0) }) {
                throw DataError(
                    at: "\(path):/labels", reason: "row \(wrong) holds the label \(labels[wrong])",
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

    public var residentBytes: Int { first.residentBytes + second.residentBytes }
    public var waitsForStorage: Bool { first.isOnDemand || second.isOnDemand }

    /// Number of rows of each modality that the digest covers.
    private static let digestRows = 256

    /// Covers names, shapes and types of /first and /second, up to 256 rows of each spread evenly over the file, all
    /// labels, and the held-out rows. The cost does not grow with the file, so the digest detects other data but not
    /// every changed number.
    public func dataDigest() throws -> String? {
        var digest = Digest()
        let count = min(first.count, Self.digestRows), lastRow = UInt64(first.count - 1)
        let sampledRows = (0..<count).map { UInt64($0) * lastRow / UInt64(max(count - 1, 1)) }
        for modality in [first, second] {
            let dataset = modality.dataset
            digest.update(
                "\(dataset.name) \(dataset.elementClass) \(dataset.elementBytes) \(dataset.isUnsigned)\0")
            digest.update([dataset.shape.count] + dataset.shape)
            let rows = Tensor([count] + modality.description.shape)
            try modality.read(sampledRows, into: rows)
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

    /// Returns the rows unchanged, because the encoders get the numbers of the file. Numbers must be finite, labels
    /// must be among the classes of the file.
    public func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor {
        let rows = try rowsFromUser(raw, modality, of: "data.source hdf5")
        if let classes = description(of: modality).classes {
            try requireClasses(rows, classes, of: "data.source hdf5")
        }
        return rows
    }

    /// Returns the row of the file for each sample number of a split.
    private func fileRows(_ split: Split, _ numbers: [UInt64]) throws -> [UInt64] {
        try requireNumbers(numbers, below: count(of: split)!, of: split, in: path)
        guard let rows else { return numbers }
        let splitRows = split == .training ? rows.training : rows.heldOut
        return numbers.map { UInt64(splitRows[Int($0)]) }
    }

    /// Reads an optional dataset with one integer per pair.
    private static func readColumn(_ name: String, of file: HDF5File, count: Int) throws -> [Int]? {
        guard let dataset = try file.dataset(name) else { return nil }
        guard dataset.shape == [count] else {
            throw DataError(
                at: "\(file.path):\(name)", reason: "has the shape \(dataset.shape), but there are \(count) pairs",
                remedy: "give one integer a pair, the shape [\(count)]")
        }
        return try file.readIntegers(name)
    }

    /// Returns the rows of each split, from /split or from the fraction `heldOut`; nil if all pairs are training pairs.
    private static func split(
        _ file: HDF5File, count: Int, heldOut: Double, seed: UInt64
    ) throws -> (training: [UInt32], heldOut: [UInt32])? {
        guard heldOut >= 0, heldOut < 1 else {
            throw DataError(
                at: "data.held_out", reason: "is \(heldOut)",
                remedy: "give the fraction of the pairs to hold out, at least 0 and below 1")
        }
        var isHeldOut: [Bool]
        if let split = try readColumn("/split", of: file, count: count) {
            guard heldOut == 0 else {
                throw DataError(
                    at: "data.held_out",
                    reason: "is \(heldOut), but \(file.path) has a /split that sets which pairs are held out",
                    remedy: "remove data.held_out")
            }
            if let wrong = split.firstIndex(where: { $0 != 0 && $0 != 1 }) {
                throw DataError(
                    at: "\(file.path):/split", reason: "row \(wrong) holds \(split[wrong])",
                    remedy: "write 0 for a training pair, 1 for a held-out pair")
            }
            isHeldOut = split.map { $0 == 1 }
        } else {
            if heldOut == 0 { return nil }
            let heldOutCount = (heldOut * Double(count)).rounded()
            guard heldOutCount > 0, heldOutCount < Double(count) else {
                throw DataError(
                    at: "data.held_out",
                    reason: "\(heldOut) of \(count) pairs is \(heldOutCount == 0 ? "none" : "all") of them",
                    remedy: "choose another fraction, or write /split into \(file.path)")
            }
            let permutation = Permutation(count: UInt64(count), seed: seed, stream: .split, number: 0)
            isHeldOut = [Bool](repeating: false, count: count)
            for position in 0..<UInt64(heldOutCount) { isHeldOut[Int(permutation[position])] = true }
        }
        let numbers = 0..<UInt32(count)
        let training = numbers.filter { !isHeldOut[Int($0)] }
        guard !training.isEmpty else {
            throw DataError(
                at: "\(file.path):/split", reason: "every pair is held out",
                remedy: "write 0 for the pairs to train on")
        }
        return (training, numbers.filter { isHeldOut[Int($0)] })
    }
}

/// `data: {source: hdf5, path: …}`.
public struct HDF5Specification: PairSourceKind {
    public static let name = "hdf5"
    public static let hasLabels = true
    public static let table = ConfigurationTable(
        HDF5Specification(path: ""), help: "Pairs from an HDF5 file.",
        [
            .required(
                "path", \.path, .text(example: "pairs.h5"),
                "HDF5 file with /first, /second and, optionally, /labels and /split."),
            .key(
                "held_out", \.heldOut, .number(.belowOne, example: 0.1),
                "Fraction of the pairs to hold out, if the file has no /split."),
        ])

    public var path: String
    /// Fraction of the pairs to hold out; 0 if the file has /split.
    public var heldOut: Double

    public init(path: String, heldOut: Double = 0) {
        self.path = path
        self.heldOut = heldOut
    }

    /// The seed chooses the held-out pairs and nothing else.
    public var dependsOnSeed: Bool { heldOut > 0 }

    public func makeSource(seed: UInt64) throws -> any PairSource {
        try HDF5Source(path: path, heldOut: heldOut, seed: seed)
    }
}

/// One modality of a user's file: the dataset /first or /second.
private struct HDF5Modality: Sendable {
    private enum Rows {
        case inMemory(Tensor)
        case onDemand
        case labels([Int32])
    }

    let description: ModalityDescription
    /// Number of samples in the file.
    let count: Int
    let dataset: DatasetDescription
    private let rows: Rows
    private let file: HDF5File
    /// Identity of the file when it was opened, to detect later changes.
    private let identity: FileIdentity
    private let name: String
    private var location: String { "\(file.path):\(name)" }
    /// Whether rows are read from the file on each request.
    var isOnDemand: Bool { if case .onDemand = rows { true } else { false } }

    /// Labels are stored as Float32, which represents every integer up to 2²⁴.
    private static let largestLabel = 1 << 24

    /// - Parameter memoryLimit: up to this many bytes of Float32 are read now, and the rows of larger data on request.
    /// - Throws: `FileError` if the dataset is missing or cannot be read, `DataError` if it cannot be a modality.
    init(_ name: String, of file: HDF5File, memoryLimit: Int) throws {
        (self.name, self.file) = (name, file)
        identity = try FileIdentity(of: file.path)
        let location = "\(file.path):\(name)"
        guard let dataset = try file.dataset(name) else {
            throw DataError(
                at: file.path,
                reason: "has no dataset \(name); it has \(try file.datasetNames.prefix(8).joined(separator: ", "))",
                remedy: "the pairs are the rows of /first and /second")
        }
        guard !dataset.shape.isEmpty else {
            throw DataError(
                at: location, reason: "is a single number", remedy: "give one row a sample, N × anything")
        }
        guard dataset.count > 0 else {
            throw DataError(at: location, reason: "is empty: its shape is \(dataset.shape)")
        }
        self.dataset = dataset
        count = dataset.rows
        switch (dataset.elementClass, dataset.shape.count) {
        case (.other(let elements), _):
            throw DataError(
                at: location, reason: "holds \(elements)",
                remedy: "samples are numbers: convert the elements before you write the file")
        case (.integer, 1):
            let labels = try Self.readLabels(name, of: file)
            let classes = labels.max()! + 1
            guard classes <= Self.largestLabel else {
                throw DataError(
                    at: location,
                    reason: "a list of integers holds labels, but this one goes up to \(classes - 1)",
                    remedy: "number the classes from 0; write quantities that are not labels as floats")
            }
            description = ModalityDescription(shape: [1], classes: classes)
            rows = .labels(labels.map { Int32($0) })
        default:
            description = ModalityDescription(
                shape: dataset.shape.count == 1 ? [1] : Array(dataset.shape.dropFirst()))
            guard dataset.count <= memoryLimit / MemoryLayout<Float>.stride else {
                rows = .onDemand
                return
            }
            let tensor = try file.readFloats(name)
            rows = .inMemory(tensor)
            try requireFinite(tensor) { $0 }
        }
    }

    /// Reads N integers ≥ 0.
    private static func readLabels(_ name: String, of file: HDF5File) throws -> [Int] {
        let labels = try file.readIntegers(name)
        if let wrong = labels.firstIndex(where: { $0 < 0 }) {
            throw DataError(
                at: "\(file.path):\(name)", reason: "row \(wrong) holds the label \(labels[wrong])",
                remedy: "number the classes from 0")
        }
        return labels
    }

    /// Writes these rows of the file into the rows of the tensor.
    /// - Throws: `FileError` if they cannot be read or the file changed since it was opened, `DataError` if a number is
    ///   not finite.
    func read(_ numbers: [UInt64], into target: Tensor) throws {
        switch rows {
        case .labels(let labels):
            for (row, number) in numbers.enumerated() { target.pointer[row] = Float(labels[Int(number)]) }
        case .inMemory(let tensor):
            let columns = tensor.columns
            for (row, number) in numbers.enumerated() {
                (target.pointer + row * columns).update(from: tensor.pointer + Int(number) * columns, count: columns)
            }
        case .onDemand:
            try file.readFloats(name, rowNumbers: numbers, into: target)
            try identity.requireUnchanged(file.path)
            try requireFinite(target) { Int(numbers[$0]) }
        }
    }

    /// Bytes of samples in memory.
    var residentBytes: Int {
        switch rows {
        case .inMemory(let tensor): tensor.count * MemoryLayout<Float>.stride
        case .onDemand: 0
        case .labels(let labels): labels.count * MemoryLayout<Int32>.stride
        }
    }

    /// The labels; nil if the modality does not hold labels.
    var labels: [Int32]? { if case .labels(let labels) = rows { labels } else { nil } }

    /// - Parameter fileRow: maps a row of the tensor to its row in the file.
    /// - Throws: `DataError` if a number is not finite.
    private func requireFinite(_ tensor: Tensor, _ fileRow: (Int) -> Int) throws {
        let position = couplet_first_not_finite(tensor.count, tensor.pointer)
        if position == tensor.count { return }
        let row = fileRow(position / description.shape.reduce(1, *))
        throw DataError(
            at: location, reason: "row \(row) holds \(tensor.pointer[position])",
            remedy: "every number must be finite in Float32: correct the row or remove it")
    }
}
