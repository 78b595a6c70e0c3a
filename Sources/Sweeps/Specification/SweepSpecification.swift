import CoupletSchema

/// What a sweep is: a base config, the keys that its trials vary, and the number that they are compared by.
///
/// A sweep's file is a strict YAML:
///
///     name: learning_rates
///     base: gaussian.yaml                # relative to this file's folder, else to the working folder
///     set: {train.steps: 200}            # what all trials have in place of the base's values
///     vary:                              # a trial for each combination; the last key varies fastest
///       objective.similarity: [inner_product, cosine]
///       seed: {range: [1, 4]}                                   # whole numbers, both ends included; step: 1
///       objective.temperature: {log_range: [0.05, 0.5], count: 5}
///       optimizer.learning_rate: {draw: log_uniform, between: [1.0e-4, 1.0e-2]}
///     draws: {count: 20, seed: 1}        # or just 20
///     metric: gaussian.coupling_error    # a path into what `couplet evaluate --json` prints
///     goal: minimize                     # or maximize
///     threads_per_trial: 1
///     ranks_per_trial: 1
///     halving: {first_steps: 100, factor: 3}
public struct SweepSpecification: Sendable {
    /// Which metric is the better one.
    public enum Goal: String, CaseIterable, Sendable {
        case minimize
        case maximize

        /// Whether `a` is better than `b`.
        public func isBetter(_ a: Double, than b: Double) -> Bool { self == .minimize ? a < b : a > b }
    }

    /// Random draws: how many, and from which seed.
    public struct Draws: Equatable, Sendable {
        public let count: Int
        public let seed: UInt64

        public init(count: Int, seed: UInt64) {
            self.count = count
            self.seed = seed
        }
    }

    /// A key that all trials have in place of the base's.
    public struct Fixed: Sendable {
        public let key: String
        public let value: SweepValue
        /// Where the key is named.
        package let place: ConfigurationNode.Location
    }

    public let name: String
    /// The path of the base config.
    public let base: String
    package let baseText: String
    package let baseTree: ConfigurationNode
    public let fixed: [Fixed]
    /// In the order of the file.
    public let varied: [VariedKey]
    /// Nil where no key is drawn.
    public let draws: Draws?
    /// Neighbouring ranks that train a trial together.
    public let ranksPerTrial: Int
    /// Threads of each of them.
    public let threadsPerTrial: Int
    public let metric: MetricPath
    public let goal: Goal
    public let halving: SuccessiveHalving?
    /// What errors call the file that this comes from.
    package let file: String

    /// More trials than anybody waits for are a slip of the pen.
    public static let mostTrials = 100_000
}
