import ArgumentParser
import CoupletCommunication
import CoupletEvaluation
import CoupletInference
import CoupletPairs
import CoupletReports
import CoupletStorage
import CoupletText
import CoupletTraining

struct SampleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample",
        abstract: "Draw samples of one modality given rows of the other.",
        discussion: """
            A run's encoders define a coupling exp(S(u, v)) μ(u) ν(v) of the two modalities. The command draws from \
            its conditionals and estimates their mean, covariance and mode, with standard errors. Rows are in the \
            units of the run's source, as for couplet encode.

              couplet data export configs/gaussian.yaml --output pairs.h5 --count 3
              couplet sample runs/gaussian --given second --query pairs.h5 --count 1000

            resample: draws rows of a gallery with the weights softmax S(u, v). For any run. The effective sample size \
            says how many rows of the gallery carry weight; if it is small, use a larger gallery.

            pcn: Markov chains by the preconditioned Crank-Nicolson method, if the source knows that the modality is \
            Gaussian. Makes new draws, which are exact once the chains have converged: check R-hat (below 1.01) and \
            the effective sample size.

            The mode by resample is the gallery row of highest weight, the largest ρ(u | v)/μ(u), as in retrieval. The \
            mode by pcn is the point of highest density ρ(u | v), found by annealing the chains.

            Without --method: pcn if it is possible and no gallery is given, otherwise resample.

            The output has /samples (query rows × count × sample), /mean and /covariance (above 128 dimensions \
            /variance; for labels /probabilities), /mode, /standard_errors and /diagnostics, and on Gaussian data with \
            linear encoders /closed_form. The same seed gives the same bits for any number of threads.
            """)

    enum Method: String, ExpressibleByArgument, CaseIterable {
        case resample, pcn
    }

    @OptionGroup var argument: RunArgument

    @OptionGroup var chosen: CheckpointArgument

    @OptionGroup var data: DataPathArguments

    @Option(help: "The modality of the given rows: first or second. The other modality is sampled.")
    var given: Modality

    @Option(
        help: ArgumentHelp(
            "The given rows; without a dataset /first or /second of the file.", valueName: "file.h5[:/dataset]"))
    var query: String

    @Option(help: ArgumentHelp("Number of samples for each query row.", valueName: "n"))
    var count: Int

    @Option(help: "resample or pcn.")
    var method: Method?

    @Option(help: ArgumentHelp("resample: rows to draw from.", valueName: "file.h5[:/dataset]"))
    var gallery: String?

    @Option(
        help: ArgumentHelp(
            "resample: number of draws of the run's source to draw from. (default: 10000)", valueName: "m"))
    var gallerySize: Int?

    @Option(help: ArgumentHelp("pcn: chains for each query row. (default: 8)", valueName: "c"))
    var chains: Int?

    @Option(
        help: ArgumentHelp(
            "pcn: steps that adapt the step size; as many more measure the thinning. (default: 1000)",
            valueName: "steps"))
    var burnIn: Int?

    @Option(help: ArgumentHelp("pcn: steps between two draws. (default: measured)", valueName: "steps"))
    var thin: Int?

    @Option(
        help: ArgumentHelp(
            "pcn: the largest number of steps after the burn-in if the thinning is measured. (default: 200000)",
            valueName: "steps"))
    var maxSteps: Int?

    @Option(help: ArgumentHelp("Seed of the draws. (default: the run's seed)", valueName: "s"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("Number of threads. (default: as many as cores)", valueName: "t"))
    var threads: Int?

    @Option(help: ArgumentHelp("The new file.", valueName: "file.h5"), completion: .file(extensions: ["h5"]))
    var output: String?

    @Option(
        help: ArgumentHelp(
            "Draw the first rows and their samples into this new PNG file.", valueName: "file.png"),
        completion: .file(extensions: ["png"]))
    var pictures: String?

    @Flag(help: "Print JSON instead of tables; without --output it includes the samples.")
    var json = false

    func validate() throws {
        func require(_ name: String, _ value: Int?, _ range: ClosedRange<Int>) throws {
            guard let value, !range.contains(value) else { return }
            let wanted =
                range.upperBound == .max
                ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
            throw ValidationError("--\(name) is \(value); wanted \(wanted)")
        }
        try require("count", count, 1...OptionLimits.count)
        try require("gallery-size", gallerySize, 1...OptionLimits.count)
        try require("chains", chains, 2...SamplingDrawNumber.chainLimit)
        try require("burn-in", burnIn, 1...100_000_000)
        try require("thin", thin, 1...1_000_000)
        try require("max-steps", maxSteps, 1...1_000_000_000)
        try require("threads", threads, 1...OptionLimits.threads)
        if output?.isEmpty == true { throw ValidationError("--output is empty; name a file") }
        let resampleOptions = [("--gallery", gallery != nil), ("--gallery-size", gallerySize != nil)]
            .filter(\.1).map(\.0)
        let chainOptions = [("--chains", chains), ("--burn-in", burnIn), ("--thin", thin), ("--max-steps", maxSteps)]
            .filter { $0.1 != nil }.map(\.0)
        if resampleOptions.count == 2 {
            throw ValidationError("--gallery and --gallery-size are both given; the rows come from one of them")
        }
        if let option = resampleOptions.first, method == .pcn || !chainOptions.isEmpty {
            throw ValidationError(
                "\(option) is for --method resample, \(chainOptions.first ?? "--method") for pcn; leave one of them out"
            )
        }
        if let option = chainOptions.first, method == .resample {
            throw ValidationError("\(option) is for --method pcn")
        }
    }

    func run() throws {
        let run = try TrainedRun(
            argument.path, checkpoint: chosen.checkpoint, dataPaths: data.paths, registry: CommandRegistry.current)
        if let warning = run.dataWarning { warn(warning) }
        if let output { try SampleFile.requireNew(output) }
        try PictureSheet.require(pictures, of: run)
        let queries = try Self.rows(query, given)
        let options = SamplingOptions(
            count: count, method: try samplingMethod(), seed: seed, threads: threads ?? WorkerCount.availableCores)
        let result = try run.sample(given: given, queries: queries, options: options)
        if let output { try SampleFile.write(result, to: output, run: run) }
        if let pictures { try result.sheet(given: given, queries, of: run).write(to: pictures) }
        let warnings = result.warnings
        if !warnings.isEmpty {
            ProgressDisplay.Console.standardError.write(escaping: warnings.map { "couplet: warning: \($0)\n" }.joined())
        }
        print(json ? result.json(samples: output == nil).indentedText() + "\n" : result.table, terminator: "")
    }

    /// The method that the options choose; nil if the source chooses.
    private func samplingMethod() throws -> SamplingOptions.Method? {
        if let gallery { return .resample(gallery: try Self.rows(gallery, given.other)) }
        if method == .resample || gallerySize != nil { return .resampleSource(size: gallerySize) }
        if method == nil, chains == nil, burnIn == nil, thin == nil, maxSteps == nil { return nil }
        return .pcn(chains: chains, burnIn: burnIn, thinning: thin, maximumSteps: maxSteps)
    }

    /// Reads the rows of "FILE.h5:/dataset", or of the modality's dataset in "FILE.h5".
    private static func rows(_ text: String, _ modality: Modality) throws -> SamplingRows {
        let reference =
            text.contains(":/")
            ? try DatasetReference(text) : DatasetReference(file: text, dataset: "/\(modality.rawValue)")
        let rows = try HDF5File(reading: reference.file).readFloats(reference.dataset)
        return SamplingRows(rows, place: "\(reference)")
    }
}
