import CoupletEvaluation
import CoupletPairs
import CoupletSchema

extension Configuration {
    /// The block `evaluation`.
    public struct Evaluation: Equatable, Sendable {
        /// Number of held-out pairs in the gallery. Nil: all of a finite source, `defaultEndlessGallerySize` of an
        /// endless one.
        public var pairs: Int?
        /// Measurement of the latent factors. Nil: none. If a file has no such block, the value is `Identifiability()`
        /// for a source with latent factors, otherwise nil.
        public var identifiability: Identifiability?

        public init(pairs: Int? = nil, identifiability: Identifiability? = nil) {
            self.pairs = pairs
            self.identifiability = identifiability
        }

        /// Size of the gallery of an endless source if `pairs` is nil.
        public static let defaultEndlessGallerySize = 2_048

        /// The block of a config without `evaluation`.
        init(defaultFor source: SourceSpecification) {
            self.init(identifiability: source.hasLatentFactors == true ? Identifiability() : nil)
        }

        /// - Parameter source: nil after a problem with the block `data`.
        init(reading block: ConfigurationBlock, source: SourceSpecification?) {
            self.init()
            block.read("pairs", into: &pairs, in: 1...ConfigurationLimits.pairs, example: 2_048)
            let hasLatentFactors = source?.hasLatentFactors
            if let node = block.value("identifiability"), !node.isNull {
                identifiability = block.block(
                    "identifiability", required: false, example: "{samples: 4096, regressors: [linear, kernel_ridge]}"
                ).map { Identifiability(reading: $0) }
                if source != nil, hasLatentFactors == false {
                    block.note(
                        "identifiability",
                        "is of no use here: it measures how well encodings predict latent factors, and this source "
                            + "does not know any"
                    )
                }
            } else if hasLatentFactors == true, !block.has("identifiability") {
                identifiability = Identifiability()
            }
            block.finish()
        }

        func entries(source: SourceSpecification) -> [YAMLValue.Entry] {
            var entries: [YAMLValue.Entry] = [("pairs", .optional(pairs, YAMLValue.integer))]
            if identifiability != nil || source.hasLatentFactors == true {
                entries.append(("identifiability", .optional(identifiability) { .flow($0.entries) }))
            }
            return entries
        }
    }

    /// The block `evaluation.identifiability`: how well encodings predict the latent factors (regression). The end of a
    /// run and `couplet evaluate` use all regressors; evaluations during training use the linear regressor alone.
    ///
    /// Kernel ridge regression needs a matrix of samples² Doubles for each worker (134 MB for 4,096 samples, 3.4 GB for
    /// 20,480). If memory is short, fewer workers of a host share the work.
    public struct Identifiability: Equatable, Sendable {
        /// Number of samples for fitting the regressors, and of other samples for scoring them.
        public var samples: Int
        /// At least one regressor, in the order of the result tables.
        public var regressors: [Regressor]

        public init(samples: Int = 4_096, regressors: [Regressor] = [.linear, .kernelRidge]) {
            self.samples = samples
            self.regressors = regressors
        }

        /// Minimum: enough for three cross-validation folds. Maximum: the kernel matrix has 512 GiB.
        private static let sampleRange = 16...(1 << 18)

        init(reading block: ConfigurationBlock) {
            self.init()
            defer { block.finish() }
            block.read("samples", into: &samples, in: Self.sampleRange, example: 4_096)
            guard let node = block.value("regressors"),
                let names: [Regressor] = block.names(
                    "regressors", node, kind: "regressor", example: "[linear, kernel_ridge]")
            else { return }
            if names.isEmpty { block.note("regressors", "wanted at least one regressor, such as [linear]") }
            regressors = names
        }

        var entries: [YAMLValue.Entry] { [("samples", .integer(samples)), ("regressors", .names(regressors))] }
    }
}

extension SourceSpecification {
    /// Whether the source has known latent factors. Nil: only the program that provides the source can tell.
    fileprivate var hasLatentFactors: Bool? {
        switch self {
        case .latent: true
        case .gaussian, .gaussianFromFile, .mnist, .hdf5: false
        case .program: nil
        // A few-shot source hides everything but the labels.
        case .fewShot: false
        }
    }
}
