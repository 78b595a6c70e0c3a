import ArgumentParser
import CoupletTraining

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Print a config with all its defaults filled in.",
        discussion: """
            Checks it too: all that is wrong comes out at once, with file, line and key. What is printed is a config itself; comments at its end tell the \
            memory that a training will take, by kind.

              couplet config configs/gaussian.yaml --set batch.size=4096
            """)

    @OptionGroup var arguments: ConfigurationArguments

    @Option(help: ArgumentHelp("Threads a process, as for train: the memory is told for so many.", valueName: "n"))
    var threads: Int?

    @Option(help: ArgumentHelp("MPI ranks, likewise.", valueName: "n"))
    var ranks: Int = 1

    func validate() throws {
        for (name, value) in [("threads", threads), ("ranks", ranks)] {
            if let value, value < 1 { throw ValidationError("--\(name) is \(value); wanted at least 1") }
        }
    }

    func run() throws {
        let configuration = try arguments.load()
        print(configuration.resolvedYAML, terminator: "")
        for line in try memory(configuration) { print("# \(line)") }
    }

    private func memory(_ configuration: Configuration) throws -> [String] {
        let workers = try WorkerCount(wanted: threads, processes: ranks, shards: configuration.batch.shards)
        do {
            return try MemoryEstimate.lines(configuration, ranks: ranks, threads: workers.threads)
        } catch {
            // The config is good all the same: its data may lie elsewhere.
            return ["memory: not known, for its data cannot be read here:"]
                + "\(error)".split(separator: "\n").map(String.init)
        }
    }
}
