import CoupletPairs
import CoupletTensors
import Synchronization

/// What a shared source found out.
private final class KnownDigest: Sendable {
    let digest = Mutex<String??>(nil)
}

/// A source that many trials read: the digest of its data is made once.
struct DigestCachingSource<Source: PairSource>: PairSource {
    private let source: Source
    private let known = KnownDigest()

    init(_ source: Source) { self.source = source }

    func dataDigest() throws -> String? {
        try known.digest.withLock { digest in
            if let digest { return digest }
            let made = try source.dataDigest()
            digest = .some(made)
            return made
        }
    }

    func description(of modality: Modality) -> ModalityDescription { source.description(of: modality) }
    func count(of split: Split) -> Int? { source.count(of: split) }
    func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        try source.read(split, numbers, first: first, second: second)
    }
    func labels(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? { try source.labels(split, numbers) }
    func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor { try source.prepare(modality, raw: raw) }
    func readRaw(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> Tensor {
        try source.readRaw(split, numbers, modality)
    }
    var gaussianCovariance: GaussianCovariance? { source.gaussianCovariance }
    var residentBytes: Int { source.residentBytes }
    var waitsForStorage: Bool { source.waitsForStorage }
}

extension DigestCachingSource: LatentFactorSource where Source: LatentFactorSource {
    var latentFactors: [LatentFactor] { source.latentFactors }
    var contentDetermination: [Double?] { source.contentDetermination }
    var latentSummary: [String] { source.latentSummary }
    func latents(_ split: Split, _ numbers: [UInt64]) throws -> [Tensor] { try source.latents(split, numbers) }
    func readSwappingContent(_ split: Split, _ numbers: [UInt64], contentOf: [UInt64], first: Tensor?, second: Tensor?)
        throws
    {
        try source.readSwappingContent(split, numbers, contentOf: contentOf, first: first, second: second)
    }
}
