import ArgumentParser
import CoupletCommunication
import CoupletTraining

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Print a config with all its defaults filled in.",
        discussion: """
            Also checks the config, and reports all its errors at once, with file, line and key. The output is a \
            config itself; comments at its end list the memory that a training needs, by purpose.

              couplet config configs/gaussian.yaml --set batch.size=4096
            """)

    @OptionGroup var arguments: ConfigurationArguments

    @Option(
        help: ArgumentHelp("Threads of a process, as in train: they determine the listed memory.", valueName: "n"))
    var threads: Int?

    @Option(help: ArgumentHelp("MPI ranks, which also determine the listed memory.", valueName: "n"))
    var ranks: Int = 1

    func validate() throws { try requirePositive(["threads": threads, "ranks": ranks]) }

    func run() throws {
        let configuration = try arguments.load()
        print(configuration.resolvedYAML, terminator: "")
        for line in try memoryLines(configuration) { print("# \(line)") }
    }

    private func memoryLines(_ configuration: Configuration) throws -> [String] {
        let workers = try WorkerCount(wanted: threads, processes: ranks, shards: configuration.batch.shards)
        do {
            return try MemoryEstimate.lines(configuration, ranks: ranks, threads: workers.threads)
        } catch {
            // The config is valid nevertheless: its data may be on another machine.
            return ["memory: unknown, because the data cannot be read here:"]
                + "\(error)".split(separator: "\n").map(String.init)
        }
    }
}
