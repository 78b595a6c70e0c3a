import CCoupletKernels
import CoupletFiles
import CoupletStorage
import CoupletTensors
import CoupletText

/// One modality of a user's file: the dataset /first or /second.
struct HDF5Modality: Sendable {
    private enum Rows {
        case inMemory(PackedRows)
        /// Read by HDF5.
        case onDemand
        case labels(LabelColumn)
    }

    struct Options {
        /// Whether both modalities fit into the cache memory.
        let isInMemory: Bool
        let cacheMemory: Int
        let smallestMapping: Int
    }

    private(set) var description: ModalityDescription
    /// Number of samples in the file.
    let count: Int
    let dataset: DatasetDescription
    private var rows: Rows
    private let file: HDF5File
    /// Identity of the file when it was opened, to detect later changes.
    private let identity: FileIdentity
    let name: String
    private var location: String { "\(file.path):\(name)" }
    /// Whether rows are read from the file on each request.
    let isOnDemand: Bool
    /// What makes reading slow, and what to do.
    let notices: [String]

    /// Whether labels are the rows of a table from 0 to the largest, as in runs without `data.split_seed`.
    private let isFormer: Bool

    /// - Throws: `FileError` if the dataset is missing or cannot be read, `DataError` if it cannot be a modality.
    init(
        _ modality: Modality, _ name: String, of file: HDF5File, _ options: Options, isFormer: Bool
    ) throws {
        (self.name, self.file, self.isFormer) = (name, file, isFormer)
        identity = try FileIdentity(of: file.path)
        let location = "\(file.path):\(name)"
        guard let dataset = try file.dataset(name) else {
            throw try HDF5Columns.missing(name, of: file, modality.rawValue)
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
            let column = try HDF5Columns.labels(
                file.readIntegers(name), at: location, allowsNone: false, reading: .fromData, isFormer: isFormer)
            description = ModalityDescription(shape: [1], labelTable: column.table)
            rows = .labels(column)
            (isOnDemand, notices) = (false, [])
        default:
            try Float32Rounding.check(dataset, of: file)
            description = ModalityDescription(
                shape: dataset.shape.count == 1 ? [1] : Array(dataset.shape.dropFirst()))
            let packed =
                try PackedRows(mapping: dataset, of: file, from: options.smallestMapping)
                ?? (options.isInMemory ? try PackedRows(reading: dataset, of: file) : nil)
            rows = packed.map { .inMemory($0) } ?? .onDemand
            isOnDemand = !options.isInMemory
            notices = packed == nil ? Self.notices(dataset, of: file, options) : []
            // Rows on request are checked when they are read.
            if let packed, options.isInMemory, let wrong = packed.firstNotFinite {
                throw Self.notFinite(wrong.value, row: wrong.row, at: location)
            }
            if packed == nil { _ = try file.cacheBytes(of: name) }
        }
    }

    /// Tells why reading rows in random order is slow: a chunk of many rows is decompressed for each of them.
    private static func notices(_ dataset: DatasetDescription, of file: HDF5File, _ options: Options) -> [String] {
        guard dataset.isFiltered, let chunk = dataset.chunk, chunk[0] > 1 else { return [] }
        let name = dataset.name.dropFirst()
        let oneRow = ([1] + dataset.shape.dropFirst()).map(String.init).joined(separator: "x")
        return [
            """
            \(file.path):\(dataset.name): its compressed chunks hold \(chunk[0]) rows each, and the pairs take more \
            memory than data.cache_memory (\(MemorySize.text(options.cacheMemory))), so each step decompresses chunks \
            again; set data.cache_memory to more than \(MemorySize.rounded(dataset.bytesInMemory)), or rewrite the \
            file: h5repack -l \(name):CHUNK=\(oneRow) -f \(name):GZIP=1 \(file.path) NEW.h5
            """
        ]
    }

    /// The modality as an encoder of labels takes it: integers N or N × 1, or floats that are whole.
    /// - Parameter reading: nil if the encoder takes numbers, which leaves the modality unchanged.
    /// - Throws: `DataError` if the samples are not labels, or not those of the table.
    func reading(_ reading: LabelReading?) throws -> HDF5Modality {
        guard let reading, labels == nil || reading != .fromData else { return self }
        guard labels != nil || dataset.columns == 1 else {
            let elements = dataset.elementClass == .integer ? "integers" : "floats"
            throw DataError(
                at: location, reason: "holds \(elements) of the shape \(dataset.shape), but its encoder takes labels",
                remedy: "give \(count) integers, one label a row, or use an encoder of numbers, such as linear or mlp")
        }
        var copy = self
        let column = try HDF5Columns.labels(
            labels?.labels ?? file.readIntegers(name), at: location, allowsNone: false, reading: reading,
            isFormer: isFormer)
        copy.description = ModalityDescription(shape: [1], labelTable: column.table)
        copy.rows = .labels(column)
        return copy
    }

    /// Writes these rows of the file, as the file has them, into the rows of the tensor.
    /// - Throws: as `read(_:into:)`.
    func readRaw(_ numbers: [UInt64], into target: Tensor) throws {
        guard case .labels(let column) = rows else { return try read(numbers, into: target) }
        for (row, number) in numbers.enumerated() { target.pointer[row] = Float(column.label(ofRow: Int(number))) }
    }

    /// Writes these rows of the file into the rows of the tensor. A label is its row of the table.
    /// - Throws: `FileError` if they cannot be read or the file changed since it was opened, `DataError` if a number is
    ///   not finite.
    func read(_ numbers: [UInt64], into target: Tensor) throws {
        switch rows {
        case .labels(let column):
            for (row, number) in numbers.enumerated() { target.pointer[row] = Float(column.codes[Int(number)]) }
        case .inMemory(let packed):
            // Pages that a shortened file has lost must not be touched.
            if packed.isMapped { try identity.requireUnchanged(file.path) }
            if isOnDemand { packed.prefetch(numbers) }
            packed.copy(numbers, into: target)
            if packed.isMapped { try identity.requireUnchanged(file.path) }
            if isOnDemand { try requireFinite(target) { Int(numbers[$0]) } }
        case .onDemand:
            try file.readFloats(name, rowNumbers: numbers, into: target)
            try identity.requireUnchanged(file.path)
            try requireFinite(target) { Int(numbers[$0]) }
        }
    }

    /// Bytes of samples in memory.
    var residentBytes: Int {
        switch rows {
        case .inMemory(let packed): packed.residentBytes
        case .onDemand: (try? file.cacheBytes(of: name)) ?? 0
        case .labels(let column): column.codes.count * MemoryLayout<Int32>.stride
        }
    }

    /// The labels; nil if the modality does not hold labels.
    var labels: LabelColumn? { if case .labels(let column) = rows { column } else { nil } }

    /// - Parameter fileRow: maps a row of the tensor to its row in the file.
    /// - Throws: `DataError` if a number is not finite.
    private func requireFinite(_ tensor: Tensor, _ fileRow: (Int) -> Int) throws {
        let position = couplet_first_not_finite(tensor.count, tensor.pointer)
        if position == tensor.count { return }
        throw Self.notFinite(
            tensor.pointer[position], row: fileRow(position / description.shape.reduce(1, *)), at: location)
    }

    private static func notFinite(_ value: Float, row: Int, at location: String) -> DataError {
        DataError(
            at: location, reason: "row \(row) holds \(value)",
            remedy: "every number must be finite in Float32: correct the row or remove it")
    }
}
