import ArgumentParser
import CoupletCommunication
import CoupletEvaluation
import CoupletInference
import CoupletPairs
import CoupletStorage
import CoupletTraining

struct SampleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample",
        abstract: "Draw samples of one modality given rows of the other.",
        discussion: """
            A run's encoders define a coupling exp(S(u, v)) μ(u) ν(v) of the two modalities. This draws from its conditionals and estimates their \
            mean, covariance and mode, with standard errors. Rows are in the units of the run's source, as for couplet encode.

              couplet data export configs/gaussian.yaml --output pairs.h5 --count 3
              couplet sample runs/gaussian --given second --query pairs.h5 --count 1000

            resample: draws rows of a gallery, with the weights softmax S(u, v). For any run. The effective sample size says how many rows of the \
            gallery matter; where it is small, take a larger gallery.

            pcn: Markov chains by the preconditioned Crank-Nicolson method, where the source knows the modality to be Gaussian. New draws, exact \
            when the chains have met: see R-hat (should be below 1.01) and the effective sample size.

            The mode is, by resample, the gallery's row of highest weight: the largest ρ(u | v)/μ(u), what retrieval finds. By pcn it is the point of \
            highest density ρ(u | v), by annealing the chains.

            Without --method: pcn where it is possible and no gallery is asked for, else resample.

            The output has /samples (query rows × count × sample), /mean and /covariance (above 128 dimensions /variance; for labels \
            /probabilities), /mode, /standard_errors and /diagnostics, and on Gaussian data with linear encoders /closed_form. The same seed gives \
            the same bits for any number of threads.
            """)

    enum Method: String, ExpressibleByArgument, CaseIterable {
        case resample, pcn
    }

    @OptionGroup var argument: RunArgument

    @Option(help: ArgumentHelp("Which checkpoint: latest, or its step.", valueName: "latest|step"))
    var checkpoint: TrainedRun.Choice = .latest

    @Option(help: "Whose rows are given: first or second. The other modality is sampled.")
    var given: Modality

    @Option(
        help: ArgumentHelp(
            "The rows given; without a dataset /first or /second of the file.", valueName: "file.h5[:/dataset]"))
    var query: String

    @Option(help: ArgumentHelp("How many samples of each query row.", valueName: "n"))
    var count: Int

    @Option(help: "resample or pcn.")
    var method: Method?

    @Option(help: ArgumentHelp("resample: the rows to choose from.", valueName: "file.h5[:/dataset]"))
    var gallery: String?

    @Option(
        help: ArgumentHelp(
            "resample: so many draws of the run's source to choose from. 10000 if absent.", valueName: "m"))
    var gallerySize: Int?

    @Option(help: ArgumentHelp("pcn: chains for each query row. 8 if absent.", valueName: "c"))
    var chains: Int?

    @Option(
        help: ArgumentHelp(
            "pcn: steps that adapt the step size; as many more measure the thinning. 1000 if absent.",
            valueName: "steps"))
    var burnIn: Int?

    @Option(help: ArgumentHelp("pcn: steps from one draw to the next. Measured if absent.", valueName: "steps"))
    var thin: Int?

    @Option(
        help: ArgumentHelp(
            "pcn: the most steps after the burn-in where the thinning is measured. 200000 if absent.",
            valueName: "steps"))
    var maxSteps: Int?

    @Option(help: ArgumentHelp("What the draws follow from. The run's seed if absent.", valueName: "s"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("Threads to work with. All cores if absent.", valueName: "t"))
    var threads: Int?

    @Option(help: ArgumentHelp("The file to make.", valueName: "file.h5"), completion: .file(extensions: ["h5"]))
    var output: String?

    @Flag(help: "Print JSON in place of tables; without --output with the samples.")
    var json = false

    func validate() throws {
        func require(_ name: String, _ value: Int?, _ range: ClosedRange<Int>) throws {
            guard let value, !range.contains(value) else { return }
            let most =
                range.upperBound == .max ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
            throw ValidationError("--\(name) is \(value); wanted \(most)")
        }
        try require("count", count, 1...(1 << 30))
        try require("gallery-size", gallerySize, 1...(1 << 30))
        try require("chains", chains, 2...SamplingDrawNumber.chainLimit)
        try require("burn-in", burnIn, 1...100_000_000)
        try require("thin", thin, 1...1_000_000)
        try require("max-steps", maxSteps, 1...1_000_000_000)
        try require("threads", threads, 1...4096)
        if output?.isEmpty == true { throw ValidationError("--output is empty; name a file") }
        let forGallery = [("--gallery", gallery != nil), ("--gallery-size", gallerySize != nil)].filter(\.1).map(\.0)
        let forChains = [("--chains", chains), ("--burn-in", burnIn), ("--thin", thin), ("--max-steps", maxSteps)]
            .filter { $0.1 != nil }.map(\.0)
        if forGallery.count == 2 {
            throw ValidationError("--gallery and --gallery-size are both given; the rows come from one of them")
        }
        if let one = forGallery.first, method == .pcn || !forChains.isEmpty {
            throw ValidationError(
                "\(one) is for --method resample, \(forChains.first ?? "--method") for pcn; leave one of them out")
        }
        if let one = forChains.first, method == .resample { throw ValidationError("\(one) is for --method pcn") }
    }

    func run() throws {
        let run = try TrainedRun(argument.path, checkpoint: checkpoint)
        if let output { try SampleFile.requireNew(output) }
        let queries = try SampleCommand.rows(query, given)
        let options = SamplingOptions(
            count: count, method: try wantedMethod(), seed: seed, threads: threads ?? WorkerGroup.availableCores)
        let result = try run.sample(given: given, queries: queries, options: options)
        if let output { try SampleFile.write(result, to: output, run: run) }
        let warnings = result.warnings
        if !warnings.isEmpty {
            ProgressDisplay.Console.standardError.write(warnings.map { "couplet: warning: \($0)\n" }.joined())
        }
        print(json ? result.json(samples: output == nil).indentedText() + "\n" : result.table, terminator: "")
    }

    private func wantedMethod() throws -> SamplingOptions.Method? {
        if let gallery {
            return .resample(gallery: try SampleCommand.rows(gallery, given == .first ? .second : .first))
        }
        if method == .resample || gallerySize != nil { return .resampleSource(size: gallerySize) }
        if method == nil, chains == nil, burnIn == nil, thin == nil, maxSteps == nil { return nil }
        return .pcn(chains: chains, burnIn: burnIn, thinning: thin, maximumSteps: maxSteps)
    }

    /// Rows of "FILE.h5:/dataset", or of the modality's own dataset in "FILE.h5".
    private static func rows(_ text: String, _ modality: Modality) throws -> SamplingRows {
        let reference =
            text.contains(":/")
            ? try DatasetReference(text) : DatasetReference(file: text, dataset: "/\(modality.rawValue)")
        return SamplingRows(try HDF5File(reading: reference.file).readFloats(reference.dataset), place: "\(reference)")
    }
}
