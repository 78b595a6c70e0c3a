import ArgumentParser
import CoupletCommunication
import CoupletSchema
import CoupletText
import CoupletTraining

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Print a config with all its defaults filled in, all keys of a config, or a config to start from.",
        discussion: """
            Also checks the config, and reports all its errors at once, with file, line and key. The output is a \
            config itself; comments at its end say where it departs from what usually works, and list the memory \
            that a training needs, by purpose.

            --summary prints the layers of both encoders in place of the config, each with its output shape, \
            parameters, operations of the matrix products, and activations between forward and backward.

            --template writes a commented config to start from: \
            \(ConfigTemplate.all.map(\.name).joined(separator: ", ")).

              couplet config configs/gaussian.yaml --set batch.size=4096
              couplet config configs/mnist.yaml --summary
              couplet config --keys
              couplet config --keys objective
              couplet config --template hdf5 > hdf5.yaml
            """)

    @Argument(
        help: ArgumentHelp("The config, a YAML file. With --keys: a key or block.", valueName: "config"),
        completion: .file(extensions: ["yaml", "yml"]))
    var path: String?

    @OptionGroup var overrides: OverrideArguments

    @Flag(help: "List every key, or those of a block, with its values, its default and one line of help.")
    var keys = false

    @Flag(help: "With --keys: print the page of the documentation.")
    var markdown = false

    @Option(
        help: ArgumentHelp("Print a commented config to start from.", valueName: "name"),
        completion: .list(ConfigTemplate.all.map(\.name)))
    var template: String?

    @Flag(help: "Print the layers of the encoders with shapes, parameters, operations and memory.")
    var summary = false

    @Flag(help: "With --summary: print JSON.")
    var json = false

    @Option(
        help: ArgumentHelp("Threads of a process, as in train: they determine the listed memory.", valueName: "n"))
    var threads: Int?

    @Option(help: ArgumentHelp("MPI ranks, which also determine the listed memory. (default: 1)", valueName: "n"))
    var ranks: Int?

    func validate() throws {
        try requirePositive(["threads": threads, "ranks": ranks])
        if path == nil, !keys, template == nil {
            throw ValidationError("name a config, list the keys of every config by --keys, or name a --template")
        }
        if let path, keys, path.contains("/") || path.hasSuffix(".yaml") || path.hasSuffix(".yml") {
            throw ValidationError("--keys lists the keys of every config; leave out '\(path)', or name a key or block")
        }
        if json, !summary { throw ValidationError("--json has an effect with --summary only") }
        if markdown, !keys || path != nil {
            throw ValidationError("--markdown has an effect with --keys alone: it prints the whole page")
        }
        if let template {
            if ConfigTemplate.named(template) == nil {
                throw ValidationError(ConfigTemplate.problem(ofName: template))
            }
            if let path { throw ValidationError("--template prints a config of its own; leave out '\(path)'") }
            if keys { throw ValidationError("--keys and --template print different things: give one of them") }
        }
        let given = [
            ("summary", summary), ("set", !overrides.assignments.isEmpty), ("threads", threads != nil),
            ("ranks", ranks != nil),
        ]
        if let (option, _) = given.first(where: \.1) {
            if keys {
                throw ValidationError("--\(option) has no effect on --keys, which lists the keys of every config")
            }
            if template != nil { throw ValidationError("--\(option) has no effect on --template") }
        }
    }

    func run() throws {
        if keys { return try printKeys() }
        if let template = template.flatMap(ConfigTemplate.named) {
            print(try template.text(Configuration.keys(registry: CommandRegistry.current)), terminator: "")
            return
        }
        guard let path else { return }
        let configuration = try overrides.load(path)
        let check = try ConfigurationCheck(configuration)
        if summary { return try printSummary(configuration) }
        print(configuration.resolvedYAML, terminator: "")
        if let length = check.length { print("# train.epochs: \(length)") }
        if !check.unchecked.isEmpty {
            print("# not checked, because it cannot be read here:")
            for line in check.unchecked { print("# \(line)") }
        }
        for hint in configuration.hints { print("# hint: \(hint)") }
        let memory = try memory(configuration)
        for line in memory.lines { print("# \(line)") }
        if let shortage = memory.shortage { throw shortage }
    }

    private func printKeys() throws {
        let list = KeyList(Configuration.keys(registry: CommandRegistry.current))
        guard let path else { return print(markdown ? list.page : list.text, terminator: "") }
        guard let part = list.part(path) else { throw ValidationError(list.problem(ofPath: path)) }
        print(part.text, terminator: "")
    }

    /// Prints the layers of the encoders, and the memory that a process needs.
    private func printSummary(_ configuration: Configuration) throws {
        let model = try ModelSummary(configuration)
        let (estimate, _, shortage) = try estimate(configuration)
        if json {
            let memory = JSONValue.object(
                [("total", .integer(estimate.total))]
                    + estimate.parts.map { ($0.kind, .integer(estimate.threads * $0.worker + $0.process)) })
            print(JSONValue.object(["encoders": model.json, "memory_bytes": memory]).indentedText())
        } else {
            print(model.text)
            for line in estimate.lines(ranks: ranks ?? 1) { print(line) }
        }
        if let shortage { throw shortage }
    }

    /// The memory that a process needs, how much of it this one has, and the error if this machine has less.
    private func estimate(
        _ configuration: Configuration
    ) throws -> (estimate: MemoryEstimate, taken: Int, shortage: MemoryShortageError?) {
        let workers = try WorkerCount(
            wanted: threads, processes: ranks ?? 1, shards: configuration.batch.shards,
            batchSize: configuration.batch.size)
        let (estimate, taken) = try MemoryEstimate.ofProcess(
            configuration, ranks: ranks ?? 1, threads: workers.threads)
        do {
            try estimate.requireAvailable(taken: taken)
            return (estimate, taken, nil)
        } catch let error as MemoryShortageError {
            return (estimate, taken, error)
        }
    }

    /// The memory that a process needs, as lines, and the error if this machine has less.
    private func memory(_ configuration: Configuration) throws -> (lines: [String], shortage: MemoryShortageError?) {
        do {
            let (estimate, _, shortage) = try estimate(configuration)
            return (estimate.lines(ranks: ranks ?? 1), shortage)
        } catch let error as WorkerCountError {
            throw error
        } catch {
            // The config is valid nevertheless: its data may be on another machine.
            return (
                ["memory: unknown, because the data cannot be read here:"]
                    + "\(error)".split(separator: "\n").map(String.init), nil
            )
        }
    }
}
