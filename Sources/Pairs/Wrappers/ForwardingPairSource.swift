import CoupletTensors

/// A wrapper with all samples of its source. It forwards what it does not change itself.
package protocol ForwardingPairSource: PairSourceWrapper {}

extension ForwardingPairSource {
    package func description(of modality: Modality) -> ModalityDescription { wrapped.description(of: modality) }
    package func count(of split: Split) -> Int? { wrapped.count(of: split) }
    package var hasValidation: Bool { wrapped.hasValidation }
    package func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        try wrapped.read(split, numbers, first: first, second: second)
    }
    package func read(training numbers: [UInt64], draws: [UInt64], first: Tensor?, second: Tensor?) throws {
        try wrapped.read(training: numbers, draws: draws, first: first, second: second)
    }
    package func labels(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? { try wrapped.labels(split, numbers) }
    package func groups(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? { try wrapped.groups(split, numbers) }
    package func classNames() throws -> [String]? { try wrapped.classNames() }
    package func texts(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> [String]? {
        try wrapped.texts(split, numbers, modality)
    }
    package func preparation(of modality: Modality) -> SamplePreparation? { wrapped.preparation(of: modality) }
    package func sampleRows(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> [Int]? {
        try wrapped.sampleRows(split, numbers, modality)
    }
    package func sampleRows(training numbers: [UInt64], draws: [UInt64], _ modality: Modality) throws -> [Int]? {
        try wrapped.sampleRows(training: numbers, draws: draws, modality)
    }
    package func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor { try wrapped.prepare(modality, raw: raw) }
    package func preparationScaling(of modality: Modality) -> InputScaling? {
        wrapped.preparationScaling(of: modality)
    }
    package func readRaw(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> Tensor {
        try wrapped.readRaw(split, numbers, modality)
    }
    package func place(of number: UInt64, _ split: Split, _ modality: Modality) throws -> SamplePlace? {
        try wrapped.place(of: number, split, modality)
    }
    package func pictureRange(of modality: Modality) -> ClosedRange<Float>? { wrapped.pictureRange(of: modality) }
    package var gaussianCovariance: GaussianCovariance? { wrapped.gaussianCovariance }
    package func gaussianMarginal(of modality: Modality) throws -> GaussianMarginal? {
        try wrapped.gaussianMarginal(of: modality)
    }
    package var residentBytes: Int { wrapped.residentBytes }
    package var waitsForStorage: Bool { wrapped.waitsForStorage }
    package var storageNotices: [String] { wrapped.storageNotices }
    package func dataDigest() throws -> String? { try wrapped.dataDigest() }
    package func formerDataDigests() throws -> [String] { try wrapped.formerDataDigests() }
}
