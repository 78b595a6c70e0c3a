import CCoupletKernels
import CoupletTensors

/// A source of aligned pairs, addressed by sample number.
///
/// Sample n of a split is a pure function of (seed, split, n): every caller gets the same bits, on any thread. A source
/// must implement `description`, `count` and `read`. The defaults of the other requirements fit a source without
/// classes whose samples reach the encoders unchanged.
public protocol PairSource: Sendable {
    /// Describes one modality as its encoder gets it.
    func description(of modality: Modality) -> ModalityDescription
    /// Number of samples in the split; nil for an endless source.
    ///
    /// Nobody asks a source without validation samples (`hasValidation`) for `.validation`.
    func count(of split: Split) -> Int?
    /// Whether the split `.validation` has samples. The default is false: choices are then made on the held-out
    /// samples.
    var hasValidation: Bool { get }
    /// Writes the prepared samples with these numbers into the rows of the tensors, B × shape. A nil tensor is skipped.
    /// - Throws: `DataError` if a sample cannot be read, `FileError` if its file cannot be read.
    func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws
    /// Writes training samples for a step, as `read` does. A source that adds noise or augments its samples implements
    /// it; the default ignores the draws.
    ///
    /// `numbers[i]` says which sample row i is. In a finite set it is the same in every epoch. `draws[i]` is unique
    /// among all draws of a run: use it as the number of a random stream, such as
    /// `Philox(seed: seed).normals(count, .augmentation, number: draws[i])`, so that each epoch has other noise and the
    /// samples do not depend on the number of workers. It is `Sampler.draws`: n = step · B + position, and n + 2^63 in
    /// the second batch of a loss that takes two.
    ///
    /// Evaluations use `read(_:_:first:second:)`, so their samples are not augmented.
    /// - Throws: as `read` does.
    func read(training numbers: [UInt64], draws: [UInt64], first: Tensor?, second: Tensor?) throws
    /// Returns the class of each of these samples, or `LabelTable.none` (-1) for a sample without a label; nil if the
    /// source has no classes. Evaluations leave samples without a label out of classifications and probes.
    func labels(_ split: Split, _ numbers: [UInt64]) throws -> [Int]?
    /// The names of the labels 0, 1, … in this order; nil, the default, if the source knows none. Reports show them.
    /// - Throws: `FileError` if they cannot be read.
    func classNames() throws -> [String]?
    /// Returns the group of each of these samples; nil if the source has no groups. Samples with the same number from 0
    /// are one sample seen again, such as a picture with several captions: each is a right answer to the others in
    /// retrieval. A negative number: of no group.
    func groups(_ split: Split, _ numbers: [UInt64]) throws -> [Int]?
    /// Returns the texts from which these samples of a modality were made; nil if they were not made from texts, or if
    /// the source does not know them. Reports show them. The default is nil.
    /// - Throws: as `read` does.
    func texts(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> [String]?
    /// How texts or picture files became the samples of a modality; nil, the default, if the source does not know it.
    func preparation(of modality: Modality) -> SamplePreparation?
    /// Returns a number for the content of each of these samples of a modality, such as its row in a file that stores
    /// equal pictures once: samples are equal where their numbers are. The default is nil: the source does not know
    /// which are equal.
    /// - Throws: `DataError` if there is no such sample.
    func sampleRows(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> [Int]?
    /// As `sampleRows(_:_:_:)`, for the samples that `read(training:draws:first:second:)` reads. The default ignores
    /// the draws.
    /// - Throws: `DataError` if there is no such sample.
    func sampleRows(training numbers: [UInt64], draws: [UInt64], _ modality: Modality) throws -> [Int]?
    /// Returns the source whose draws n T … n T + T - 1, which have one sample number, take one first sample with T of
    /// its second samples: such as a picture with T of its captions, none twice as long as it has so many.
    ///
    /// The default throws an error for T > 1: each first sample then has one second sample.
    /// - Parameter count: T.
    /// - Throws: `DataError` if first samples have one second sample each.
    func drawing(secondPerFirst count: Int) throws -> any PairSource
    /// Returns the source with labels for the encoders that take them.
    /// - Parameter labels: how to number the labels of a modality; nil if its encoder takes numbers.
    /// - Throws: `DataError` if the samples are not labels, or not those of a given table.
    func reading(labels: PerModality<LabelReading?>) throws -> any PairSource
    /// Converts rows in the source's units (bytes of an image, integer labels) to inputs of the encoder.
    /// - Parameter raw: B × (any shape with the modality's element count).
    /// - Returns: B × shape.
    /// - Throws: `DataError` if a row has another number of elements, or a value that the modality does not allow.
    func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor
    /// What `prepare` does to rows of numbers, as a scaling of their elements; nil, the default, if it leaves them
    /// unchanged. `couplet export` builds it into an ONNX file, and refuses a source whose `prepare` does anything
    /// else.
    func preparationScaling(of modality: Modality) -> InputScaling?
    /// Reads samples in the source's units, for export. `prepare` converts them to the samples that `read` gives.
    /// - Throws: as `read` does.
    func readRaw(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> Tensor
    /// Where a sample lies, for error messages. The default is nil: messages then give the number of the sample.
    /// - Throws: `DataError` if there is no such sample.
    func place(of number: UInt64, _ split: Split, _ modality: Modality) throws -> SamplePlace?
    /// The numbers of `read` that are black and white, where the samples of a modality are pictures: channels × height
    /// × width with one channel (grey) or three (RGB). Nil if they are none. Augmentation and reports use it. The
    /// default is 0 … 1 for samples of such a shape.
    func pictureRange(of modality: Modality) -> ClosedRange<Float>?
    /// The true joint covariance; nil unless the source is a Gaussian of mean zero.
    var gaussianCovariance: GaussianCovariance? { get }
    /// Returns the distribution of a modality in the source's units (as `readRaw` gives it); nil unless it is a known
    /// Gaussian. The default is that of `gaussianCovariance`.
    /// - Throws: `GaussianCovarianceError` or `LinearAlgebraError` if a covariance has no square root.
    func gaussianMarginal(of modality: Modality) throws -> GaussianMarginal?
    /// Bytes of samples that the source holds in memory after all of its lazily read data are loaded. The workers of a
    /// process share them.
    var residentBytes: Int { get }
    /// Whether `read` waits for a disk. If so, training prefetches the next step's samples on another thread.
    var waitsForStorage: Bool { get }
    /// What makes reading slow, and what to do; what else is unusual about the data: one sentence each. A run logs them
    /// at its start.
    var storageNotices: [String] { get }
    /// Returns a SHA-256 that distinguishes the source's data from other data of the same name; nil if the config
    /// determines the data. Ranks and resumed runs compare it.
    /// - Throws: `DataError` or `FileError`, as `read` does.
    func dataDigest() throws -> String?
    /// Returns the digests that earlier versions of the source gave the same data, so that older runs can resume.
    /// - Throws: as `dataDigest` does.
    func formerDataDigests() throws -> [String]
}

extension PairSource {
    public var hasValidation: Bool { false }
    public var residentBytes: Int { 0 }
    public var waitsForStorage: Bool { false }
    public var storageNotices: [String] { [] }
    public var gaussianCovariance: GaussianCovariance? { nil }
    public func gaussianMarginal(of modality: Modality) throws -> GaussianMarginal? {
        try gaussianCovariance.map { try GaussianMarginal(covariance: modality == .first ? $0.uu : $0.vv) }
    }
    public func place(of number: UInt64, _ split: Split, _ modality: Modality) throws -> SamplePlace? { nil }
    public func pictureRange(of modality: Modality) -> ClosedRange<Float>? {
        description(of: modality).hasPictureShape ? 0...1 : nil
    }
    public func dataDigest() throws -> String? { nil }
    public func formerDataDigests() throws -> [String] { [] }
    public func labels(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? { nil }
    public func groups(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? { nil }
    public func classNames() throws -> [String]? { nil }
    public func texts(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> [String]? { nil }
    public func preparation(of modality: Modality) -> SamplePreparation? { nil }
    public func reading(labels: PerModality<LabelReading?>) throws -> any PairSource { self }
    public func sampleRows(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> [Int]? { nil }
    public func sampleRows(training numbers: [UInt64], draws: [UInt64], _ modality: Modality) throws -> [Int]? {
        try sampleRows(.training, numbers, modality)
    }
    public func drawing(secondPerFirst count: Int) throws -> any PairSource {
        guard count == 1 else { throw DataError.onePartner("the source", count) }
        return self
    }

    public func read(training numbers: [UInt64], draws: [UInt64], first: Tensor?, second: Tensor?) throws {
        try read(.training, numbers, first: first, second: second)
    }

    public func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor {
        try rowsFromUser(raw, modality, of: "\(Self.self)")
    }

    public func preparationScaling(of modality: Modality) -> InputScaling? { nil }

    public func readRaw(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> Tensor {
        let rows = Tensor([numbers.count] + description(of: modality).shape)
        try read(split, numbers, first: modality == .first ? rows : nil, second: modality == .second ? rows : nil)
        return rows
    }
}

/// Where a sample lies: a row of a file or of a dataset.
public struct SamplePlace: Equatable, Sendable {
    /// The file, with the dataset if it has several: "pairs.h5:/first".
    public let location: String
    /// The row, counted from 0.
    public let row: Int

    public init(location: String, row: Int) {
        self.location = location
        self.row = row
    }
}

/// A part of a source's samples. Each split numbers its samples from 0.
public enum Split: String, Sendable, CaseIterable {
    /// The samples that parameters are fitted to.
    case training
    /// The test samples: what a run reports at its end is measured on them.
    case heldOut = "held_out"
    /// The samples by which something is chosen: the best checkpoint, the step to stop at, a trial of a sweep. A source
    /// may have none (`PairSource.hasValidation`).
    case validation

    /// The stream of an endless source's samples.
    var stream: RandomStream {
        switch self {
        case .training: .training
        case .heldOut: .heldOut
        case .validation: .validation
        }
    }

    /// The split's name in messages.
    package var text: String { self == .heldOut ? "held-out" : rawValue }
}

/// Shape and kind of the samples of one modality.
public struct ModalityDescription: Equatable, Sendable {
    /// Shape of one sample as the encoder gets it: [8], [1, 28, 28]; [1] for a label.
    public let shape: [Int]
    /// Number of classes if the samples are labels 0 … classes - 1, stored as Float32; nil otherwise.
    public let classes: Int?
    /// The user's labels, if the samples are rows of this table; nil if labels are not renumbered.
    public let labelTable: LabelTable?

    public init(shape: [Int], classes: Int? = nil) {
        self.shape = shape
        self.classes = classes
        labelTable = nil
    }

    /// Whether samples have the shape of pictures: one or three channels × height × width.
    package var hasPictureShape: Bool { classes == nil && shape.count == 3 && (shape[0] == 1 || shape[0] == 3) }

    /// - Parameter labelTable: the labels whose rows the samples are.
    public init(shape: [Int], labelTable: LabelTable) {
        self.shape = shape
        classes = labelTable.count
        self.labelTable = labelTable
    }
}

/// A source whose samples are those of another one, or some of them.
package protocol PairSourceWrapper: PairSource {
    var wrapped: any PairSource { get }
}

extension PairSource {
    /// The splits that the source knows.
    package var splits: [Split] { hasValidation ? Split.allCases : [.training, .heldOut] }

    /// The source within wrappers.
    package var unwrapped: any PairSource {
        (self as? any PairSourceWrapper)?.wrapped.unwrapped ?? self
    }
}

extension PairSource {
    /// Returns the group of each of these samples: that of `groups`, or where the source has none its label; negative
    /// for none. Nil if the source has neither.
    package func groupsOrLabels(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? {
        try groups(split, numbers) ?? labels(split, numbers)
    }

    /// As `groupsOrLabels`, with -1 for all samples if the source has neither.
    package func groupNumbers(_ split: Split, _ numbers: [UInt64]) throws -> [Int] {
        try groupsOrLabels(split, numbers) ?? [Int](repeating: -1, count: numbers.count)
    }

    /// Whether the data are those of a digest that this or an earlier version computed.
    /// - Returns: nil if the source has no digest.
    package func hasData(ofDigest digest: String) throws -> Bool? {
        guard let own = try dataDigest() else { return nil }
        return try own == digest || formerDataDigests().contains(digest)
    }
}

extension ModalityDescription {
    /// Labels without a table are those of the table 0 … classes - 1.
    public static func == (a: ModalityDescription, b: ModalityDescription) -> Bool {
        func table(_ description: ModalityDescription) -> LabelTable? {
            description.labelTable ?? description.classes.map { LabelTable(upTo: $0) }
        }
        return a.shape == b.shape && a.classes == b.classes && table(a) == table(b)
    }
}

// MARK: - Checks that sources share

extension PairSource {
    /// Stops the program if a tensor given to `read` does not have one row for each number.
    func requireRows(_ tensor: Tensor?, _ numbers: [UInt64], _ modality: Modality) {
        guard let tensor else { return }
        let shape = description(of: modality).shape
        precondition(
            tensor.count == numbers.count * shape.reduce(1, *),
            "\(numbers.count) samples of the \(modality) modality, each \(shape), read into \(tensor.shape)")
    }

    /// Returns a view of the user's rows in the modality's shape, B × shape.
    /// - Parameter location: the origin of the rows, which errors name.
    /// - Throws: `DataError` if a row has another number of elements, or one that is not finite.
    func rowsFromUser(_ raw: Tensor, _ modality: Modality, of location: String) throws -> Tensor {
        let shape = description(of: modality).shape, columns = shape.reduce(1, *)
        guard !raw.shape.isEmpty, raw.columns == columns else {
            throw DataError(
                at: location,
                reason:
                    "its rows have \(raw.shape.isEmpty ? 0 : raw.columns) numbers each, where the \(modality) modality "
                    + "has \(columns) numbers a sample",
                remedy: "give the shape [N, \(shape.map(String.init).joined(separator: ", "))]")
        }
        let wrong = couplet_first_not_finite(raw.count, raw.pointer)
        if wrong < raw.count {
            throw DataError(
                at: location, reason: "row \(wrong / columns) of the \(modality) modality holds \(raw.pointer[wrong])")
        }
        return raw.reshaped([raw.rows] + shape)
    }

    /// - Throws: `DataError` if a sample number is not below the split's sample count.
    func requireNumbers(_ numbers: [UInt64], below count: Int, of split: Split, in location: String) throws {
        if let wrong = numbers.first(where: { $0 >= UInt64(count) }) {
            throw DataError(
                at: location, reason: "there is no \(split.rawValue) sample number \(wrong)",
                remedy: count > 0
                    ? "the \(split.rawValue) samples have the numbers 0 to \(count - 1)"
                    : "the source has no \(split.rawValue) samples")
        }
    }

    /// Returns the rows of a table for labels that a user gives.
    /// - Throws: `DataError` if a label is not in the table.
    func tableRows(of labels: Tensor, _ table: LabelTable, of location: String) throws -> Tensor {
        let rows = Tensor(labels.shape)
        for index in 0..<labels.count {
            let label = labels.pointer[index]
            guard let row = table.row(ofRounded: label) else {
                let text = Int(exactly: label).map(String.init) ?? "\(label)"
                throw DataError(
                    at: location, reason: "row \(index) holds \(text), which is not a label of the run",
                    remedy: abs(label) > 0x1p24
                        ? "Float32 tells labels up to 2^24 apart: train the run with smaller ones"
                        : "it has \(table.count) labels: \(table.summary)")
            }
            rows.pointer[index] = Float(row)
        }
        return rows
    }

    /// - Throws: `DataError` if a label is not an integer from 0 to classes - 1.
    func requireClasses(_ labels: Tensor, _ classes: Int, of location: String) throws {
        if let wrong = (0..<labels.count).first(where: {
            let label = labels.pointer[$0]
            return !(label >= 0 && label < Float(classes) && label == label.rounded(.down))
        }) {
            throw DataError(
                at: location, reason: "row \(wrong) holds \(labels.pointer[wrong]), which is not a label",
                remedy: "labels are the integers 0 to \(classes - 1)")
        }
    }
}
