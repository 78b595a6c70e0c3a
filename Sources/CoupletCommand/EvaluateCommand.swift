import ArgumentParser
import CoupletCommunication
import CoupletInference
import CoupletStorage
import CoupletTraining

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure a run's encoders on held-out pairs.",
        discussion: """
            Measures retrieval in both directions; classification if the data have labels; for Gaussian data the \
            distance from the exact answer; for data with known latent factors how well regressors predict them from \
            the encodings (evaluation.identifiability in the config). --probe fits a linear classifier (multinomial \
            logistic regression) to the first encodings of labelled training samples.

              couplet evaluate runs/gaussian
              couplet evaluate runs/mnist --checkpoint 400 --json
              couplet evaluate runs/mnist --probe --per-class 10
              couplet evaluate runs/latent --encodings encodings.h5
            """)

    @OptionGroup var argument: RunArgument

    @Option(help: ArgumentHelp("The checkpoint: latest, or its step.", valueName: "latest|step"))
    var checkpoint: CheckpointChoice = .latest

    @Flag(help: "Print JSON instead of tables.")
    var json = false

    @Flag(help: "Fit a linear probe to the first encodings, and measure it on held-out samples.")
    var probe = false

    @Option(
        help: ArgumentHelp(
            "Training samples of each class for the probe, drawn by the run's seed. (default: all)", valueName: "n"))
    var perClass: Int?

    @Option(
        help: ArgumentHelp(
            """
            The probe's λ: its loss is the sum over samples plus λ/2 times its squared weights. \
            (default: \(ModelEvaluation.Probe().penalty))
            """, valueName: "λ"))
    var probePenalty: Double?

    @Option(
        help: ArgumentHelp(
            "Also write the encodings and latent factors that the regressors of evaluation.identifiability use.",
            valueName: "file.h5"), completion: .file(extensions: ["h5"]))
    var encodings: String?

    @Option(
        help: "The parameters of the step, or their moving average; by default evaluation.parameters of the config.")
    var parameters: Configuration.Evaluation.Parameters?

    func validate() throws {
        if encodings?.isEmpty == true { throw ValidationError("--encodings is empty; name a file") }
        if !probe, perClass != nil || probePenalty != nil {
            throw ValidationError("--\(perClass != nil ? "per-class" : "probe-penalty") has no effect without --probe")
        }
        if let perClass, perClass < 1 {
            throw ValidationError("--per-class is \(perClass); wanted a number from 1")
        }
        if let probePenalty, !(probePenalty >= 0 && probePenalty.isFinite) {
            throw ValidationError("--probe-penalty is \(probePenalty); wanted a number from 0, such as 1")
        }
    }

    func run() throws {
        let group = try WorkerGroup.launch(exitCode: ExitStatus.code)
        var opened: TrainedRun?
        try group.agree(
            Result {
                if let encodings, group.processRank == 0 { try EncodingsFile(path: encodings).check() }
                opened = try TrainedRun(
                    argument.path, checkpoint: checkpoint, parameters: parameters, registry: CommandRegistry.current)
            })
        guard let run = opened else { return }
        let workers = try WorkerCount(wanted: nil, group: group, shards: run.configuration.batch.shards)
        var probeOptions = ModelEvaluation.Probe(perClass: perClass)
        if let probePenalty { probeOptions.penalty = probePenalty }
        let probe = self.probe ? probeOptions : nil
        let result = try group.run(threads: workers.threads) { communicator in
            try run.evaluate(
                communicator, probe: probe,
                exportSamples: encodings.map { path in { try EncodingsFile(path: path).write($0) } })
        }
        if group.processRank == 0 {
            try run.folder.store(evaluationJSON: result.jsonText)
            print(json ? result.jsonText : result.table, terminator: "")
        }
        try group.finalize()
    }
}
