import ArgumentParser

/// How often to measure, on how many threads, and how to say what came out.
struct BenchArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Threads a process, a power of two. (default: as many as cores and shards allow; 1 under mpirun)",
            valueName: "n"))
    var threads: Int?

    @Option(name: .customLong("repeat"), help: ArgumentHelp("How often to measure; the median counts.", valueName: "n"))
    var repetitions: Int = 10

    @Option(help: ArgumentHelp("How often to do it before measuring.", valueName: "n"))
    var warmup: Int = 2

    @Flag(help: "Print JSON in place of lines to read.")
    var json = false

    func validate() throws {
        if let threads, threads < 1 {
            throw ValidationError("--threads is \(threads); wanted a power of two, such as 1, 2 or 4")
        }
        if repetitions < 1 { throw ValidationError("--repeat is \(repetitions); wanted at least 1") }
        if warmup < 0 { throw ValidationError("--warmup is \(warmup); wanted at least 0") }
    }
}
