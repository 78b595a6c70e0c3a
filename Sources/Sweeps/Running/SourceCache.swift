import CoupletPairs
import CoupletTensors
import CoupletTraining
import Synchronization

/// The sources of pairs that the trials of one process share. A source is read-only, so trials with the same data load
/// it once.
final class SourceCache: Sendable {
    private struct Entry {
        let specification: SourceSpecification
        let seed: UInt64
        let source: any PairSource
    }

    /// Largest number of sources. A sweep over seeds of Gaussian pairs makes a source for each seed, but uses few at a
    /// time.
    private let capacity: Int
    private let entries = Mutex<[Entry]>([])

    /// - Parameter slots: Number of trials that run at a time.
    init(slots: Int) { capacity = 2 * slots }

    /// The source of a trial as its encoders get it: with labels, augmented and scaled.
    /// - Throws: The errors of `Configuration.makeSource`.
    func source(of configuration: Configuration) throws -> any PairSource {
        try configuration.withLabels(sharedSource(of: configuration))
    }

    /// The source that trials with the same data share, as the trainer takes it: labels, captions, augmentation and
    /// scaling are the trial's own. A second slot that needs a source waits while the first one makes it.
    /// - Throws: The errors of `makeSource`.
    func sharedSource(of configuration: Configuration) throws -> any PairSource {
        // Each trial augments its samples and scales its inputs itself.
        var specification = configuration.source
        (specification.augment, specification.standardize) = (nil, nil)
        if let perClass = specification.perClass {
            // Few-shot trials with other seeds and counts choose from the same data.
            var whole = configuration
            whole.source.perClass = nil
            return try FewShotSource(sharedSource(of: whole), perClass: perClass, seed: configuration.seed)
        }
        let seed = specification.kind.dependsOnSeed ? configuration.seed : 0
        return try entries.withLock { entries in
            if let index = entries.firstIndex(where: { $0.specification == specification && $0.seed == seed }) {
                // The entries are in order of use; the first one is evicted first.
                entries.append(entries.remove(at: index))
                return entries[entries.count - 1].source
            }
            let source = Self.cachingDigest(try specification.makeSource(seed: configuration.seed))
            if entries.count == capacity { entries.removeFirst() }
            entries.append(Entry(specification: specification, seed: seed, source: source))
            return source
        }
    }

    /// Opens the existential, so that the wrapper of a source with latent factors has latent factors, too.
    private static func cachingDigest(_ source: some PairSource) -> any PairSource { DigestCachingSource(source) }
}

/// A source that computes the digest of its data once, although many trials ask for it.
private struct DigestCachingSource<Source: PairSource>: ForwardingPairSource {
    /// The outer optional is nil until the digest is computed.
    private final class Cache: Sendable {
        let digest = Mutex<String??>(nil)
    }

    private let base: Source
    var wrapped: any PairSource { base }
    private let cache: Cache

    init(_ source: Source) {
        base = source
        cache = Cache()
    }

    private init(_ source: Source, cache: Cache) {
        base = source
        self.cache = cache
    }

    /// The digest does not depend on how labels are numbered, so the copies share it.
    func reading(labels: PerModality<LabelReading?>) throws -> any PairSource {
        let source = try base.reading(labels: labels)
        return (source as? Source).map { DigestCachingSource($0, cache: cache) } ?? source
    }

    /// Nor does the digest depend on which second samples a draw takes.
    func drawing(secondPerFirst count: Int) throws -> any PairSource {
        let source = try base.drawing(secondPerFirst: count)
        return (source as? Source).map { DigestCachingSource($0, cache: cache) } ?? source
    }

    func dataDigest() throws -> String? {
        try cache.digest.withLock { cached in
            if let cached { return cached }
            let digest = try base.dataDigest()
            cached = .some(digest)
            return digest
        }
    }
}

extension DigestCachingSource: LatentFactorSource where Source: LatentFactorSource {
    var latentFactors: [LatentFactor] { base.latentFactors }
    var contentDetermination: [Double?] { base.contentDetermination }
    var latentSummary: [String] { base.latentSummary }
    func latents(_ split: Split, _ numbers: [UInt64]) throws -> [Tensor] { try base.latents(split, numbers) }
}

extension DigestCachingSource: ContentSwappingSource where Source: ContentSwappingSource {
    func readSwappingContent(_ split: Split, _ numbers: [UInt64], contentOf: [UInt64], first: Tensor?, second: Tensor?)
        throws
    {
        try base.readSwappingContent(split, numbers, contentOf: contentOf, first: first, second: second)
    }
}
