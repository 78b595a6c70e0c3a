import CoupletEvaluation
import CoupletSchema

/// A sweep: a base config, the keys that its trials vary, and the metric that ranks the trials.
///
/// A sweep file is strict YAML:
///
///     name: learning_rates
///     base: gaussian.yaml                # relative to this file's folder, else to the working folder
///     set: {train.steps: 200}            # replaces values of the base config in all trials
///     vary:                              # one trial for each combination; the last key varies fastest
///       objective.similarity: [inner_product, cosine]
///       seed: {range: [1, 4]}                                   # whole numbers, both ends included; step: 1
///       objective.temperature: {log_range: [0.05, 0.5], count: 5}
///       optimizer.learning_rate: {draw: log_uniform, between: [1.0e-4, 1.0e-2]}
///       optimizer.kind: {draw: choice, values: [adam, sgd]}
///       optimizer.momentum: {values: [0, 0.9], when: {optimizer.kind: sgd}}
///     draws: {count: 20, seed: 1}        # or just 20
///     metric: gaussian.coupling_error    # a path into the output of `couplet evaluate --json`
///     goal: minimize                     # or maximize
///     choose_on: validation              # or test
///     threads_per_trial: 1
///     ranks_per_trial: 1
///     halving: {first_steps: 100, factor: 3}                    # or
///     median_pruning: {every: 100, warmup_steps: 200, minimum_trials: 5}
///
/// With `extends: other.yaml` it takes the keys that it does not have from another sweep. A key of `set` and `vary`
/// replaces the other's value as a whole.
public struct SweepSpecification: Sendable {
    /// Whether a smaller or a larger metric is better.
    public typealias Goal = MetricGoal

    /// The pairs on which the metric is measured, by which trials are compared.
    public enum Choice: String, CaseIterable, Sendable {
        /// Validation pairs, so that the figures of the test pairs, which stand beside, stay honest.
        case validation
        /// The test pairs, for sweeps that measure and do not choose.
        case test
    }

    /// Random draws: how many, and their seed.
    public struct Draws: Equatable, Sendable {
        public let count: Int
        public let seed: UInt64

        public init(count: Int, seed: UInt64) {
            self.count = count
            self.seed = seed
        }
    }

    /// A key whose value replaces the base config's value in all trials.
    public struct Fixed: Sendable {
        public let key: String
        public let value: SweepValue
        /// Where the file names the key.
        package let location: ConfigurationNode.Location
    }

    public let name: String
    /// The path of the base config.
    public let base: String
    /// The text of the base config; if it extends another one, its values with those of the other.
    package let baseText: String
    /// Its entries are inherited: values of the sweep replace them.
    package let baseTree: ConfigurationNode
    public let fixed: [Fixed]
    /// In the order of the file.
    public let varied: [VariedKey]
    /// Nil if no key is drawn.
    public let draws: Draws?
    /// Number of neighbouring ranks that train one trial together.
    public let ranksPerTrial: Int
    /// Number of threads of each of these ranks.
    public let threadsPerTrial: Int
    public let metric: MetricPath
    public let goal: Goal
    /// Nil if the file does not say: validation, or as an earlier version began the sweep.
    public internal(set) var choosesOn: Choice?
    public let halving: SuccessiveHalving?
    public let medianPruning: MedianPruning?
    /// The name of the sweep file in error messages.
    package let file: String

    /// Largest number of trials. A sweep with more trials is taken for a typing error.
    public static let maximumTrialCount = 100_000

    /// An error about a key of the sweep as a whole; its location is the start of the sweep file.
    func error(key: String, _ reason: String) -> ConfigurationError {
        ConfigurationError([.init(at: .file(name: file, line: 1, column: 1), key: key, reason: reason)])
    }

    // MARK: - Storing

    /// The sweep as YAML, with every default filled in. `load` reads it back as the same sweep.
    /// - Parameter base: The base config's path, relative to the written file.
    package func resolvedYAML(base: String) -> String {
        typealias Text = ConfigurationText
        var lines = ["name: \(Text.text(name))", "base: \(Text.text(base))"]
        if !fixed.isEmpty {
            lines.append("set:")
            lines += fixed.map { "  \(Text.text($0.key)): \($0.value.yaml)" }
        }
        lines.append("vary:")
        lines += varied.map { "  \(Text.text($0.key)): \($0.source)" }
        if let draws { lines.append("draws: {count: \(draws.count), seed: \(draws.seed)}") }
        lines += ["metric: \(Text.text(metric.description))", "goal: \(goal.rawValue)"]
        if let choosesOn { lines.append("choose_on: \(choosesOn.rawValue)") }
        lines += ["threads_per_trial: \(threadsPerTrial)", "ranks_per_trial: \(ranksPerTrial)"]
        if let halving { lines.append("halving: {first_steps: \(halving.firstSteps), factor: \(halving.factor)}") }
        if let pruning = medianPruning {
            lines.append(
                "median_pruning: {every: \(pruning.every), warmup_steps: \(pruning.warmupSteps), "
                    + "minimum_trials: \(pruning.minimumTrials)}")
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// The differences from a stored sweep that prevent a resume, each with both values.
    ///
    /// The name and the numbers of ranks and threads per trial may change, because no result depends on them.
    package func differences(from stored: SweepSpecification) -> [String] {
        let now = resultSettings, before = stored.resultSettings
        let changed = now.compactMap { setting -> String? in
            let old = before.first { $0.key == setting.key }?.value
            return old == setting.value ? nil : "\(setting.key): \(old ?? "absent") in the sweep, \(setting.value) now"
        }
        let removed = before.filter { setting in !now.contains { $0.key == setting.key } }
            .map { "\($0.key): \($0.value) in the sweep, absent now" }
        return changed + removed
    }

    /// Every setting that a result depends on. Values that are equal but written differently compare as equal.
    private var resultSettings: [(key: String, value: String)] {
        var settings = baseTree.leaves("").filter { $0.key != "name" }
            .map { (key: "\($0.key) of the base", value: $0.text) }
        settings += fixed.map { ("set.\($0.key)", $0.value.yaml) }
        settings += varied.enumerated().map { index, key in
            let values =
                switch key.values {
                case .grid(let values): values.map(\.yaml).joined(separator: ", ")
                case .drawn(let distribution, let low, let high): "\(distribution.rawValue) between \(low) and \(high)"
                case .choice(let values): "a choice of \(values.map(\.yaml).joined(separator: ", "))"
                }
            let conditions = key.conditions.map { condition in
                " when \(condition.key) is \(condition.values.map(\.yaml).joined(separator: " or "))"
            }
            return ("vary.\(key.key)", values + conditions.joined(separator: " and"))
        }
        settings.append(("the order of vary", varied.map(\.key).joined(separator: ", ")))
        if let draws { settings += [("draws.count", "\(draws.count)"), ("draws.seed", "\(draws.seed)")] }
        settings += [
            ("metric", metric.description), ("goal", goal.rawValue),
            // Sweeps of earlier versions chose by the test pairs.
            ("choose_on", (choosesOn ?? .test).rawValue),
        ]
        if let halving {
            settings += [("halving.first_steps", "\(halving.firstSteps)"), ("halving.factor", "\(halving.factor)")]
        }
        if let pruning = medianPruning {
            settings += [
                ("median_pruning.every", "\(pruning.every)"),
                ("median_pruning.warmup_steps", "\(pruning.warmupSteps)"),
                ("median_pruning.minimum_trials", "\(pruning.minimumTrials)"),
            ]
        }
        return settings
    }
}

extension ConfigurationNode {
    /// Every value that is not a block, with its dotted key, in order.
    fileprivate func leaves(_ key: String) -> [(key: String, text: String)] {
        guard case .block(let entries) = content else { return [(key, SweepValue(self).yaml)] }
        return entries.flatMap { $0.value.leaves(key.isEmpty ? $0.key : "\(key).\($0.key)") }
    }
}
