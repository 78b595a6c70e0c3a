import CoupletSchema
import CoupletTraining

/// All trials of a sweep, each with its config, made before anything runs.
public struct TrialPlan: Sendable {
    public let specification: SweepSpecification
    /// By number.
    public let trials: [Trial]
    /// After which steps trials are compared and the worse ones left; nil without halving.
    public let rungs: [Int]?

    /// Combines the values, and reads each trial's config as strictly as that of a run.
    ///
    /// A combination that is no config is a trial with a `problem`. Where no trial at all is possible, as with a misspelt key, that is an error of the
    /// sweep.
    /// - Throws: `ConfigurationError`.
    public init(_ specification: SweepSpecification) throws {
        self.specification = specification
        let combinations = try Self.combinations(specification)
        let naming = TrialNaming(keys: specification.varied.map(\.key), count: combinations.count)
        var trials: [Trial] = [], problems: [ConfigurationError.Problem] = [], seen: Set<String> = []
        for (index, values) in combinations.enumerated() {
            let name = naming.name(index + 1, values)
            var configuration: Configuration?, problem = ""
            do {
                configuration = try Self.configuration(specification, name: name, values)
                _ = try configuration.map {
                    try WorkerCount(
                        wanted: specification.threadsPerTrial, processes: specification.ranksPerTrial,
                        shards: $0.batch.shards)
                }
            } catch let error as ConfigurationError {
                problem = error.problems.map { $0.key.isEmpty ? $0.reason : "\($0.key): \($0.reason)" }.joined(
                    separator: "; ")
                problems += error.problems.filter { seen.insert($0.description).inserted }
            } catch {
                configuration = nil
                problem = "\(error)"
                let place = ConfigurationError.Problem.Location.file(name: specification.file, line: 1, column: 1)
                let worker = ConfigurationError.Problem(place: place, key: "threads_per_trial", reason: problem)
                if seen.insert(worker.description).inserted { problems.append(worker) }
            }
            trials.append(
                Trial(number: index + 1, name: name, values: values, configuration: configuration, problem: problem))
        }
        guard let steps = trials.lazy.compactMap({ $0.configuration?.train.steps }).first else {
            throw ConfigurationError(problems)
        }
        self.trials = trials
        if let halving = specification.halving, halving.firstSteps >= steps {
            throw ConfigurationError([
                .init(
                    place: .file(name: specification.file, line: 1, column: 1), key: "halving.first_steps",
                    reason: "\(halving.firstSteps) is not below train.steps, which is \(steps): nothing would be halved"
                )
            ])
        }
        rungs = specification.halving?.rungs(steps: steps)
    }

    /// The trials that can run.
    public var possible: [Trial] { trials.filter { $0.configuration != nil } }

    /// The steps after which a trial is done.
    func steps(_ trial: Trial) -> Int { trial.configuration?.train.steps ?? 0 }

    /// Each combination of the grids with each draw; the last key varies fastest, the draws after the grids.
    private static func combinations(_ specification: SweepSpecification) throws -> [[SweepValue]] {
        var count = specification.draws?.count ?? 1
        for key in specification.varied {
            guard case .grid(let values) = key.values else { continue }
            let (product, isTooLarge) = count.multipliedReportingOverflow(by: values.count)
            count = isTooLarge ? .max : product
        }
        guard count <= SweepSpecification.mostTrials else {
            throw ConfigurationError([
                .init(
                    place: .file(name: specification.file, line: 1, column: 1), key: "vary",
                    reason:
                        "these are \(count == .max ? "more than \(Int.max)" : "\(count)") trials; at most \(SweepSpecification.mostTrials) are possible"
                )
            ])
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
                zip(specification.varied, combination).map { key, value in
                    value ?? key.value(ofDraw: draw, seed: specification.draws?.seed ?? 0)
                }
            }
        }
    }

    private static func configuration(_ specification: SweepSpecification, name: String, _ values: [SweepValue]) throws
        -> Configuration
    {
        var tree = specification.baseTree
        func path(_ key: String) -> [String] { key.split(separator: ".").map(String.init) }
        for fixed in specification.fixed { try tree.set(fixed.value.node, at: path(fixed.key), place: fixed.place) }
        for (key, value) in zip(specification.varied, values) {
            try tree.set(value.node, at: path(key.key), place: key.place)
        }
        let start = ConfigurationError.Problem.Location.file(name: specification.base, line: 1, column: 1)
        var configuration = try Configuration.parse(tree, start: start)
        configuration.name = name
        return configuration
    }
}
