import CoupletEvaluation
import CoupletPairs

extension Configuration {
    /// The block `evaluation`.
    public struct Evaluation: Equatable, Sendable {
        /// How many held-out pairs are the gallery; nil: all of a finite source, `defaultEndlessGallerySize` of an endless one.
        public var pairs: Int?
        /// How the latent factors are looked for, of a source that knows them; nil: they are not. A file in which the block is absent means
        /// `Identifiability()` for such a source.
        public var identifiability: Identifiability?

        public init(pairs: Int? = nil, identifiability: Identifiability? = nil) {
            self.pairs = pairs
            self.identifiability = identifiability
        }

        /// The size of the gallery that an endless source gives where `pairs` is nil.
        public static let defaultEndlessGallerySize = 2_048
    }

    /// The block `evaluation.identifiability`. All of it is measured at a run's end and by `couplet evaluate`; evaluations on the way take the linear
    /// regressor alone.
    ///
    /// Kernel ridge regression needs a matrix of samples² Doubles for each worker (134 MB for 4,096, 3.4 GB for 20,480); where memory is short, fewer
    /// workers of a host share the work.
    public struct Identifiability: Equatable, Sendable {
        /// Samples that regressors are fitted on, and as many others that they are scored on.
        public var samples: Int
        /// At least one; in the order of tables.
        public var regressors: [Regressor]

        public init(samples: Int = 4_096, regressors: [Regressor] = [.linear, .kernelRidge]) {
            self.samples = samples
            self.regressors = regressors
        }
    }
}

extension SourceSpecification {
    /// Whether the source knows latent factors; nil: only the program knows that brings it.
    var hasLatentFactors: Bool? {
        switch self {
        case .latent: true
        case .gaussian, .gaussianFromFile, .mnist, .hdf5: false
        case .program: nil
        // Only its labels are seen.
        case .fewShot: false
        }
    }
}
