import CoupletTensors

/// A source of aligned pairs, addressed by sample number: sample n of a split is a pure function of (seed, split, n), the same for
/// whoever asks. Safe to use from many threads.
public protocol PairSource: Sendable {
    /// The two views as the encoders get them.
    func description(of modality: Modality) -> ModalityDescription
    /// How many samples the split has; nil where it is endless.
    func count(of split: Split) -> Int?
    /// Writes the prepared samples of these numbers into the rows of the tensors, B × shape; a nil tensor is left out.
    /// - Throws: `DataError` where a number cannot be read, `FileError` where its file cannot.
    func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws
    /// The class of each of these samples, where the source knows classes; nil where it does not.
    func labels(_ split: Split, _ numbers: [UInt64]) throws -> [Int]?
    /// Turns rows in the source's own units (bytes of an image, integer labels) into what the encoder gets, in place of the run's preparation.
    /// `raw` is B × (any shape with the modality's count); the result is B × shape.
    func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor
    /// The same samples in the source's own units, for export: the inverse of `prepare`.
    func readRaw(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> Tensor
    /// The true joint covariance, where the source is a Gaussian of mean zero.
    var gaussianCovariance: GaussianCovariance? { get }
    /// The bytes of samples that it keeps in this process for all workers, once those that it reads when first asked for are there.
    var residentBytes: Int { get }
    /// Whether `read` waits for a disk: then training reads a step ahead, on a thread of its own.
    var waitsForStorage: Bool { get }
    /// SHA-256 of what tells its data from other data of the same name, so that ranks and resumed runs can be told that theirs are others; nil where a
    /// source has none.
    /// - Throws: `DataError`, `FileError` as `read`.
    func dataDigest() throws -> String?
}

extension PairSource {
    public var residentBytes: Int { 0 }
    public var waitsForStorage: Bool { false }
    public func dataDigest() throws -> String? { nil }
}

/// A source without classes, whose samples reach the encoders as they are: what a source of one's own need not write.
extension PairSource {
    public func labels(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? { nil }
    public var gaussianCovariance: GaussianCovariance? { nil }

    public func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor {
        try rawRows(raw, modality, of: "\(Self.self)")
    }

    public func readRaw(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> Tensor {
        let rows = Tensor([numbers.count] + description(of: modality).shape)
        try read(split, numbers, first: modality == .first ? rows : nil, second: modality == .second ? rows : nil)
        return rows
    }
}
