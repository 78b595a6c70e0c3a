import CoupletFiles
import CoupletSchema
import CoupletStorage
import CoupletTensors

/// The user's pairs, from one HDF5 file: row i of /first is paired with row i of /second, or /pairs says which rows are
/// pairs.
///
/// The datasets may have other names (`HDF5DatasetNames`).
///
/// - /first, /second: N × anything, of any numeric type. All extents but the first are the modality's shape. A list of
///   N floats holds samples of the shape [1]; a list of N integers holds labels, any integers from 0. The classes are
///   the labels that occur, and an encoder of labels gets their rows in the ascending table (`LabelTable`).
/// - /pairs (optional): N × 2 integers, a row of /first and a row of /second for each pair; both then have any numbers
///   of rows, and one picture may have several captions. A training sample is then a distinct row of /first, and each
///   draw takes one of its rows of /second, by the number of the draw. Held-out and validation samples are all pairs of
///   their split. Pairs of one row of /first are one group.
/// - /labels (optional): N integers ≥ 0, the classes for evaluation, or -1 for a pair without a label. Without it
///   /second gives them, if it holds labels.
/// - /groups (optional): N integers. Rows of one group are the same sample seen again. A negative number: of no group;
///   with /pairs, of the group of its row of /first alone.
/// - /latents (if `data.latents` names it): a group with a dataset for each latent factor, N numbers or N × columns,
///   for `evaluation.identifiability` (`LatentFactorSource`). The digest of the data does not cover it.
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
    /// How the rows of each modality were made, as the file says.
    private let preparations: PerModality<SamplePreparation?>
    /// The labels of /labels; nil if the file has none.
    let labelColumn: LabelColumn?
    /// Which rows are pairs; nil if row i of /first and row i of /second are a pair.
    let pairs: HDF5Pairs?
    /// The group of each pair; nil if the file has neither /groups nor /pairs.
    let groups: [Int]?
    /// The latent factors of each pair; nil if the config names no group of them.
    let latents: HDF5Latents?
    /// nil if all pairs are training pairs.
    private(set) var split: HDF5Split? { didSet { updateSamples() } }
    /// The distinct rows of /first among the training pairs, which are the training samples; nil without /pairs.
    private(set) var samples: HDF5PairedSamples?
    /// Determines which row of /second a draw takes.
    private let seed: UInt64
    /// Number of consecutive draws that take the same row of /first with different rows of /second.
    private var secondPerFirst = 1

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
        preparations = try PerModality(
            first: SamplePreparation(.first, of: firstName, in: file),
            second: SamplePreparation(.second, of: secondName, in: file))
        seed = rule.seed
        let pairs = try HDF5Pairs(file, names, firstCount: first.count, secondCount: second.count)
        self.pairs = pairs
        guard pairs != nil || first.count == second.count else {
            throw DataError(
                at: path, reason: "\(firstName) has \(first.count) rows, but \(secondName) has \(second.count)",
                remedy: "a pair is one row of each: give both the same number of rows, or name the rows of each pair "
                    + "in \(names[\.pairs])")
        }
        let count = pairs?.count ?? first.count
        guard count <= Int(UInt32.max) else {
            throw DataError(
                at: path, reason: "has \(count) pairs",
                remedy: "split the file: a source has at most \(UInt32.max) pairs")
        }
        // Labels and splits take some bytes a row.
        try file.requireMemory(count * 8, pairs == nil ? firstName : names[\.pairs])
        labelColumn = try HDF5Columns.integers(\.labels, names, of: file, count: count).map {
            try HDF5Columns.labels(
                $0, at: "\(path):\(names[\.labels])", allowsNone: true, reading: .fromData, isFormer: false)
        }
        let column = try HDF5Columns.integers(\.groups, names, of: file, count: count)
        groups = try pairs.map { try $0.groups(column, at: "\(path):\(names[\.groups])") } ?? column
        latents = try HDF5Latents(file, names, count: count)
        split = try HDF5Split(
            file, names, count: count, groups: groups, isPaired: pairs != nil, heldOut: heldOut,
            validation: validation, rule: rule)
        updateSamples()
    }

    private mutating func updateSamples() {
        samples = pairs.map { HDF5PairedSamples($0, split?.training ?? Array(0..<UInt32($0.count))) }
    }

    /// Number of pairs of the file.
    var pairCount: Int { pairs?.count ?? first.count }

    /// The same data with another choice of held-out pairs.
    func with(heldOut: Double, validation: Double?, rule: HDF5Split.Rule) throws -> HDF5Source {
        var copy = self
        copy.split = try HDF5Split(
            HDF5File(reading: path), names, count: pairCount, groups: groups, isPaired: pairs != nil, heldOut: heldOut,
            validation: validation, rule: rule)
        return copy
    }

    /// Returns the source whose draws n T … n T + T - 1 take T different rows of /second of one row of /first, as long
    /// as it has so many. These draws must have the same sample number.
    public func drawing(secondPerFirst count: Int) throws -> any PairSource {
        guard count == 1 || pairs != nil else { throw DataError.onePartner(path, count) }
        var copy = self
        copy.secondPerFirst = count
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
        if split == .training, let samples { return samples.count }
        return self.split?[split].count ?? (split == .training ? pairCount : 0)
    }

    public var hasValidation: Bool { split?.validation.isEmpty == false }

    /// Whether the samples of a modality are pictures of unsigned bytes: those with two extents or more.
    func holdsPictureBytes(_ modality: Modality) -> Bool {
        let dataset = (modality == .first ? first : second).dataset
        return dataset.holdsBytes && dataset.shape.count > 2
    }

    public func pictureRange(of modality: Modality) -> ClosedRange<Float>? {
        guard description(of: modality).hasPictureShape else { return nil }
        return holdsPictureBytes(modality) ? 0...255 : 0...1
    }

    public var residentBytes: Int { first.residentBytes + second.residentBytes }
    public var waitsForStorage: Bool { first.isOnDemand || second.isOnDemand }
    public var storageNotices: [String] { first.notices + second.notices + pairNotices }

    /// Tells of rows of /first that /split has in training pairs and in other pairs.
    private var pairNotices: [String] {
        guard let pairs, let split else { return [] }
        let trained = Set(split.training.map { pairs.first[Int($0)] })
        return [Split.heldOut, .validation].compactMap { part in
            let rows = split[part], known = rows.count { trained.contains(pairs.first[Int($0)]) }
            guard known > 0 else { return nil }
            return "\(path): \(known) of \(rows.count) \(part.text) pairs have a row of \(first.name) that training "
                + "pairs have too, so they measure new rows of \(second.name), and not new ones of \(first.name)"
        }
    }

    public func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        try read(pairs: filePairs(split, numbers), first: first, second: second)
    }

    public func read(training numbers: [UInt64], draws: [UInt64], first: Tensor?, second: Tensor?) throws {
        try read(pairs: filePairs(training: numbers, draws: draws), first: first, second: second)
    }

    private func read(pairs: [UInt64], first: Tensor?, second: Tensor?) throws {
        for (modality, tensor) in [(Modality.first, first), (.second, second)] {
            guard let tensor else { continue }
            requireRows(tensor, pairs, modality)
            try self[modality].read(rows(ofPairs: pairs, modality), into: tensor)
        }
    }

    public func readRaw(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> Tensor {
        let tensor = Tensor([numbers.count] + description(of: modality).shape)
        try self[modality].readRaw(rows(ofPairs: filePairs(split, numbers), modality), into: tensor)
        return tensor
    }

    public func labels(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? {
        if let labelColumn {
            return try filePairs(split, numbers).map { labelColumn.label(ofRow: Int($0)) }
        }
        guard let labels = second.labels else { return nil }
        return try rows(ofPairs: filePairs(split, numbers), .second).map { labels.label(ofRow: Int($0)) }
    }

    public func preparation(of modality: Modality) -> SamplePreparation? { preparations[modality] }

    public func texts(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> [String]? {
        let file = try HDF5File(reading: path), name = RowNames.textName(modality)
        guard try file.dataset(name) != nil else { return nil }
        return try file.readStrings(name, rowNumbers: rows(ofPairs: filePairs(split, numbers), modality))
    }

    /// The strings of /classes.
    public func classNames() throws -> [String]? { try Self.classNames(HDF5File(reading: path)) }

    static func classNames(_ file: HDF5File) throws -> [String]? {
        try file.dataset("/classes")?.elementClass == .other("strings") ? try file.readStrings("/classes") : nil
    }

    public func groups(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? {
        guard let groups else { return nil }
        return try filePairs(split, numbers).map { groups[Int($0)] }
    }

    public func sampleRows(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> [Int]? {
        guard pairs != nil else { return nil }
        return try rows(ofPairs: filePairs(split, numbers), modality).map { Int($0) }
    }

    public func sampleRows(training numbers: [UInt64], draws: [UInt64], _ modality: Modality) throws -> [Int]? {
        guard pairs != nil else { return nil }
        return try rows(ofPairs: filePairs(training: numbers, draws: draws), modality).map { Int($0) }
    }

    public func place(of number: UInt64, _ split: Split, _ modality: Modality) throws -> SamplePlace? {
        SamplePlace(
            location: location(of: modality),
            row: Int(rows(ofPairs: try filePairs(split, [number]), modality)[0]))
    }

    /// Returns the rows unchanged, because the encoders get the numbers of the file; labels become rows of the table.
    /// - Throws: `DataError` if a number is not finite, or a label is not in the table.
    public func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor {
        let rows = try rowsFromUser(raw, modality, of: "data.source hdf5")
        guard let table = description(of: modality).labelTable else { return rows }
        return try tableRows(of: rows, table, of: "data.source hdf5")
    }

    private subscript(modality: Modality) -> HDF5Modality { modality == .first ? first : second }

    /// "pairs.h5:/first".
    func location(of modality: Modality) -> String { "\(path):\(self[modality].name)" }

    /// Number of rows of the dataset of a modality.
    func rowCount(_ modality: Modality) -> Int { self[modality].count }

    // MARK: - Pairs of the file

    /// Returns the pair of the file for each sample number of a split. A training sample with several pairs has its
    /// first one.
    func filePairs(_ split: Split, _ numbers: [UInt64]) throws -> [UInt64] {
        try requireNumbers(numbers, below: count(of: split)!, of: split, in: path)
        if split == .training, let samples { return numbers.map { samples.pair(ofSample: Int($0), 0) } }
        guard let rows = self.split else { return numbers }
        let splitRows = rows[split]
        return numbers.map { UInt64(splitRows[Int($0)]) }
    }

    /// Returns the pair of the file that each draw takes.
    private func filePairs(training numbers: [UInt64], draws: [UInt64]) throws -> [UInt64] {
        guard let samples else { return try filePairs(.training, numbers) }
        try requireNumbers(numbers, below: samples.count, of: .training, in: path)
        let choice = PartnerChoice(seed: seed, perSample: secondPerFirst)
        return zip(numbers, draws).map { number, draw in
            let sample = Int(number)
            return samples.pair(ofSample: sample, choice.partner(ofDraw: draw, among: samples.pairCount(of: sample)))
        }
    }

    /// All training pairs of these training samples.
    func trainingPairs(of numbers: [UInt64]) throws -> [UInt32] {
        guard let samples else { return try filePairs(.training, numbers).map { UInt32($0) } }
        return numbers.flatMap { samples.pairs(of: Int($0)) }
    }

    /// The distinct rows of /second that training samples have, ascending; nil without /pairs.
    /// - Parameter numbers: the samples; nil for all of them.
    func distinctSecondRows(ofTraining numbers: [UInt64]?) -> [UInt64]? {
        guard let pairs, let samples else { return nil }
        var isUsed = [Bool](repeating: false, count: second.count)
        for number in numbers ?? (0..<samples.count).map({ UInt64($0) }) {
            for pair in samples.pairs(of: Int(number)) { isUsed[Int(pairs.second[Int(pair)])] = true }
        }
        return isUsed.indices.filter { isUsed[$0] }.map { UInt64($0) }
    }

    /// Writes rows of a dataset, as its encoder gets them, into the rows of the tensor.
    /// - Throws: as `read`.
    func readRows(_ modality: Modality, _ rows: [UInt64], into target: Tensor) throws {
        try self[modality].read(rows, into: target)
    }

    /// The rows of a dataset that pairs of the file have.
    private func rows(ofPairs numbers: [UInt64], _ modality: Modality) -> [UInt64] {
        guard let pairs else { return numbers }
        let rows = modality == .first ? pairs.first : pairs.second
        return numbers.map { UInt64(rows[Int($0)]) }
    }

    /// Calls `body` with the rows of a dataset that some pair has, as its encoder gets them, in blocks, with the number
    /// of each in the file.
    /// - Throws: as `read`; the errors of `body`.
    func forEachBlock(
        of modality: Modality, rows blockRows: Int, _ body: (_ rows: [UInt64], _ samples: Tensor) throws -> Void
    ) throws {
        var isUsed = [Bool](repeating: pairs == nil, count: self[modality].count)
        if let pairs { for row in modality == .first ? pairs.first : pairs.second { isUsed[Int(row)] = true } }
        let used = isUsed.indices.filter { isUsed[$0] }.map { UInt64($0) }
        let buffer = Tensor([min(blockRows, used.count)] + description(of: modality).shape)
        for start in stride(from: 0, to: used.count, by: blockRows) {
            let rows = Array(used[start..<min(start + blockRows, used.count)]), samples = buffer.rows(0..<rows.count)
            try self[modality].read(rows, into: samples)
            try body(rows, samples)
        }
    }
}
