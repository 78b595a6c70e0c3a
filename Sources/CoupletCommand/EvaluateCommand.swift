import ArgumentParser
import CoupletCommunication
import CoupletEvaluation
import CoupletFiles
import CoupletInference
import CoupletPairs
import CoupletStorage
import CoupletTraining

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure a run's encoders on held-out pairs.",
        discussion: """
            Measures retrieval in both directions; classification if the data have labels; for Gaussian data the \
            distance from the exact answer; for data with known latent factors how well regressors predict them from \
            the encodings (evaluation.identifiability in the config). The result of the newest checkpoint is also \
            written to evaluation.json of the run. --probe fits a linear classifier (multinomial \
            logistic regression) to the first encodings of labelled training samples.

              couplet evaluate runs/gaussian
              couplet evaluate runs/mnist --checkpoint 400 --json
              couplet evaluate runs/mnist --probe --per-class 10 --layer 9
              couplet evaluate runs/latent --encodings encodings.h5
              couplet evaluate runs/hdf5 --data others.h5
            """)

    @OptionGroup var argument: RunArgument

    @OptionGroup var chosen: CheckpointArgument

    @OptionGroup var data: DataPathArguments

    @Option(
        name: .customLong("data"),
        help: ArgumentHelp(
            """
            Measure on all pairs of this file instead of the held-out ones. It has the datasets of the run's data, \
            in the same units, or /first and /second, and optionally labels and groups.
            """, valueName: "file.h5"), completion: .file(extensions: ["h5"]))
    var file: String?

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
            """
            The layer of the first encoder whose outputs the probe reads, as couplet config --summary numbers them. \
            (default: the last one, whose outputs are the embeddings)
            """, valueName: "n"))
    var layer: Int?

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
        if file?.isEmpty == true { throw ValidationError("--data is empty; name a file") }
        if file != nil, encodings != nil {
            throw ValidationError("--encodings writes samples of the run's own source; leave out --data")
        }
        let probeOptions = [
            ("per-class", perClass != nil), ("probe-penalty", probePenalty != nil), ("layer", layer != nil),
        ]
        if !probe, let (name, _) = probeOptions.first(where: \.1) {
            throw ValidationError("--\(name) has no effect without --probe")
        }
        try requirePositive(["per-class": perClass])
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
                let run = try TrainedRun(
                    argument.path, checkpoint: chosen.checkpoint, parameters: parameters, dataPaths: data.paths,
                    registry: CommandRegistry.current)
                opened = try file.map { try run.evaluating(on: $0) } ?? run
            })
        guard let run = opened else { return }
        let workers = try WorkerCount(
            wanted: nil, group: group, shards: run.configuration.batch.shards,
            batchSize: run.configuration.batch.size)
        try group.agree(
            Result {
                try run.requireMemoryOfEvaluation(
                    workers: workers.threads * group.processCount, threads: workers.threads)
            })
        var probeOptions = ModelEvaluation.Probe(perClass: perClass, layer: layer)
        if let probePenalty { probeOptions.penalty = probePenalty }
        let probe = self.probe ? probeOptions : nil
        let result = try group.run(threads: workers.threads) { communicator in
            try run.evaluate(
                communicator, probe: probe,
                exportSamples: encodings.map { path in { try EncodingsFile(path: path).write($0) } })
        }
        if group.processRank == 0 {
            print(json ? result.jsonText : result.table, terminator: "")
            if let warning = run.dataWarning { warn(warning) }
            if let file, let own = (run.configuration.source.kind as? HDF5Specification)?.path,
                let identity = try? FileIdentity(of: file), identity == (try? FileIdentity(of: own))
            {
                warn("\(file) is the file of the run: its training pairs are among those of this evaluation")
            }
            if result.retrieval == nil {
                warn(
                    "\(run.folder.path): no pair of its data is held out, so there is nothing to evaluate on; give it "
                        + "data with held-out pairs (data.held_out or /split) and train again")
            }
            try store(result, of: run)
        }
        try group.finalize()
    }

    /// Writes evaluation.json, which is that of the run's newest checkpoint and its own data. It stays as it is if the
    /// run cannot be written, or if the evaluation is another.
    private func store(_ result: EvaluationResult, of run: TrainedRun) throws {
        let path = run.folder.evaluation
        if file != nil { return }
        if run.hasNewerCheckpoint {
            warn("\(path) stays as it is: step \(run.step) is not the newest checkpoint of the run")
        } else if run.dataWarning != nil {
            warn("\(path) stays as it is: it is of the run's own data")
        } else if !run.folder.isWritable {
            warn("\(path) stays as it is: \(run.folder.path) cannot be written")
        } else {
            try run.folder.store(evaluationJSON: result.jsonText)
        }
    }
}
