import ArgumentParser
import CoupletCommunication
import CoupletSchema
import CoupletText
import CoupletTraining

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Print a config with all its defaults filled in, or all keys that a config can have.",
        discussion: """
            Also checks the config, and reports all its errors at once, with file, line and key. The output is a \
            config itself; comments at its end say where it departs from what usually works, and list the memory \
            that a training needs, by purpose.

            --summary prints the layers of both encoders in place of the config, each with its output shape, \
            parameters, operations of the matrix products, and activations between forward and backward.

              couplet config configs/gaussian.yaml --set batch.size=4096
              couplet config configs/mnist.yaml --summary
              couplet config --keys
            """)

    @Argument(
        help: ArgumentHelp("The config, a YAML file.", valueName: "config"),
        completion: .file(extensions: ["yaml", "yml"]))
    var path: String?

    @OptionGroup var overrides: OverrideArguments

    @Flag(help: "List every key with its values, its default and one line of help.")
    var keys = false

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
        if path == nil, !keys { throw ValidationError("name a config, or list the keys of every config by --keys") }
        if path != nil, keys { throw ValidationError("--keys lists the keys of every config; leave out '\(path!)'") }
        if json, !summary { throw ValidationError("--json has an effect with --summary only") }
        let given = [
            ("summary", summary), ("set", !overrides.assignments.isEmpty), ("threads", threads != nil),
            ("ranks", ranks != nil),
        ]
        if keys, let (option, _) = given.first(where: \.1) {
            throw ValidationError("--\(option) has no effect on --keys, which lists the keys of every config")
        }
    }

    func run() throws {
        guard let path else {
            print(keyList(Configuration.keys(registry: CommandRegistry.current)), terminator: "")
            return
        }
        let configuration = try overrides.load(path)
        let check = try ConfigurationCheck(configuration)
        if summary { return try printSummary(configuration) }
        print(configuration.resolvedYAML, terminator: "")
        if !check.unchecked.isEmpty {
            print("# not checked, because it cannot be read here:")
            for line in check.unchecked { print("# \(line)") }
        }
        for hint in configuration.hints { print("# hint: \(hint)") }
        let memory = try memory(configuration)
        for line in memory.lines { print("# \(line)") }
        if let shortage = memory.shortage { throw shortage }
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

    /// Two lines a key: its values and default, then its help. A key that several kinds have alike is listed once.
    private func keyList(_ keys: [KeyDescription]) -> String {
        var listed: [(key: KeyDescription, kinds: [String])] = []
        for key in keys {
            let same = listed.firstIndex {
                $0.key.path == key.path && $0.key.type == key.type && $0.key.defaultValue == key.defaultValue
                    && $0.key.help == key.help
            }
            if let same {
                listed[same].kinds += [key.kind].compactMap(\.self)
            } else {
                listed.append((key, [key.kind].compactMap(\.self)))
            }
        }
        return listed.map { key, kinds in
            let value = key.defaultValue.map { $0.isEmpty ? "" : "; default \($0)" } ?? "; required"
            let owners = kinds.isEmpty ? "" : "; with \(kinds.joined(separator: ", "))"
            return "\(key.path): \(key.type)\(value)\(owners)\n    \(key.help)\n"
        }.joined()
    }
}
