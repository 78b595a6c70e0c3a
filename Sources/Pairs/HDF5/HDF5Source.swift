import CCoupletKernels
import CoupletFiles
import CoupletSchema
import CoupletStorage
import CoupletTensors
import CoupletText

/// The user's pairs, from one HDF5 file: row i of /first is paired with row i of /second.
///
/// The datasets may have other names (`HDF5DatasetNames`).
///
/// - /first, /second: N × anything, of any numeric type. All extents but the first are the modality's shape. A list of
///   N floats holds samples of the shape [1]; a list of N integers holds labels, any integers from 0. The classes are
///   the labels that occur, and an encoder of labels gets their rows in the ascending table (`LabelTable`).
/// - /labels (optional): N integers ≥ 0, the classes for evaluation, or -1 for a pair without a label. Without it
///   /second gives them, if it holds labels.
/// - /groups (optional): N integers. Rows of one group are the same sample seen again. A negative number: of no group.
/// - /split (optional): N integers, 0 for a training pair, 1 for a held-out pair, 2 for a validation pair. Without it,
///   the fraction `heldOut` of the pairs is held out, whole groups in the order of a permutation drawn from the seed.
///   Where the file has no 2, the fraction `validation` of the training pairs becomes validation pairs, in the same
///   way.
///
/// Each split numbers its rows in the order of the file.
///
/// Data that fit into `cacheMemory` are read once, when the source is opened: chunks are decompressed once, bytes stay
/// bytes, and other numbers become Float32. Rows of larger data are read on request. Numbers that lie in the file as
/// Float32 or bytes, one after another, are mapped into memory instead, so that the ranks of a host share them.
public struct HDF5Source: PairSource {
    /// The default of the memory for /first and /second together: 1 GiB.
    public static let memoryLimit = 1 << 30
    /// Smaller datasets are read and not mapped: changes of the file then do not reach them, and their rows may be
    /// short.
    private static let smallestMapping = 32 << 20

    let path: String
    let names: HDF5DatasetNames
    private(set) var first: HDF5Modality, second: HDF5Modality
    /// The labels of /labels; nil if the file has none.
    let labelColumn: LabelColumn?
    /// The group of each row of the file; nil if the file has no /groups.
    let groups: [Int]?
    /// nil if all pairs are training pairs.
    private(set) var split: HDF5Split?

    /// - Parameters:
    ///   - path: the HDF5 file.
    ///   - names: its datasets.
    ///   - heldOut: the fraction of the pairs to hold out, 0 ≤ heldOut < 1; 0 if the file has /split.
    ///   - validation: the fraction of the training pairs that is for validation, 0 ≤ validation < 1; nil if the file
    ///     alone decides.
    ///   - seed: determines which pairs are held out and which are for validation.
    ///   - cacheMemory: the limit, in bytes, up to which /first and /second together are held in memory.
    /// - Throws: `FileError` if the file cannot be read, or if some of its rows were never stored; `DataError` if a
    ///   dataset is missing, empty or not numeric, the counts differ, a label is negative, /split tears a group apart,
    ///   or a number is not finite (for data beyond `cacheMemory`, when it is read).
    public init(
        path: String, names: HDF5DatasetNames = HDF5DatasetNames(), heldOut: Double, validation: Double? = nil,
        seed: UInt64, cacheMemory: Int = Self.memoryLimit
    ) throws {
        try self.init(
            path: path, names: names, heldOut: heldOut, validation: validation, rule: .groups(seed: seed),
            memoryLimit: cacheMemory)
    }

    /// - Parameter smallestMapping: the size of the datasets from which on they are mapped, in bytes.
    package init(
        path: String, heldOut: Double, seed: UInt64, memoryLimit: Int, smallestMapping: Int = Self.smallestMapping
    ) throws {
        try self.init(
            path: path, heldOut: heldOut, rule: .groups(seed: seed), memoryLimit: memoryLimit,
            smallestMapping: smallestMapping)
    }

    init(
        path: String, names: HDF5DatasetNames = HDF5DatasetNames(), heldOut: Double, validation: Double? = nil,
        rule: HDF5Split.Rule, memoryLimit: Int = Self.memoryLimit, smallestMapping: Int = Self.smallestMapping
    ) throws {
        self.path = path
        self.names = names
        let isFormer = if case .rows = rule { true } else { false }
        let file = try HDF5File(reading: path, chunkMemory: memoryLimit)
        let (firstName, secondName) = (names[\.first], names[\.second])
        let (firstBytes, secondBytes) = try (Self.bytes(firstName, file), Self.bytes(secondName, file))
        // The smaller one comes first into the memory.
        func options(_ bytes: Int, _ other: Int) -> HDF5Modality.Options {
            HDF5Modality.Options(
                isInMemory: bytes <= memoryLimit - min(bytes < other ? 0 : other, memoryLimit),
                cacheMemory: memoryLimit, smallestMapping: smallestMapping)
        }
        first = try HDF5Modality(.first, firstName, of: file, options(firstBytes, secondBytes), isFormer: isFormer)
        second = try HDF5Modality(.second, secondName, of: file, options(secondBytes, firstBytes), isFormer: isFormer)
        guard first.count == second.count else {
            throw DataError(
                at: path, reason: "\(firstName) has \(first.count) rows, but \(secondName) has \(second.count)",
                remedy: "a pair is one row of each: give both the same number of rows")
        }
        guard first.count <= Int(UInt32.max) else {
            throw DataError(
                at: path, reason: "has \(first.count) pairs",
                remedy: "split the file: a source has at most \(UInt32.max) pairs")
        }
        // Labels and splits take some bytes a row.
        try file.requireMemory(first.count * 8, firstName)
        labelColumn = try HDF5Columns.integers(\.labels, names, of: file, count: first.count).map {
            try HDF5Columns.labels(
                $0, at: "\(path):\(names[\.labels])", allowsNone: true, reading: .fromData, isFormer: false)
        }
        groups = try HDF5Columns.integers(\.groups, names, of: file, count: first.count)
        split = try HDF5Split(
            file, names, count: first.count, groups: groups, heldOut: heldOut, validation: validation, rule: rule)
    }

    /// The same file with all pairs as training pairs.
    func withoutSplit() -> HDF5Source {
        var copy = self
        copy.split = nil
        return copy
    }

    /// The labels of the pairs for evaluation; nil if there are none.
    var classes: LabelColumn? { labelColumn ?? second.labels }

    /// The same data with another choice of held-out pairs.
    func with(heldOut: Double, validation: Double?, rule: HDF5Split.Rule) throws -> HDF5Source {
        var copy = self
        copy.split = try HDF5Split(
            HDF5File(reading: path), names, count: first.count, groups: groups, heldOut: heldOut,
            validation: validation, rule: rule)
        return copy
    }

    public func reading(labels: PerModality<LabelReading?>) throws -> any PairSource {
        var copy = self
        copy.first = try first.reading(labels.first)
        copy.second = try second.reading(labels.second)
        return copy
    }

    private static func bytes(_ name: String, _ file: HDF5File) throws -> Int {
        try file.dataset(name)?.bytesInMemory ?? 0
    }

    public func description(of modality: Modality) -> ModalityDescription {
        modality == .first ? first.description : second.description
    }

    public func count(of split: Split) -> Int? {
        self.split?[split].count ?? (split == .training ? first.count : 0)
    }

    public var hasValidation: Bool { split?.validation.isEmpty == false }

    /// Whether the samples of a modality are pictures of unsigned bytes: those with two extents or more.
    func holdsPictureBytes(_ modality: Modality) -> Bool {
        let dataset = (modality == .first ? first : second).dataset
        return dataset.holdsBytes && dataset.shape.count > 2
    }

    public var residentBytes: Int { first.residentBytes + second.residentBytes }
    public var waitsForStorage: Bool { first.isOnDemand || second.isOnDemand }
    public var storageNotices: [String] { first.notices + second.notices }

    public func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        requireRows(first, numbers, .first)
        requireRows(second, numbers, .second)
        let rows = try fileRows(split, numbers)
        if let first { try self.first.read(rows, into: first) }
        if let second { try self.second.read(rows, into: second) }
    }

    public func readRaw(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> Tensor {
        let rows = Tensor([numbers.count] + description(of: modality).shape)
        try (modality == .first ? first : second).readRaw(fileRows(split, numbers), into: rows)
        return rows
    }

    public func labels(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? {
        guard let classes else { return nil }
        return try fileRows(split, numbers).map { classes.label(ofRow: Int($0)) }
    }

    public func groups(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? {
        guard let groups else { return nil }
        return try fileRows(split, numbers).map { groups[Int($0)] }
    }

    public func place(of number: UInt64, _ split: Split, _ modality: Modality) throws -> SamplePlace? {
        SamplePlace(
            location: "\(path):\((modality == .first ? first : second).name)",
            row: Int(try fileRows(split, [number])[0]))
    }

    /// Returns the rows unchanged, because the encoders get the numbers of the file; labels become rows of the table.
    /// - Throws: `DataError` if a number is not finite, or a label is not in the table.
    public func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor {
        let rows = try rowsFromUser(raw, modality, of: "data.source hdf5")
        guard let table = description(of: modality).labelTable else { return rows }
        return try tableRows(of: rows, table, of: "data.source hdf5")
    }

    /// Returns the row of the file for each sample number of a split.
    func fileRows(_ split: Split, _ numbers: [UInt64]) throws -> [UInt64] {
        try requireNumbers(numbers, below: count(of: split)!, of: split, in: path)
        guard let rows = self.split else { return numbers }
        let splitRows = rows[split]
        return numbers.map { UInt64(splitRows[Int($0)]) }
    }
}

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
