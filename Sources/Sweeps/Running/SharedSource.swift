import Objectives
import Pairs
import Synchronization
import Tensors

/// A source that many trials read: the digest of its data is made once.
struct SharedSource: PairSource {
    private final class Known: Sendable {
        let digest = Mutex<String??>(nil)
    }

    private let source: any PairSource
    private let known = Known()

    init(_ source: any PairSource) { self.source = source }

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
    func readRaw(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> Tensor { try source.readRaw(split, numbers, modality) }
    var gaussianCovariance: GaussianCovariance? { source.gaussianCovariance }
    var residentBytes: Int { source.residentBytes }
    var waitsForStorage: Bool { source.waitsForStorage }
}
