/// How `TrainedRun.sample` draws.
public struct SamplingOptions: Sendable {
    public enum Method: Sendable {
        /// From these rows of the sampled modality.
        case resample(gallery: SamplingRows)
        /// From so many draws of the source; nil: `defaultGallery`, or fewer where it has fewer.
        case resampleSource(size: Int?)
        /// By Markov chains, where the source knows the modality to be Gaussian. What is nil is the default of `PreconditionedCrankNicolson`;
        /// `thinning` and `maximumSteps` as there.
        case pcn(chains: Int?, burnIn: Int?, thinning: Int?, maximumSteps: Int?)
    }

    /// How many samples of each query row.
    public var count: Int
    /// Nil: pCN where the source knows the modality's Gaussian marginal, else resampling of the source.
    public var method: Method?
    /// From which all draws follow; nil: the run's seed.
    public var seed: UInt64?
    /// The threads to work with; results do not depend on them.
    public var threads: Int

    /// The gallery drawn from a source.
    public static let defaultGallery = 10_000

    public init(count: Int, method: Method? = nil, seed: UInt64? = nil, threads: Int = 1) {
        self.count = count
        self.method = method
        self.seed = seed
        self.threads = threads
    }
}
