import ArgumentParser
import CoupletBenchmarks
import CoupletCommunication
import CoupletTensors
import CoupletText
import CoupletTraining

struct BenchProductCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "product",
        abstract: "Time matrix products in single precision.",
        discussion: """
            Multiplies random matrices, C (m × n) = A (m × k) B (k × n), as the encoders and the loss do: each thread \
            has matrices of its own. The FMA peak is the speed of fused multiply-adds in registers, on the same \
            threads in the same run. COUPLET_CPU=avx512, avx2 or portable chooses Couplet's kernels; the bits of the \
            product do not depend on them.

              couplet bench product --rows 512 --columns 512 --inner 128 --form nt
              couplet bench product --library openblas --json
            """)

    @Option(help: ArgumentHelp("Rows of A and C.", valueName: "m"))
    var rows: Int = 512

    @Option(help: ArgumentHelp("Columns of B and C.", valueName: "n"))
    var columns: Int = 512

    @Option(help: ArgumentHelp("Columns of A and rows of B: the length of each sum.", valueName: "k"))
    var inner: Int = 512

    @Option(help: "Which of A and B lie transposed in memory: none (nn), B (nt), A (tn) or both (tt).")
    var form: ProductBenchmark.Form = .nn

    @Option(help: "Whose products: couplet or, as a yardstick, openblas.")
    var library: ProductBenchmark.Library = .couplet

    @OptionGroup var bench: BenchArguments

    func validate() throws {
        try requirePositive(["rows": rows, "columns": columns, "inner": inner])
        let most = ProductBenchmark.largestMatrix
        for (name, one, other) in [("A", rows, inner), ("B", inner, columns), ("C", rows, columns)]
        where one > most / other {
            throw ValidationError(
                "\(name) is \(one) × \(other); wanted at most \(most) numbers (\(MemorySize.text(4 * most))) a matrix")
        }
    }

    func run() throws {
        let group = try WorkerGroup.launch(exitCode: ExitStatus.code)
        let workers = try WorkerCount(wanted: bench.threads, group: group, shards: 1 << 20)
        if library == .openblas { try group.agree(Result { try OpenBLAS.reserveMemory(threads: workers.threads) }) }
        let benchmark = ProductBenchmark(
            rows: rows, columns: columns, inner: inner, form: form, library: library, warmup: bench.warmup,
            repetitions: bench.repetitions)
        let result = try group.run(threads: workers.threads) { try benchmark.run(on: $0) }
        if group.processRank == 0 {
            print(bench.json ? benchmark.json(result).indentedText() : benchmark.text(result))
        }
        try group.finalize()
    }
}

extension ProductBenchmark.Form: ExpressibleByArgument {}
extension ProductBenchmark.Library: ExpressibleByArgument {}
