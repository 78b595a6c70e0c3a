import CoupletEvaluation
import CoupletPairs
import CoupletSchema

extension Configuration {
    /// The block `evaluation`.
    public struct Evaluation: Equatable, Sendable {
        /// The parameters that an evaluation uses.
        public enum Parameters: String, CaseIterable, Sendable {
            /// The parameters of the step.
            case current
            /// Their exponential moving average, which `optimizer.average_decay` defines.
            case average
        }

        /// Number of held-out pairs in the gallery. Nil: all of a finite source, `defaultEndlessGallerySize` of an
        /// endless one.
        public var pairs: Int?
        /// Evaluations during training (`train.evaluate_every`).
        public var during: During
        /// The parameters that evaluations, encodings, retrieval and samples of the run use.
        public var parameters: Parameters
        /// Further figures of the held-out encodings.
        public var metrics: [any Metric]
        /// Measurement of the latent factors. Nil: none. If a file has no such block, the value is `Identifiability()`
        /// for a source with latent factors, otherwise nil.
        public var identifiability: Identifiability?

        public init(
            pairs: Int? = nil, during: During = During(), parameters: Parameters = .current, metrics: [any Metric] = [],
            identifiability: Identifiability? = nil
        ) {
            self.pairs = pairs
            self.during = during
            self.parameters = parameters
            self.metrics = metrics
            self.identifiability = identifiability
        }

        /// Size of the gallery of an endless source if `pairs` is nil.
        public static let defaultEndlessGallerySize = 2_048

        public static func == (a: Evaluation, b: Evaluation) -> Bool {
            a.pairs == b.pairs && a.during == b.during && a.parameters == b.parameters
                && a.identifiability == b.identifiability
                && a.metrics.count == b.metrics.count && zip(a.metrics, b.metrics).allSatisfy { $0.isEqual(to: $1) }
        }

        static let table = ConfigurationTable(
            Evaluation(),
            [
                .key(
                    "pairs", \.pairs, .optional(.integer(1...ConfigurationLimits.pairs, example: 2_048)),
                    "Number of held-out pairs in the gallery.",
                    defaultText: "all of a finite source, \(defaultEndlessGallerySize) of an endless one"),
                .key(
                    "during", \.during, .block(During.table, example: "{pairs: 2048}", isInline: true),
                    "Evaluations during training, which train.evaluate_every asks for."),
                .key(
                    "parameters", \.parameters, .choice("set of parameters"),
                    "Parameters that evaluations use: those of the step, or their moving average."),
                .key(
                    "metrics", \.metrics, .metrics, "Further figures of the held-out encodings.", defaultText: "[]"),
                .key(
                    "identifiability", \.identifiability,
                    .optional(
                        .block(
                            Identifiability.table, example: "{samples: 4096, regressors: [linear, kernel_ridge]}",
                            isInline: true)),
                    "How well encodings predict the latent factors of the source.",
                    defaultText: "a block for a source with latent factors, otherwise null"),
            ])
    }

    /// The block `evaluation.during`: what keeps evaluations during training cheap.
    public struct During: Equatable, Sendable {
        /// Largest number of pairs, spread evenly over the split. `Evaluation.pairs` limits them, too.
        public var pairs: Int

        public init(pairs: Int = 2_048) { self.pairs = pairs }

        static let table = ConfigurationTable(
            During(),
            [
                .key(
                    "pairs", \.pairs, .integer(1...ConfigurationLimits.pairs, example: 2_048),
                    "Largest number of pairs of an evaluation during training; evaluation.pairs limits it, too.")
            ])
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

        static let table = ConfigurationTable(
            Identifiability(),
            [
                .key(
                    "samples", \.samples, .integer(sampleRange, example: 4_096),
                    "Number of samples for fitting the regressors, and of others for scoring them."),
                .key(
                    "regressors", \.regressors,
                    .choices("regressor", example: "[linear, kernel_ridge]").checked {
                        $0.isEmpty ? "wanted at least one regressor, such as [linear]" : nil
                    }, "Regressors of the latent factors."),
            ])
    }
}
