import CoupletEvaluation
import CoupletOptimizers
import CoupletPairs
import CoupletSchema

extension Configuration {
    /// Reads a file, then puts the overrides (`key.path=value`, as after `--set`) in their places.
    /// - Throws: `ConfigurationError` with everything that is wrong; `FileError` where the file cannot be read.
    public static func load(path: String, overrides: [String] = []) throws -> Configuration {
        let file = path.split(separator: "/").last.map(String.init) ?? path
        let dot = file.lastIndex(of: ".").flatMap { $0 == file.startIndex ? nil : $0 }
        return try parse(
            text: try ConfigurationFile.text(at: path), name: path, overrides: overrides,
            defaultName: dot.map { String(file[..<$0]) } ?? file)
    }

    /// Reads YAML.
    /// - Parameters:
    ///   - name: what errors call the text.
    ///   - overrides: `key.path=value`, as after `--set`; the value is YAML.
    ///   - defaultName: the run's `name` where the text does not give one.
    /// - Throws: `ConfigurationError` with everything that is wrong.
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

    /// Reads a tree, of which parts may come from other files: each error names the place where its value was written.
    /// - Parameter start: the place of what is missing in the whole.
    /// - Throws: `ConfigurationError` with everything that is wrong.
    package static func parse(
        _ tree: ConfigurationNode, start: ConfigurationError.Problem.Location, defaultName: String = "run"
    ) throws -> Configuration {
        guard case .block = tree.content else {
            throw ConfigurationError([
                .init(
                    place: start, key: "",
                    reason: "wanted a config, with the blocks data, encoders, batch and train; found \(tree.found)")
            ])
        }
        let problems = ConfigurationBlock.Problems()
        let configuration = Configuration(
            ConfigurationBlock(tree, path: "", place: start, problems: problems), defaultName: defaultName)
        guard problems.all.isEmpty, let configuration else {
            throw ConfigurationError(inOrder(problems.all))
        }
        return configuration
    }

    /// By line, what `--set` brought last; the order of finding otherwise.
    private static func inOrder(_ problems: [ConfigurationError.Problem]) -> [ConfigurationError.Problem] {
        func position(_ problem: ConfigurationError.Problem) -> (Int, Int) {
            switch problem.place {
            case .file(_, let line, let column): (line, column)
            case .override: (.max, 0)
            }
        }
        return problems.enumerated().sorted { a, b in
            let (first, second) = (position(a.element), position(b.element))
            return first == second ? a.offset < b.offset : first < second
        }.map(\.element)
    }

    /// Nil where something is wrong, which is noted then.
    private init?(_ root: ConfigurationBlock, defaultName: String) {
        var name = defaultName
        root.read("name", into: &name, example: "gaussian")
        if name.contains("/") || name == "." || name == ".." || name.utf8.contains(where: { $0 < 32 || $0 == 127 }) {
            root.note("name", "wanted a name that can be a folder's, without \"/\"; found the text \"\(name)\"")
        }
        var seed: UInt64 = 1
        if let node = root.value("seed") {
            if case .scalar(let text, quoted: false) = node.content, let number = UInt64(text.filter { $0 != "_" }) {
                seed = number
            } else {
                root.note("seed", "wanted a whole number from 0 to \(UInt64.max), such as 1; found \(node.found)")
            }
        }
        let source = root.block("data", required: true, example: "{source: mnist, path: data/mnist}")?.source()
        let encoders = root.block(
            "encoders", required: true, example: "{embedding: 3, first: {kind: linear}, second: {kind: linear}}")?
            .encoders()
        let initialization = root.block("initialize", required: false, example: "{from: runs/mnist, freeze: [first]}")?
            .initialization()
        let objective = root.block(
            "objective", required: false, example: "{similarity: cosine, temperature: 0.07, loss: conditional}")?
            .objective()
        let batch = root.block("batch", required: true, example: "{size: 2048}")?.batch()
        let optimizer = root.block("optimizer", required: false, example: "{kind: adam, learning_rate: 0.001}")?
            .optimizer()
        let evaluation = root.block("evaluation", required: false, example: "{pairs: 2048}")?.evaluation(of: source)
        let train = root.block("train", required: true, example: "{steps: 1500}")?.train()
        root.finish()
        if let initialization, initialization.freeze == Modality.allCases, objective?.temperature.learned != true,
            objective?.loss.usesBias != true || objective?.bias.learned != true
        {
            root.note(
                "initialize.freeze", at: root.value("initialize")!.place,
                "with both encoders frozen and nothing of the objective learned there is nothing to train; free one of them"
            )
        }
        if initialization != nil, encoders?.shared == true {
            root.note(
                "initialize", at: root.value("initialize")!.place,
                "it takes the first and the second encoder of another run, each by itself; a shared encoder starts from the seed"
            )
        }
        guard let source, let encoders, let batch, let train else { return nil }
        self.init(
            name: name, seed: seed, source: source, encoders: encoders, initialization: initialization,
            objective: objective ?? Objective(), batch: batch, optimizer: optimizer ?? Optimizer(),
            evaluation: evaluation
                ?? Evaluation(identifiability: source.hasLatentFactors == true ? Identifiability() : nil), train: train)
    }
}

extension ConfigurationBlock {
    fileprivate func batch() -> Configuration.Batch? {
        defer { finish() }
        var size = 0
        if required("size", example: "2048") != nil {
            read("size", into: &size, in: 2...ConfigurationLimits.pairs, example: 2_048)
        }
        var shards = 1
        read("shards", into: &shards, in: 1...ConfigurationLimits.pairs, example: 16)
        var batch = Configuration.Batch(size: max(size, 1))
        if let node = value("activations"),
            let name = choice(
                "activations", "way with activations", among: Configuration.Batch.Activations.allCases.map(\.rawValue),
                node: node),
            let activations = Configuration.Batch.Activations(rawValue: name)
        {
            batch.activations = activations
        }
        read("tile_memory", intoBytes: &batch.tileMemory)
        guard size > 0 else { return nil }
        guard has("shards") else { return batch }
        let fits = { (shards: Int) in shards & (shards - 1) == 0 && size % shards == 0 }
        guard fits(shards) else {
            // Powers of two that divide the batch, the nearest below and above what was asked for.
            let good = (0..<31).map { 1 << $0 }.filter(fits)
            let near = [good.last { $0 < shards }, good.first { $0 > shards }].compactMap(\.self).map(String.init)
            note(
                "shards",
                "wanted a power of two that divides the batch of \(size); found \(shards); the nearest good \(near.count == 1 ? "one is" : "ones are") \(near.joined(separator: " and "))"
            )
            return nil
        }
        batch.shards = shards
        return batch
    }

    fileprivate func train() -> Configuration.Train {
        var train = Configuration.Train(steps: 0)
        let steps = 1...ConfigurationLimits.steps
        if required("steps", example: "1500") != nil {
            read("steps", into: &train.steps, in: 0...steps.upperBound, example: 1_500)
        }
        read("log_every", into: &train.logEvery, in: steps, example: 50)
        read("evaluate_every", into: &train.evaluateEvery, in: steps, zeroMeansNil: true, example: 500)
        read("checkpoint_every", into: &train.checkpointEvery, in: steps, zeroMeansNil: true, example: 500)
        read("checkpoint_minutes", into: &train.checkpointMinutes, .positive, example: 10)
        read("keep_checkpoints", into: &train.keepCheckpoints, in: 1...ConfigurationLimits.extent, example: 3)
        read("stop_after", into: &train.stopAfter)
        if let node = value("on_nonfinite"),
            let name = choice(
                "on_nonfinite", "way with numbers that are not finite",
                among: Configuration.Train.NonFinite.allCases.map(\.rawValue), node: node),
            let way = Configuration.Train.NonFinite(rawValue: name)
        {
            train.onNonFinite = way
        }
        finish()
        return train
    }
}
