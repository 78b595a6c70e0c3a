import CoupletPairs
import CoupletSchema
import CoupletText
import CoupletTraining

/// One run of a sweep: the base config with one combination of the varied values.
public struct Trial: Sendable {
    /// The number of the combination, from 1.
    public let number: Int
    /// The name of the run folder: the number and the values, `003_learning_rate=0.01_seed=2`.
    public let name: String
    /// In the order of the sweep's varied keys; nil for a key that does not apply to this trial.
    public let values: [SweepValue?]
    /// Nil if the values are not a valid config.
    public let configuration: Configuration?
    /// Why there is no configuration; empty if there is one.
    public let problem: String
}

/// All trials of a sweep, each with its config, made before anything runs.
public struct TrialPlan: Sendable {
    public let specification: SweepSpecification
    /// The kinds that the base config may name.
    let registry: Registry
    /// In ascending order of their numbers.
    public let trials: [Trial]
    /// The steps after which successive halving compares trials; nil without halving.
    public let rungs: [Int]?
    /// Number of combinations that are left out because an earlier trial has the same values.
    private let repetitions: Int

    /// Combines the values and reads the config of each trial as strictly as `couplet train` does.
    ///
    /// A combination that is not a valid config becomes a trial with a `problem`. If no trial can run, as with a
    /// misspelt key, the sweep itself is an error.
    /// - Throws: `ConfigurationError`.
    public init(_ specification: SweepSpecification, registry: Registry = .builtIn) throws {
        try self.init(specification, registry: registry, sources: SourceCache(slots: 1), names: [:])
    }

    /// - Parameters:
    ///   - sources: opens the data of trials whose length is given in epochs.
    ///   - names: the names of trials that a resumed sweep has already, by their numbers.
    init(
        _ specification: SweepSpecification, registry: Registry, sources: SourceCache, names: [Int: String]
    ) throws {
        self.registry = registry
        self.specification = specification
        let all = try Self.combinations(specification)
        var distinct: Set<[String?]> = []
        let combinations = all.filter { distinct.insert($0.map { $0?.yaml }).inserted }
        repetitions = all.count - combinations.count
        let naming = TrialNaming(keys: specification.varied.map(\.key), count: combinations.count)
        var trials: [Trial] = [], problems: [ConfigurationError.Problem] = [], seen: Set<String> = []
        for (index, values) in combinations.enumerated() {
            let name = names[index + 1] ?? naming.name(index + 1, values)
            var configuration: Configuration?, problem = ""
            do {
                configuration = try Self.configuration(specification, name: name, values, registry)
                _ = try configuration.map {
                    try WorkerCount(
                        wanted: specification.threadsPerTrial, processes: specification.ranksPerTrial,
                        shards: $0.batch.shards, batchSize: $0.batch.size)
                }
                configuration = try configuration.map { try Self.resolvingEpochs($0, specification, sources) }
            } catch let error as ConfigurationError {
                problem = error.problems.map { $0.key.isEmpty ? $0.reason : "\($0.key): \($0.reason)" }
                    .joined(separator: "; ")
                problems += error.problems.filter { seen.insert($0.description).inserted }
            } catch {
                configuration = nil
                problem = "\(error)"
                let key = error is WorkerCountError ? "threads_per_trial" : "base"
                problems += specification.error(key: key, problem).problems
                    .filter { seen.insert($0.description).inserted }
            }
            trials.append(
                Trial(number: index + 1, name: name, values: values, configuration: configuration, problem: problem))
        }
        guard let steps = trials.lazy.compactMap({ $0.configuration?.train.steps }).first else {
            throw ConfigurationError(problems)
        }
        self.trials = trials
        let lengths = trials.compactMap { $0.configuration?.train.steps }
        if specification.halving != nil, let other = lengths.first(where: { $0 != steps }) {
            throw specification.error(
                key: "halving",
                "all trials need the same steps, but there are trials of \(steps) and of \(other); with train.epochs "
                    + "they depend on batch.size, so give train.steps in set")
        }
        if let pruning = specification.medianPruning, !lengths.contains(where: { !pruning.stages(steps: $0).isEmpty }) {
            throw specification.error(
                key: "median_pruning",
                "no trial has a multiple of every, which is \(pruning.every), from warmup_steps, which is "
                    + "\(pruning.warmupSteps), to below train.steps, which is \(lengths.max() ?? 0): nothing would be "
                    + "pruned")
        }
        if let halving = specification.halving, halving.firstSteps >= steps {
            throw specification.error(
                key: "halving.first_steps",
                "\(halving.firstSteps) is not below train.steps, which is \(steps): nothing would be halved")
        }
        rungs = specification.halving?.rungs(steps: steps)
    }

    /// The trials that have a valid config.
    public var runnableTrials: [Trial] { trials.filter { $0.configuration != nil } }

    /// The step at which a trial is done.
    func steps(_ trial: Trial) -> Int { trial.configuration?.train.steps ?? 0 }

    /// Every combination of the grids with every draw. The last grid varies faster than the others; draws vary fastest.
    /// A key that does not apply has no value.
    private static func combinations(_ specification: SweepSpecification) throws -> [[SweepValue?]] {
        var count = specification.draws?.count ?? 1
        for key in specification.varied {
            guard case .grid(let values) = key.values else { continue }
            let (product, isTooLarge) = count.multipliedReportingOverflow(by: values.count)
            count = isTooLarge ? .max : product
        }
        guard count <= SweepSpecification.maximumTrialCount else {
            throw specification.error(
                key: "vary",
                "these are \(count == .max ? "more than \(Int.max)" : "\(count)") trials; "
                    + "the limit is \(SweepSpecification.maximumTrialCount)")
        }
        var combinations: [[SweepValue?]] = [[]]
        for key in specification.varied {
            guard case .grid(let values) = key.values else {
                combinations = combinations.map { $0 + [nil] }
                continue
            }
            combinations = combinations.flatMap { start in values.map { start + [$0] } }
        }
        return combinations.flatMap { combination in
            (0..<(specification.draws?.count ?? 1)).map { draw in
                var values: [SweepValue?] = []
                for (key, value) in zip(specification.varied, combination) {
                    let applies = key.conditions.allSatisfy { condition in
                        let cause = specification.varied.firstIndex { $0.key == condition.key }
                        return cause.flatMap { values[$0] }.map(condition.values.contains) ?? false
                    }
                    let seed = specification.draws?.seed ?? 0
                    values.append(applies ? value ?? key.value(ofDraw: draw, seed: seed) : nil)
                }
                return values
            }
        }
    }

    private static func configuration(
        _ specification: SweepSpecification, name: String, _ values: [SweepValue?], _ registry: Registry
    ) throws -> Configuration {
        var tree = specification.baseTree
        func path(_ key: String) -> [String] { key.split(separator: ".").map(String.init) }
        for fixed in specification.fixed {
            try tree.set(fixed.value.node, at: path(fixed.key), location: fixed.location)
        }
        for (key, value) in zip(specification.varied, values) {
            if let value {
                try tree.set(value.node, at: path(key.key), location: key.location)
            } else {
                // The base may have a value, which would then apply to the wrong trials.
                tree.remove(path(key.key))
            }
        }
        let start = ConfigurationError.Problem.Location.file(name: specification.base, line: 1, column: 1)
        var configuration = try Configuration.parse(tree, start: start, registry: registry)
        configuration.name = name
        return configuration
    }

    /// Converts `train.epochs` to steps, by the number of training pairs that the trial will have.
    private static func resolvingEpochs(
        _ configuration: Configuration, _ specification: SweepSpecification, _ sources: SourceCache
    ) throws -> Configuration {
        guard configuration.train.epochs != nil else { return configuration }
        var compared = configuration, resolved = configuration
        compared.isCompared = specification.choosesOn != .test
        try configuration.locatingErrors {
            compared = try compared.resolvingValidation()
            resolved.train = try compared.resolvingEpochs(
                Sampler(compared, source: sources.source(of: compared))
            ).train
        }
        return resolved
    }

    // MARK: - Listing

    /// The output of `--dry-run`: the trials with their values, and why some cannot run.
    public var listing: String {
        let impossible = trials.filter { $0.configuration == nil }
        let count =
            "\(trials.count) \(trials.count == 1 ? "trial" : "trials")"
            + (impossible.isEmpty ? "" : ", \(impossible.count) of them impossible")
            + (repetitions == 0
                ? ""
                : "; \(repetitions) further \(repetitions == 1 ? "combination has" : "combinations have") the values "
                    + "of one of them")
        let goal = specification.goal == .minimize ? "lower" : "higher"
        var lines = ["\(specification.name): \(count); \(specification.metric), \(goal) is better"]
        if let halving = specification.halving, let rungs {
            var left = runnableTrials.count
            let stages = rungs.map { steps -> String in
                defer { left = halving.survivorCount(of: left) }
                return "\(left) to step \(steps)"
            }
            lines.append("halving: \(stages.joined(separator: ", "))")
        }
        if let pruning = specification.medianPruning { lines.append("median pruning: \(pruning.description)") }
        var table = TextTable()
        table.add(["trial"] + TrialNaming.shortened(specification.varied.map(\.key)) + ["steps"])
        for trial in trials {
            table.add(
                [trial.name] + trial.values.map { $0?.description ?? "-" } + [
                    trial.configuration.map { "\($0.train.steps)" } ?? "impossible"
                ])
        }
        var text = lines.joined(separator: "\n") + "\n" + table.text()
        if !impossible.isEmpty {
            text += "impossible:\n" + SweepTable.groupedByReason(impossible.map { ($0.name, $0.problem) })
        }
        return text
    }
}
