import CoupletPairs
import CoupletTraining
import Synchronization

/// The sources of pairs that trials of one process share: a source is read-only, so trials of the same data load it once.
final class SourceCache: Sendable {
    private struct Entry {
        let specification: SourceSpecification
        let seed: UInt64
        let source: any PairSource
    }

    /// A sweep over seeds of Gaussians makes a source for each; few are in use at a time.
    private let most: Int
    private let entries = Mutex<[Entry]>([])

    /// - Parameter lanes: how many trials are worked on at a time.
    init(lanes: Int) { most = 2 * lanes }

    /// The source of a trial. One lane at a time makes one: another that wants the same one waits for it.
    /// - Throws: as `makeSource`.
    func source(of configuration: Configuration) throws -> any PairSource {
        if case .fewShot(let base, let perClass) = configuration.source {
            // Trials of other seeds and numbers choose from the same data.
            var whole = configuration
            whole.source = base
            return try FewShotSource(source(of: whole), perClass: perClass, seed: configuration.seed)
        }
        let specification = configuration.source, seed = Self.seed(configuration)
        return try entries.withLock { entries in
            if let index = entries.firstIndex(where: { $0.specification == specification && $0.seed == seed }) {
                // The one used last stays longest.
                entries.append(entries.remove(at: index))
                return entries[entries.count - 1].source
            }
            let source = Self.shared(try specification.makeSource(seed: configuration.seed))
            if entries.count == most { entries.removeFirst() }
            entries.append(Entry(specification: specification, seed: seed, source: source))
            return source
        }
    }

    /// In a wrapper for whatever source it is: one that knows its latent factors still does.
    private static func shared(_ source: some PairSource) -> any PairSource { DigestCachingSource(source) }

    /// What of the seed the source depends on.
    private static func seed(_ configuration: Configuration) -> UInt64 {
        if case .mnist = configuration.source { 0 } else { configuration.seed }
    }
}
