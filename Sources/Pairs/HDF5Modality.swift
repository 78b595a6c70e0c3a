import CCoupletKernels
import CoupletFiles
import CoupletStorage
import CoupletTensors

/// One modality of a user's file: /first or /second.
struct HDF5Modality: Sendable {
    let description: ModalityDescription
    /// How many samples the file has.
    let count: Int
    private enum Rows {
        case inMemory(Tensor)
        case onDemand
        case labels([Int32])
    }
    /// As the file has it.
    let dataset: DatasetDescription
    private let rows: Rows
    private let file: HDF5File
    /// As it was when it was opened.
    private let identity: FileIdentity
    private let name: String
    private var place: String { "\(file.path):\(name)" }
    /// Whether its rows are read from the file when asked for.
    var isOnDemand: Bool { if case .onDemand = rows { true } else { false } }

    /// Labels travel as Float32, which has every integer up to 2²⁴.
    private static let largestLabel = 1 << 24

    /// - Parameter memoryLimit: read at once up to this many bytes of Float32, else row by row when asked for.
    /// - Throws: `FileError` where the dataset is missing or cannot be read, `DataError` where it cannot be a modality.
    init(_ name: String, of file: HDF5File, memoryLimit: Int) throws {
        (self.name, self.file) = (name, file)
        identity = try FileIdentity(of: file.path)
        let place = "\(file.path):\(name)"
        guard let dataset = try file.dataset(name) else {
            throw DataError(
                place: file.path,
                reason: "has no dataset \(name); it has \(try file.datasetNames.prefix(8).joined(separator: ", "))",
                remedy: "the pairs are the rows of /first and /second")
        }
        guard !dataset.shape.isEmpty else {
            throw DataError(place: place, reason: "is a single number", remedy: "give one row a sample, N × anything")
        }
        guard dataset.count > 0 else {
            throw DataError(place: place, reason: "is empty: its shape is \(dataset.shape)")
        }
        self.dataset = dataset
        count = dataset.rows
        switch (dataset.elementClass, dataset.shape.count) {
        case (.other(let elements), _):
            throw DataError(
                place: place, reason: "holds \(elements)",
                remedy: "samples are numbers; turn them into numbers before writing the file")
        case (.integer, 1):
            let labels = try HDF5Modality.readLabels(name, of: file)
            let classes = labels.max()! + 1
            guard classes <= Self.largestLabel else {
                throw DataError(
                    place: place, reason: "a list of integers is one of labels, but it goes up to \(classes - 1)",
                    remedy: "number the classes from 0; for quantities that are no labels write floats")
            }
            description = ModalityDescription(shape: [1], classes: classes)
            rows = .labels(labels.map { Int32($0) })
        default:
            description = ModalityDescription(shape: dataset.shape.count == 1 ? [1] : Array(dataset.shape.dropFirst()))
            guard dataset.count <= memoryLimit / MemoryLayout<Float>.stride else {
                rows = .onDemand
                return
            }
            let tensor = try file.readFloats(name)
            rows = .inMemory(tensor)
            try requireFinite(tensor) { $0 }
        }
    }

    /// N integers ≥ 0.
    static func readLabels(_ name: String, of file: HDF5File) throws -> [Int] {
        let labels = try file.readIntegers(name)
        if let wrong = labels.firstIndex(where: { $0 < 0 }) {
            throw DataError(
                place: "\(file.path):\(name)", reason: "row \(wrong) holds the label \(labels[wrong])",
                remedy: "number the classes from 0")
        }
        return labels
    }

    /// Writes these rows of the file into those of the tensor.
    /// - Throws: `FileError` where they cannot be read or somebody wrote into the file meanwhile, `DataError` where a number is not finite.
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

    /// The bytes that it keeps.
    var residentBytes: Int {
        switch rows {
        case .inMemory(let tensor): tensor.count * MemoryLayout<Float>.stride
        case .onDemand: 0
        case .labels(let labels): labels.count * MemoryLayout<Int32>.stride
        }
    }

    /// The labels, where this is a modality of labels.
    var labels: [Int32]? { if case .labels(let labels) = rows { labels } else { nil } }

    private func requireFinite(_ tensor: Tensor, _ fileRow: (Int) -> Int) throws {
        let position = couplet_first_not_finite(tensor.count, tensor.pointer)
        if position == tensor.count { return }
        throw DataError(
            place: place,
            reason: "row \(fileRow(position / description.shape.reduce(1, *))) holds \(tensor.pointer[position])",
            remedy: "every number must be finite in Float32: mend the row or leave it out")
    }
}
