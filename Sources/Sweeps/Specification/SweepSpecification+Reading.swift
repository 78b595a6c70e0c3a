import CoupletEvaluation
import CoupletFiles
import CoupletSchema
import CoupletTraining

extension SweepSpecification {
    /// The keys of a sweep file. A `--set` argument with any other first word sets a key of the base config.
    private static let keys = [
        "name", "base", "set", "vary", "draws", "metric", "goal", "choose_on", "threads_per_trial", "ranks_per_trial",
        "halving", "median_pruning", ConfigurationChain.key,
    ]

    /// Reads a sweep file and its base config.
    /// - Parameter overrides: `key=value`, as after `--set`. The key belongs to the sweep (`threads_per_trial`,
    ///   `vary.seed`) or to the base config; a key of the base config is added to `fixed`.
    /// - Parameter registry: the kinds that the base config may name; they matter if it extends another config.
    /// - Throws: `ConfigurationError` with all problems found; `FileError` if the file cannot be read.
    public static func load(
        path: String, overrides: [String] = [], registry: Registry = .builtIn
    ) throws -> SweepSpecification {
        typealias Location = ConfigurationError.Problem.Location
        var tree = try ConfigurationChain(
            path: path, ConfigurationMerge(keys: [], ownKeys: ["name"], flatBlocks: ["set", "vary"])
        ).tree
        for override in overrides { try tree.apply(sweepOverride: override, keys: keys) }
        let start = Location.file(name: path, line: 1, column: 1)
        guard case .block = tree.content else {
            throw ConfigurationError([
                .init(
                    at: start, key: "",
                    reason: "wanted a sweep, with the keys base, vary and metric; found \(tree.found)")
            ])
        }
        let problems = ConfigurationBlock.Problems()
        let specification = try SweepSpecification(
            ConfigurationBlock(tree, path: "", location: start, problems: problems, registry: registry), file: path)
        guard problems.all.isEmpty, let specification else { throw ConfigurationError(problems.all) }
        return specification
    }

    /// Nil if there is a problem; it is then noted in `root.problems`.
    private init?(_ root: ConfigurationBlock, file: String) throws {
        root.settle("median_pruning", against: "halving")
        let slash = file.lastIndex(of: "/")
        let last = slash.map { String(file[file.index(after: $0)...]) } ?? file
        var name =
            last.hasSuffix(".yaml")
            ? String(last.dropLast(5)) : last.hasSuffix(".yml") ? String(last.dropLast(4)) : last
        root.read("name", .text(example: "learning_rates"), into: &name)
        if name.contains("/") || name == "." || name == ".." {
            root.note("name", "wanted a name that is valid for a folder, without \"/\"; found the text \"\(name)\"")
        }
        let base = root.required("base", example: "gaussian.yaml").flatMap { root.base($0, of: file) }
        let fixed = root.block("set", required: false, example: "{train.steps: 200}")?.fixedKeys() ?? []
        let varied =
            root.block("vary", required: true, example: "{optimizer.learning_rate: [0.003, 0.01]}")?.variedKeys() ?? []
        for key in varied where fixed.contains(where: { $0.key == key.key }) {
            root.note("vary.\(key.key)", at: key.location, "is also fixed by set; give it in one of the two")
        }
        let draws = root.draws(isDrawn: varied.contains(where: \.isDrawn))
        var metric = ""
        if root.required("metric", example: "gaussian.coupling_error") != nil {
            root.read("metric", .text(example: "gaussian.coupling_error"), into: &metric)
        }
        var goal: Goal?
        if let node = root.required("goal", example: "minimize") {
            goal = root.choice("goal", "goal", among: Goal.allCases.map(\.rawValue), node: node).flatMap(Goal.init)
        }
        let choice = root.value("choose_on").flatMap { node in
            root.choice("choose_on", "choice", among: Choice.allCases.map(\.rawValue), node: node).flatMap(Choice.init)
        }
        let threads = root.workers("threads_per_trial"), ranks = root.workers("ranks_per_trial")
        let halving = root.block("halving", required: false, example: "{first_steps: 100, factor: 3}")?.halving()
        if halving != nil, let key = varied.first(where: { $0.key == "train.steps" || $0.key == "train" }) {
            root.note(
                "vary.\(key.key)", at: key.location, "with halving all trials need the same steps; give them in set")
        }
        let pruning = root.block("median_pruning", required: false, example: "{every: 100, minimum_trials: 5}")?
            .medianPruning()
        root.finish()
        guard let base, let goal, root.problems.all.isEmpty else { return nil }
        self.init(
            name: name, base: base.path, baseText: base.text, baseTree: base.tree, fixed: fixed, varied: varied,
            draws: draws, ranksPerTrial: ranks, threadsPerTrial: threads, metric: MetricPath(metric), goal: goal,
            choosesOn: choice, halving: halving, medianPruning: pruning, file: file)
    }
}

extension ConfigurationNode {
    /// Sets the value of one `--set key=value` argument of a sweep. In the blocks `set` and `vary`, the rest of the key
    /// is one key that contains dots.
    fileprivate mutating func apply(sweepOverride text: String, keys: [String]) throws {
        let words = text.prefix { $0 != "=" }.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        guard let first = words.first, text.contains("=") else { return try apply(override: text) }
        let isSweepKey = keys.contains(first)
        guard !isSweepKey || ["set", "vary"].contains(first) else { return try apply(override: text) }
        let value = try ConfigurationNode(yaml: String(text.drop { $0 != "=" }.dropFirst())) { _, _ in .override(text) }
        let path = isSweepKey ? words : ["set", words.joined(separator: ".")]
        try set(value, at: path, location: .override(text))
    }
}

extension ConfigurationBlock {
    /// Reads the base config: its path, its text and its parsed YAML. Nil if it cannot be read; the problem is noted.
    fileprivate func base(_ node: ConfigurationNode, of sweep: String) -> (
        path: String, text: String, tree: ConfigurationNode
    )? {
        guard let given = path("base", node, example: "gaussian.yaml") else { return nil }
        // The path is relative to the file that gives it, which may be one that the sweep extends.
        let file = if case .file(let name, _, _) = node.location { name } else { sweep }
        let pathFromSweep = ConfigurationChain.path(given, from: file)
        let path = [pathFromSweep, given].first(where: FileSystem.exists)
        guard let path else {
            let searched =
                pathFromSweep == given
                ? "\(given)" : "\(pathFromSweep), beside the sweep, nor \(given) in the working folder"
            note("base", "there is no such config: \(pathFromSweep == given ? "" : "neither ")\(searched)")
            return nil
        }
        do {
            let chain = try Configuration.chain(
                text: ConfigurationFile.text(at: path), path: path, registry: registry)
            var tree = chain.tree
            guard case .block = tree.content else {
                note(
                    "base",
                    "\(path): wanted a config, with the blocks data, encoders, batch and train; found \(tree.found)")
                return nil
            }
            let text =
                chain.files.count == 1
                ? chain.text : "# \(chain.files.joined(separator: ", which extends "))\n" + tree.blockYAML
            tree.markInherited()
            return (path, text, tree)
        } catch let error as ConfigurationError {
            for problem in error.problems { problems.note(problem) }
        } catch {
            note("base", "\(error)")
        }
        return nil
    }

    fileprivate func fixedKeys() -> [SweepSpecification.Fixed] {
        entries.compactMap { entry in
            isConfigurationKey(entry)
                ? .init(key: entry.key, value: SweepValue(entry.value), location: entry.keyLocation) : nil
        }
    }

    fileprivate func variedKeys() -> [VariedKey] {
        let keys = entries.compactMap { entry in isConfigurationKey(entry) ? variedKey(entry) : nil }
        checkConditions(keys)
        if entries.isEmpty { note("", "no key to vary; for example optimizer.learning_rate: [0.003, 0.01]") }
        return keys
    }

    private func isConfigurationKey(_ entry: ConfigurationNode.Entry) -> Bool {
        if entry.key == "name" {
            note(entry.key, at: entry.keyLocation, "each trial has a name of its own")
            return false
        }
        if entry.key.isEmpty || entry.key.hasPrefix(".") || entry.key.hasSuffix(".") || entry.key.contains("..") {
            note(entry.key, at: entry.keyLocation, "wanted a key with its blocks, such as optimizer.learning_rate")
            return false
        }
        return true
    }

    fileprivate func draws(isDrawn: Bool) -> SweepSpecification.Draws? {
        guard let node = value("draws"), !node.isNull else {
            if isDrawn { note("draws", "is missing: the number of random draws; for example draws: 20") }
            return nil
        }
        let limit = 1...SweepSpecification.maximumTrialCount
        var count = 0, seed: UInt64 = 1
        if case .block = node.content {
            guard let block = block("draws", required: true, example: "{count: 20, seed: 1}") else { return nil }
            if block.required("count", example: "20") != nil {
                block.read("count", .integer(limit, example: 20), into: &count)
            }
            var given = 1
            block.read("seed", .integer(0...Int.max, example: 1), into: &given)
            seed = UInt64(given)
            block.finish()
        } else {
            read("draws", .integer(limit, example: 20), into: &count)
        }
        if !isDrawn {
            note(
                "draws",
                "is of no use here: no key is drawn; for example optimizer.learning_rate: "
                    + "{draw: log_uniform, between: [1.0e-4, 1.0e-2]}"
            )
        }
        return count > 0 ? .init(count: count, seed: seed) : nil
    }

    fileprivate func workers(_ key: String) -> Int {
        var number = 1
        read(key, .integer(1...(1 << 20), example: 2), into: &number)
        return number
    }

    fileprivate func medianPruning() -> MedianPruning? {
        var pruning = MedianPruning(every: 0)
        let steps = ConfigurationLimits.steps
        if required("every", example: "100") != nil {
            read("every", .integer(1...steps, example: 100), into: &pruning.every)
        }
        read("warmup_steps", .integer(0...steps, example: 200), into: &pruning.warmupSteps)
        let trials = 1...SweepSpecification.maximumTrialCount
        read("minimum_trials", .integer(trials, example: 5), into: &pruning.minimumTrials)
        finish()
        return pruning.every > 0 ? pruning : nil
    }

    fileprivate func halving() -> SuccessiveHalving? {
        var first = 0, factor = 3
        if required("first_steps", example: "100") != nil {
            read("first_steps", .integer(1...ConfigurationLimits.steps, example: 100), into: &first)
        }
        read("factor", .integer(2...1_000, example: 3), into: &factor)
        finish()
        return first > 0 ? SuccessiveHalving(firstSteps: first, factor: factor) : nil
    }
}
