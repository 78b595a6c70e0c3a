import CoupletOptimizers
import CoupletPairs
import CoupletSchema

/// The complete description of a run: the contents of a YAML file with all defaults filled in.
///
/// Two runs with equal configurations (`name`, `train` and `evaluation` may differ) have the same parameters after
/// every step, bit for bit, on one kind of CPU. Keys in the file use snake_case: the property `learningRate` of
/// `optimizer` is the key `optimizer.learning_rate`. Paths in `data` and `initialize` are relative to the current
/// directory of the process; `~` is not expanded.
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

    // MARK: - Reading

    /// Reads a file and applies the overrides (`key.path=value`, the arguments of `--set`).
    /// - Throws: `ConfigurationError` with all problems of the config; `FileError` if the file cannot be read.
    public static func load(path: String, overrides: [String] = []) throws -> Configuration {
        let file = path.split(separator: "/").last.map(String.init) ?? path
        let dot = file.lastIndex(of: ".").flatMap { $0 == file.startIndex ? nil : $0 }
        return try parse(
            text: try ConfigurationFile.text(at: path), name: path, overrides: overrides,
            defaultName: dot.map { String(file[..<$0]) } ?? file)
    }

    /// Reads YAML.
    /// - Parameters:
    ///   - name: the file name in error messages.
    ///   - overrides: `key.path=value`, the arguments of `--set`; the value is YAML.
    ///   - defaultName: name of the run if the text has none.
    /// - Throws: `ConfigurationError` with all problems of the config.
    public static func parse(
        text: String, name: String, overrides: [String] = [], defaultName: String = "run"
    ) throws -> Configuration {
        typealias Location = ConfigurationError.Problem.Location
        var tree = try ConfigurationNode(yaml: text) { line, column in
            Location.file(name: name, line: line, column: column)
        }
        for override in overrides { try tree.apply(override: override) }
        return try parse(tree, start: .file(name: name, line: 1, column: 1), defaultName: defaultName)
    }

    /// Reads a tree. Its values may come from several files; each error names the location of its value.
    /// - Parameter start: location for errors about missing top-level keys.
    /// - Throws: `ConfigurationError` with all problems of the config.
    package static func parse(
        _ tree: ConfigurationNode, start: ConfigurationError.Problem.Location, defaultName: String = "run"
    ) throws -> Configuration {
        guard case .block = tree.content else {
            throw ConfigurationError([
                .init(
                    at: start, key: "",
                    reason: "wanted a config with the blocks data, encoders, batch and train; found \(tree.found)")
            ])
        }
        let problems = ConfigurationBlock.Problems()
        let root = ConfigurationBlock(tree, path: "", location: start, problems: problems)
        let configuration = Configuration(reading: root, defaultName: defaultName)
        guard problems.all.isEmpty, let configuration else { throw ConfigurationError(inFileOrder(problems.all)) }
        return configuration
    }

    /// Sorts by line and column. Problems of `--set` arguments come last. Ties keep the order of discovery.
    private static func inFileOrder(_ problems: [ConfigurationError.Problem]) -> [ConfigurationError.Problem] {
        func position(_ problem: ConfigurationError.Problem) -> (Int, Int) {
            switch problem.location {
            case .file(_, let line, let column): (line, column)
            case .override: (.max, 0)
            }
        }
        return problems.enumerated().sorted { a, b in
            let (first, second) = (position(a.element), position(b.element))
            return first == second ? a.offset < b.offset : first < second
        }.map(\.element)
    }

    /// Nil after a problem that prevents a value; `root` has recorded that problem.
    private init?(reading root: ConfigurationBlock, defaultName: String) {
        var name = defaultName
        root.read("name", into: &name, example: "gaussian")
        if name.contains("/") || name == "." || name == ".." || name.utf8.contains(where: { $0 < 32 || $0 == 127 }) {
            root.note(
                "name", "wanted a name without \"/\" that can be the name of a folder; found the text \"\(name)\"")
        }
        var seed: UInt64 = 1
        if let node = root.value("seed") {
            if case .scalar(let text, quoted: false) = node.content, let number = UInt64(text.filter { $0 != "_" }) {
                seed = number
            } else {
                root.note("seed", "wanted a whole number from 0 to \(UInt64.max), such as 1; found \(node.found)")
            }
        }
        let source = root.block("data", required: true, example: "{source: mnist, path: data/mnist}")
            .flatMap { SourceSpecification(reading: $0) }
        let encoders = root.block(
            "encoders", required: true, example: "{embedding: 3, first: {kind: linear}, second: {kind: linear}}"
        ).flatMap { Encoders(reading: $0) }
        let initialization = root.block("initialize", required: false, example: "{from: runs/mnist, freeze: [first]}")
            .flatMap { Initialization(reading: $0) }
        let objective = root.block(
            "objective", required: false, example: "{similarity: cosine, temperature: 0.07, loss: conditional}"
        ).map { Objective(reading: $0) }
        let batch = root.block("batch", required: true, example: "{size: 2048}").flatMap { Batch(reading: $0) }
        let optimizer = root.block("optimizer", required: false, example: "{kind: adam, learning_rate: 0.001}")
            .map { OptimizerSpecification(reading: $0) }
        let evaluation = root.block("evaluation", required: false, example: "{pairs: 2048}")
            .map { Evaluation(reading: $0, source: source) }
        let train = root.block("train", required: true, example: "{steps: 1500}").map { Train(reading: $0) }
        root.finish()
        if let initialization, initialization.freeze == Modality.allCases, objective?.temperature.learned != true,
            objective?.loss.usesBias != true || objective?.bias.learned != true
        {
            root.note(
                "initialize.freeze", at: root.value("initialize")!.location,
                "both encoders are frozen and no temperature or bias is learned, so there is nothing to train; "
                    + "leave one encoder out of freeze")
        }
        if initialization != nil, encoders?.shared == true {
            root.note(
                "initialize", at: root.value("initialize")!.location,
                "it loads the first and the second encoder of another run separately, so it cannot initialize a shared "
                    + "encoder; leave out initialize, or set encoders.shared: false")
        }
        guard let source, let encoders, let batch, let train else { return nil }
        self.init(
            name: name, seed: seed, source: source, encoders: encoders, initialization: initialization,
            objective: objective ?? Objective(), batch: batch, optimizer: optimizer ?? OptimizerSpecification(),
            evaluation: evaluation ?? Evaluation(defaultFor: source), train: train)
    }

    // MARK: - Writing

    /// YAML with every key and its value, including defaults, in a fixed order. `parse` reads it back as an equal
    /// value.
    public var resolvedYAML: String { YAMLValue.text(of: entries) }

    /// The keys of the resolved YAML, in order.
    var entries: [YAMLValue.Entry] {
        [
            ("name", .text(name)), ("seed", .scalar(String(seed))), ("data", .block(source.entries)),
            ("encoders", .block(encoders.entries)),
        ] + (initialization.map { [("initialize", .flow($0.entries))] } ?? []) + [
            ("objective", .block(objective.entries)), ("batch", .flow(batch.entries)),
            ("optimizer", .block(optimizer.entries)), ("evaluation", .flow(evaluation.entries(source: source))),
            ("train", .block(train.entries)),
        ]
    }
}

extension ConfigurationBlock {
    /// Reads one of the names of an enum. Leaves `result` unchanged if the key is absent or has another value.
    /// - Parameter kind: the noun for the values in error messages, such as "loss".
    func read<Name: RawRepresentable<String> & CaseIterable>(_ key: String, into result: inout Name, kind: String) {
        guard let node = value(key) else { return }
        let names = Name.allCases.map(\.rawValue)
        if let name = choice(key, kind, among: names, node: node).flatMap({ Name(rawValue: $0) }) { result = name }
    }

    /// Reads a list of names of an enum. Returns each once, in the order of `allCases`; nil after a problem.
    func names<Name: RawRepresentable<String> & CaseIterable & Equatable>(
        _ key: String, _ node: ConfigurationNode, kind: String, example: String
    ) -> [Name]? {
        let names = Name.allCases.map(\.rawValue)
        let found = list(key, node, example: example) { item in
            choice(key, kind, among: names, node: item).flatMap { Name(rawValue: $0) }
        }
        return found.map { found in Name.allCases.filter { found.contains($0) } }
    }
}
