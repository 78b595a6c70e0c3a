import CoupletFiles
import CoupletTensors

/// A source of which only a few labelled training samples a class are left, for few-shot learning. Held-out samples are as they were.
///
/// Of each class the first `perClass` of a permutation drawn from the seed stay, so a larger number keeps those of a smaller one. The samples that stay are
/// numbered from 0, in the order of the source.
public struct FewShotSource: PairSource {
    private let base: any PairSource
    /// The numbers of the samples that stayed, ascending.
    public let numbers: [UInt64]

    /// - Parameter place: what errors call the wish: "data.per_class".
    /// - Throws: `DataError` where the source has no labels, is endless, or has too few samples of a class.
    public init(_ base: any PairSource, perClass: Int, seed: UInt64, place: String = "data.per_class") throws {
        precondition(perClass > 0, "\(perClass) samples a class")
        guard let count = base.count(of: .training) else {
            throw DataError(
                place: place, reason: "the source is endless",
                remedy: "it takes a source with a number of labelled samples")
        }
        guard let labels = try base.labels(.training, (0..<UInt64(count)).map { $0 }) else {
            throw DataError(place: place, reason: "the source has no labels to choose samples by")
        }
        let members = Dictionary(grouping: labels.indices) { labels[$0] }
        if let (label, few) = members.filter({ $0.value.count < perClass }).min(by: {
            ($0.value.count, $0.key) < ($1.value.count, $1.key)
        }) {
            throw DataError(
                place: place,
                reason: "\(perClass) training samples a class are wanted, but of class \(label) there are \(few.count)",
                remedy: "ask for at most \(few.count)")
        }
        self.base = base
        numbers = members.flatMap { label, places in
            let permutation = Permutation(
                count: UInt64(places.count), seed: seed, stream: .fewLabels, number: UInt64(bitPattern: Int64(label)))
            return (0..<UInt64(perClass)).map { UInt64(places[Int(permutation[$0])]) }
        }.sorted()
    }

    public func description(of modality: Modality) -> ModalityDescription { base.description(of: modality) }
    public func count(of split: Split) -> Int? { split == .training ? numbers.count : base.count(of: split) }
    public var gaussianCovariance: GaussianCovariance? { base.gaussianCovariance }
    public var residentBytes: Int { base.residentBytes }
    public var waitsForStorage: Bool { base.waitsForStorage }

    public func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        try base.read(split, baseNumbers(split, numbers), first: first, second: second)
    }

    public func labels(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? {
        try base.labels(split, baseNumbers(split, numbers))
    }
    public func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor { try base.prepare(modality, raw: raw) }

    public func readRaw(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> Tensor {
        try base.readRaw(split, baseNumbers(split, numbers), modality)
    }

    /// Over the source's own and the numbers of the samples that stayed.
    public func dataDigest() throws -> String? {
        guard let whole = try base.dataDigest() else { return nil }
        var digest = Digest()
        digest.update(whole)
        digest.update(numbers.map { Int($0) })
        return digest.hexadecimal
    }

    private func baseNumbers(_ split: Split, _ wanted: [UInt64]) throws -> [UInt64] {
        guard split == .training else { return wanted }
        try requireNumbers(wanted, below: numbers.count, of: split, in: "data.per_class")
        return wanted.map { numbers[Int($0)] }
    }
}
