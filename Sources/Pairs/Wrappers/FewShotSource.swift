import CoupletFiles
import CoupletTensors

/// Reduces another source to a few labelled training samples of each class, for few-shot learning. Held-out and
/// validation samples are unchanged.
///
/// The seed determines a permutation of each class, and the first `perClass` samples of it are selected. So a larger
/// `perClass` selects a superset. The selected samples are numbered from 0, in the order of the source.
public struct FewShotSource: PairSource, PairSourceWrapper {
    private let base: any PairSource
    package var wrapped: any PairSource { base }
    /// Numbers of the selected samples in the source, ascending.
    public let numbers: [UInt64]

    /// - Parameters:
    ///   - base: the source to select from.
    ///   - perClass: number of training samples of each class, at least 1.
    ///   - seed: determines the selection.
    ///   - location: the config key or option that errors name.
    /// - Throws: `DataError` if the source has no labels, is endless, or has too few samples of a class.
    public init(
        _ base: any PairSource, perClass: Int, seed: UInt64, location: String = "data.per_class"
    ) throws {
        precondition(perClass > 0, "\(perClass) samples a class")
        guard let count = base.count(of: .training) else {
            throw DataError(
                at: location, reason: "the source is endless",
                remedy: "few-shot learning needs a source with a finite number of labelled samples")
        }
        guard let labels = try base.labels(.training, (0..<UInt64(count)).map { $0 }) else {
            throw DataError(at: location, reason: "the source has no labels to select samples by")
        }
        let labelled = labels.indices.filter { labels[$0] != LabelTable.none }
        let samplesByClass = Dictionary(grouping: labelled) { labels[$0] }
        let tooSmall = samplesByClass.filter { $0.value.count < perClass }
        if let (label, available) = tooSmall.min(by: { ($0.value.count, $0.key) < ($1.value.count, $1.key) }) {
            throw DataError(
                at: location,
                reason: "\(perClass) training samples a class are wanted, but class \(label) has \(available.count)",
                remedy: "ask for at most \(available.count)")
        }
        self.base = base
        numbers = samplesByClass.flatMap { label, samples in
            let permutation = Permutation(
                count: UInt64(samples.count), seed: seed, stream: .fewLabels,
                number: UInt64(bitPattern: Int64(label)))
            return (0..<UInt64(perClass)).map { UInt64(samples[Int(permutation[$0])]) }
        }.sorted()
    }

    private init(_ base: any PairSource, numbers: [UInt64]) {
        self.base = base
        self.numbers = numbers
    }

    /// Selects the training samples that have a label.
    /// - Returns: the source itself if it is endless, or if all samples have a label or none has.
    package static func labelled(_ base: any PairSource) throws -> any PairSource {
        guard let count = base.count(of: .training),
            let labels = try base.labels(.training, (0..<UInt64(count)).map { $0 })
        else { return base }
        let numbers = labels.indices.filter { labels[$0] != LabelTable.none }.map { UInt64($0) }
        return numbers.isEmpty || numbers.count == count ? base : FewShotSource(base, numbers: numbers)
    }

    public func description(of modality: Modality) -> ModalityDescription { base.description(of: modality) }
    public func count(of split: Split) -> Int? { split == .training ? numbers.count : base.count(of: split) }
    public var hasValidation: Bool { base.hasValidation }
    public var gaussianCovariance: GaussianCovariance? { base.gaussianCovariance }
    public func gaussianMarginal(of modality: Modality) throws -> GaussianMarginal? {
        try base.gaussianMarginal(of: modality)
    }
    public var residentBytes: Int { base.residentBytes }
    public var waitsForStorage: Bool { base.waitsForStorage }
    public var storageNotices: [String] { base.storageNotices }

    public func pictureRange(of modality: Modality) -> ClosedRange<Float>? { base.pictureRange(of: modality) }

    public func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        try base.read(split, baseNumbers(split, numbers), first: first, second: second)
    }

    public func read(training numbers: [UInt64], draws: [UInt64], first: Tensor?, second: Tensor?) throws {
        try base.read(training: baseNumbers(.training, numbers), draws: draws, first: first, second: second)
    }

    public func labels(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? {
        try base.labels(split, baseNumbers(split, numbers))
    }

    public func groups(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? {
        try base.groups(split, baseNumbers(split, numbers))
    }

    public func classNames() throws -> [String]? { try base.classNames() }

    public func texts(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> [String]? {
        try base.texts(split, baseNumbers(split, numbers), modality)
    }

    public func preparation(of modality: Modality) -> SamplePreparation? { base.preparation(of: modality) }

    public func sampleRows(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> [Int]? {
        try base.sampleRows(split, baseNumbers(split, numbers), modality)
    }

    public func sampleRows(training numbers: [UInt64], draws: [UInt64], _ modality: Modality) throws -> [Int]? {
        try base.sampleRows(training: baseNumbers(.training, numbers), draws: draws, modality)
    }

    public func drawing(secondPerFirst count: Int) throws -> any PairSource {
        FewShotSource(try base.drawing(secondPerFirst: count), numbers: numbers)
    }

    public func reading(labels: PerModality<LabelReading?>) throws -> any PairSource {
        FewShotSource(try base.reading(labels: labels), numbers: numbers)
    }

    public func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor { try base.prepare(modality, raw: raw) }
    public func preparationScaling(of modality: Modality) -> InputScaling? { base.preparationScaling(of: modality) }

    public func readRaw(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> Tensor {
        try base.readRaw(split, baseNumbers(split, numbers), modality)
    }

    public func place(of number: UInt64, _ split: Split, _ modality: Modality) throws -> SamplePlace? {
        try base.place(of: baseNumbers(split, [number])[0], split, modality)
    }

    /// Covers the source's digest and the numbers of the selected samples.
    public func dataDigest() throws -> String? { try base.dataDigest().map(digest) }

    public func formerDataDigests() throws -> [String] { try base.formerDataDigests().map(digest) }

    private func digest(ofBase baseDigest: String) -> String {
        var digest = Digest()
        digest.update(baseDigest)
        digest.update(numbers.map { Int($0) })
        return digest.hexadecimal
    }

    private func baseNumbers(_ split: Split, _ wanted: [UInt64]) throws -> [UInt64] {
        guard split == .training else { return wanted }
        try requireNumbers(wanted, below: numbers.count, of: split, in: "data.per_class")
        return wanted.map { numbers[Int($0)] }
    }
}
