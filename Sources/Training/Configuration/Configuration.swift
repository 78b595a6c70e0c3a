import CoupletEvaluation
import CoupletLosses
import CoupletNetworks
import CoupletOptimizers
import CoupletPairs
import CoupletSchema

/// The complete description of a run: the contents of a YAML file with all defaults filled in.
///
/// Two runs with equal configurations (`name`, `train` and `evaluation` may differ) have the same parameters after
/// every step, bit for bit, on every CPU. Keys in the file use snake_case: the property `learningRate` of
/// `optimizer` is the key `optimizer.learning_rate`. Paths in `data` and `initialize` are relative to the current
/// directory of the process; `~`, `~user` and `${NAME}` in them are replaced when the config is read.
public struct Configuration: Equatable, Sendable {
    /// Name of the run. Defaults to the name of the file without its extension.
    public var name: String
    /// Seed of every random number of the run.
    public var seed: UInt64
    /// The block `data`: the source of the pairs.
    public var source: SourceSpecification
    public var encoders: Encoders
    /// The block `initialize`. Nil: both encoders start from random parameters and are trained.
    public var initialization: Initialization?
    public var objective: Objective
    public var batch: Batch
    public var optimizer: OptimizerSpecification
    public var evaluation: Evaluation
    public var train: Train
    /// Whether a sweep compares the run with others, so that it needs validation pairs. No key says so.
    package var isCompared = false
    /// Where the keys were written, for error messages. It is no part of the value.
    package var origin = ConfigurationOrigin()

    public init(
        name: String, seed: UInt64 = 1, source: SourceSpecification, encoders: Encoders,
        initialization: Initialization? = nil,
        objective: Objective = Objective(), batch: Batch, optimizer: OptimizerSpecification = OptimizerSpecification(),
        evaluation: Evaluation = Evaluation(), train: Train
    ) {
        self.name = name
        self.seed = seed
        self.source = source
        self.encoders = encoders
        self.initialization = initialization
        self.objective = objective
        self.batch = batch
        self.optimizer = optimizer
        self.evaluation = evaluation
        self.train = train
    }

    // MARK: - Keys

    /// The blocks of a config. The defaults of the mandatory blocks are never used.
    private static let table = ConfigurationTable(
        Configuration(
            name: "", source: .program(name: ""), encoders: Encoders.table.defaults, batch: Batch(size: 2),
            train: Train(steps: 0)),
        [
            .key(
                "name", \.name,
                .text(example: "gaussian").checked { name in
                    isFolderName(name)
                        ? nil
                        : "wanted a name without \"/\" that can be the name of a folder; found the text \"\(name)\""
                }, "Name of the run.", defaultText: "the name of the file"),
            .key("seed", \.seed, .unsigned(example: 1), "Seed of every random number of the run."),
            .required(
                "data", \.source, .block(SourceSpecification.table, example: "{source: mnist, path: data/mnist}"),
                "Source of the pairs."),
            .required(
                "encoders", \.encoders,
                .block(
                    Encoders.table, example: "{embedding: 3, first: {kind: linear}, second: {kind: linear}}"),
                "The two encoders."),
            .key(
                "initialize", \.initialization,
                .optional(
                    .block(Initialization.table, example: "{from: runs/mnist, freeze: [first]}", isInline: true),
                    isOmitted: true), "Encoders that start from another run, and those that are frozen."),
            .key(
                "objective", \.objective,
                .block(Objective.table, example: "{similarity: cosine, temperature: 0.07, loss: conditional}"),
                "The loss."),
            .required("batch", \.batch, .block(Batch.table, example: "{size: 2048}", isInline: true), "The batch."),
            .key(
                "optimizer", \.optimizer,
                .block(OptimizerSpecification.table, example: "{kind: adam, learning_rate: 0.001}"),
                "The update of the parameters."),
            .key(
                "evaluation", \.evaluation, .block(Evaluation.table, example: "{pairs: 2048}", isInline: true),
                "What evaluations measure."),
            .required(
                "train", \.train, .block(Train.table, example: "{steps: 1500}"),
                "Length of the run, and when it logs, evaluates, saves and stops."),
        ], complete: { $0.complete($1) })

    /// All keys of a config, for `couplet config --keys`.
    public static func keys(registry: Registry = .builtIn) -> [KeyDescription] { table.descriptions(registry) }

    /// Sets the defaults that depend on other blocks, and reports problems that involve several of them.
    private mutating func complete(_ block: ConfigurationBlock) {
        let hasLatentFactors = source.hasLatentFactors
        if hasLatentFactors == true, !block.has("identifiability", within: "evaluation") {
            evaluation.identifiability = Identifiability()
        }
        if hasLatentFactors == false, evaluation.identifiability != nil {
            block.note(
                "evaluation.identifiability",
                "is of no use here: it measures how well encodings predict latent factors, and this source does not "
                    + "know any"
                    + (source.kind is HDF5Specification ? "; data.latents names the group of those in a file" : ""))
        }
        if evaluation.parameters == .average, optimizer.averageDecay == nil {
            block.note(
                "evaluation.parameters", "there is no average of the parameters; set optimizer.average_decay")
        }
        if encoders.shared, optimizer.learningRateFactors != OptimizerSpecification.LearningRateFactors() {
            block.note(
                "optimizer.learning_rate_factors", "is of no use here: one shared encoder serves both modalities")
        }
        if encoders.shared, batch.secondPerFirst > 1 {
            block.note(
                "batch.second_per_first",
                "a shared encoder takes as many first samples as second ones; set it to 1, or set encoders.shared: "
                    + "false")
        }
        if train.steps > largestStepCount {
            block.note(
                "train.steps",
                "wanted at most \(largestStepCount) steps with batches of \(batch.size) pairs; found \(train.steps)")
        }
        guard let initialization else { return }
        if initialization.freeze == Modality.allCases, !objective.temperature.learned,
            objective.loss.bias?.learned != true
        {
            block.note(
                "initialize.freeze",
                "both encoders are frozen and no temperature or bias is learned, so there is nothing to train; "
                    + "leave one encoder out of freeze")
        }
        if encoders.shared {
            block.note(
                "initialize",
                "it loads the first and the second encoder of another run separately, so it cannot initialize a shared "
                    + "encoder; leave out initialize, or set encoders.shared: false")
        }
    }

    /// Every pair that a run draws has a number, and 2⁶³ and above belong to a loss's second batches.
    var largestStepCount: Int { min(ConfigurationLimits.steps, (1 << 62) / batch.size) }

    private static func isFolderName(_ name: String) -> Bool {
        !name.contains("/") && name != "." && name != ".." && !name.utf8.contains { $0 < 32 || $0 == 127 }
    }

    // MARK: - Reading

    /// Reads a file, with the files that it extends, and applies the overrides (`key.path=value`, the arguments of
    /// `--set`).
    /// - Throws: `ConfigurationError` with all problems of the config; `FileError` if the file cannot be read.
    public static func load(
        path: String, overrides: [String] = [], registry: Registry = .builtIn
    ) throws -> Configuration {
        let file = path.split(separator: "/").last.map(String.init) ?? path
        let dot = file.lastIndex(of: ".").flatMap { $0 == file.startIndex ? nil : $0 }
        return try parse(
            text: try ConfigurationFile.text(at: path), name: path, overrides: overrides,
            defaultName: dot.map { String(file[..<$0]) } ?? file, registry: registry)
    }

    /// Reads YAML.
    /// - Parameters:
    ///   - name: the file name in error messages. The path of a file that the text extends begins at its folder.
    ///   - overrides: `key.path=value`, the arguments of `--set`; the value is YAML.
    ///   - defaultName: name of the run if the text has none.
    ///   - registry: the kinds of sources, encoders, losses, optimizers and metrics that the text may name.
    /// - Throws: `ConfigurationError` with all problems of the config.
    public static func parse(
        text: String, name: String, overrides: [String] = [], defaultName: String = "run",
        registry: Registry = .builtIn
    ) throws -> Configuration {
        var tree = try chain(text: text, path: name, registry: registry).tree
        for override in overrides { try tree.apply(override: override) }
        return try parse(
            tree, start: .file(name: name, line: 1, column: 1), defaultName: defaultName, registry: registry)
    }

    /// A config's values with those of the files that it extends, without the inherited keys that no longer apply.
    /// - Throws: `ConfigurationError` about the key `extends`, or if a file is not valid YAML.
    package static func chain(text: String, path: String, registry: Registry) throws -> ConfigurationChain {
        var chain = try ConfigurationChain(
            text: text, path: path, ConfigurationMerge(keys: keys(registry: registry), ownKeys: ["name"]))
        guard chain.files.count > 1, case .block = chain.tree.content else { return chain }
        let problems = ConfigurationBlock.Problems()
        _ = table.read(
            ConfigurationBlock(
                chain.tree, path: "", location: .file(name: path, line: 1, column: 1), problems: problems,
                registry: registry))
        chain.remove(problems.obsoleteKeys)
        return chain
    }

    /// Reads a tree. Its values may come from several files; each error names the location of its value.
    /// - Parameter start: location for errors about missing top-level keys.
    /// - Throws: `ConfigurationError` with all problems of the config.
    package static func parse(
        _ tree: ConfigurationNode, start: ConfigurationError.Problem.Location, defaultName: String = "run",
        registry: Registry = .builtIn
    ) throws -> Configuration {
        guard case .block(let entries) = tree.content else {
            throw ConfigurationError([
                .init(
                    at: start, key: "",
                    reason: "wanted a config with the blocks data, encoders, batch and train; found \(tree.found)")
            ])
        }
        if let entry = entries.first(where: { $0.key == ConfigurationChain.key }) {
            throw ConfigurationError([
                .init(
                    at: entry.keyLocation, key: entry.key,
                    reason: "stands at the top of a file only; make a file that extends the other one")
            ])
        }
        let problems = ConfigurationBlock.Problems()
        let root = ConfigurationBlock(tree, path: "", location: start, problems: problems, registry: registry)
        var configuration = table.read(root)
        guard problems.all.isEmpty else { throw ConfigurationError(inFileOrder(problems.all, start)) }
        if !root.has("name") { configuration.name = defaultName }
        configuration.origin = ConfigurationOrigin(tree, start: start)
        return configuration
    }

    /// Sorts by file, that of `start` first and the others in the order of discovery, then by line and column. Problems
    /// of `--set` arguments come last. Ties keep the order of discovery.
    private static func inFileOrder(
        _ problems: [ConfigurationError.Problem], _ start: ConfigurationError.Problem.Location
    ) -> [ConfigurationError.Problem] {
        var files: [String] = []
        for case .file(let name, _, _) in [start] + problems.map(\.location) where !files.contains(name) {
            files.append(name)
        }
        func position(_ problem: ConfigurationError.Problem) -> (Int, Int, Int) {
            switch problem.location {
            case .file(let name, let line, let column): (files.firstIndex(of: name) ?? 0, line, column)
            case .override: (.max, .max, 0)
            }
        }
        return problems.enumerated().sorted { a, b in
            let (first, second) = (position(a.element), position(b.element))
            return first == second ? a.offset < b.offset : first < second
        }.map(\.element)
    }

    // MARK: - Writing

    /// YAML with every key and its value, including defaults, in a fixed order. `parse` reads it back as an equal
    /// value.
    public var resolvedYAML: String { YAMLValue.text(of: entries) }

    /// The keys of the resolved YAML, in order.
    var entries: [YAMLValue.Entry] { Self.table.entries(of: self) }
}

extension Registry {
    /// The kinds that Couplet has.
    public static let builtIn = Registry(
        sourceKinds + encoderKinds + layerKinds + lossKinds + optimizerKinds + metricKinds)
}
