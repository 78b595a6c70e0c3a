import ArgumentParser
import CoupletCommunication
import CoupletEvaluation
import CoupletInference
import CoupletTraining

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure a run's encoders on held-out pairs.",
        discussion: """
            Retrieval both ways; classification where the data have labels; for Gaussian data the distance from the exact answer; for \
            data with known latent factors how well these are predicted from the encodings (evaluation.identifiability in the config).
            --probe fits a linear classifier (multinomial logistic regression) to the first encodings of labelled training samples.

              couplet evaluate runs/gaussian
              couplet evaluate runs/mnist --checkpoint 400 --json
              couplet evaluate runs/mnist --probe --per-class 10
              couplet evaluate runs/latent --encodings encodings.h5
            """)

    @OptionGroup var argument: RunArgument

    @Option(help: ArgumentHelp("Which checkpoint: latest, or its step.", valueName: "latest|step"))
    var checkpoint: TrainedRun.Choice = .latest

    @Flag(help: "Print JSON in place of tables.")
    var json = false

    @Flag(help: "Fit a linear probe to the first encodings, and measure it on held-out samples.")
    var probe = false

    @Option(
        help: ArgumentHelp(
            "Training samples of each class that the probe is fitted on, drawn by the run's seed. (default: all)",
            valueName: "n"))
    var perClass: Int?

    @Option(
        help: ArgumentHelp(
            "The probe's λ: λ/2 times its squared weights is added to the summed loss. (default: \(ModelEvaluation.Probe().penalty))",
            valueName: "λ"))
    var probePenalty: Double?

    @Option(
        help: ArgumentHelp(
            "Also write the encodings and latent factors that the regressors of evaluation.identifiability see.",
            valueName: "file.h5"),
        completion: .file(extensions: ["h5"]))
    var encodings: String?

    func validate() throws {
        if encodings?.isEmpty == true { throw ValidationError("--encodings is empty; name a file") }
        if !probe, perClass != nil || probePenalty != nil {
            throw ValidationError("--\(perClass != nil ? "per-class" : "probe-penalty") is of no use without --probe")
        }
        if let perClass, perClass < 1 { throw ValidationError("--per-class is \(perClass); wanted a number from 1") }
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
                opened = try TrainedRun(argument.path, checkpoint: checkpoint)
            })
        guard let run = opened else { return }
        let workers = try WorkerCount(wanted: nil, group: group, shards: run.configuration.batch.shards)
        var wanted = ModelEvaluation.Probe(perClass: perClass)
        if let probePenalty { wanted.penalty = probePenalty }
        let probe = self.probe ? wanted : nil
        let result = try group.run(threads: workers.threads) { communicator in
            try run.evaluate(
                communicator, probe: probe, keep: encodings.map { path in { try EncodingsFile(path: path).write($0) } })
        }
        if group.processRank == 0 {
            try run.folder.store(evaluationJSON: result.jsonText)
            print(json ? result.jsonText : result.table, terminator: "")
        }
        try group.finalize()
    }
}

extension TrainedRun.Choice: ExpressibleByArgument {
    public init?(argument: String) {
        if argument == "latest" {
            self = .latest
        } else if let step = Int(argument), step >= 0 {
            self = .step(step)
        } else {
            return nil
        }
    }
}
