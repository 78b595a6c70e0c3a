import CoupletCommunication
import CoupletEvaluation
import CoupletOptimizers
import CoupletPairs
import CoupletStorage
import CoupletTensorBoard
import CoupletText

/// The training loop on one worker: steps, checkpoints and evaluations, until the last step or a request to stop. All
/// workers run it together.
final class TrainingLoop {
    /// The run fails at this number of skipped steps in a row, because it no longer learns.
    private static let maximumSkippedSteps = 100

    private let setup: RunSetup
    private let configuration: Configuration
    private let signals: StopSignals
    private let communicator: any Communicator
    private let step: TrainingStep
    private let state: RunState
    /// Number of finished steps at the start.
    private let firstStep: Int
    /// The best evaluation so far; nil without `train.best`.
    private var best: BestEvaluation?
    /// Nil without `--profile`.
    private let profile: StepProfile?
    // Worker 0 only.
    private let reporter: RunReporter?
    private let writer: CheckpointWriter?
    private var timer: RunTimer?
    private var buffers: CheckpointBuffers?

    /// Prepares the worker: restores the state of the run on all workers and reports the start. Every worker calls it.
    init(
        _ setup: RunSetup, options: TrainingOptions, signals: StopSignals, communicator: any Communicator
    ) throws {
        let configuration = setup.configuration
        self.setup = setup
        self.configuration = configuration
        self.signals = signals
        self.communicator = communicator
        step = try TrainingStep(
            configuration, model: setup.model, source: setup.source, communicator: communicator,
            tileMemory: configuration.batch.tileMemory / setup.threads)
        state = RunState(
            configuration: configuration, model: setup.model, step: step, communicator: communicator,
            dataDigest: setup.dataDigest,
            initialDigest: setup.pretrained?.digest
                ?? setup.restored.flatMap { RunState.initialDigest(in: $0.content.scalars) },
            samples: PerModality(setup.source.description(of:)), stepsPerEpoch: setup.stepsPerEpoch)
        firstStep = try Self.restore(state, setup, communicator)

        if let settings = options.profile {
            profile = StepProfile(
                settings, of: step, firstStep: firstStep, lastStep: configuration.train.steps, communicator)
        } else {
            profile = nil
        }
        let isFirst = communicator.rank == 0
        let reporter =
            isFirst ? try RunReporter(setup.folder, configuration, options, start: firstStep) : nil
        reporter?.began(setup, workers: communicator.size, processes: communicator.processCount)
        if let settings = configuration.train.best {
            let former = try Self.bestEvaluation(setup, communicator), new = BestEvaluation(settings)
            best = former.flatMap { $0.isOf(settings) ? $0 : nil } ?? new
            if let former, !former.isOf(settings) { reporter?.changedMetric(from: former, to: new) }
        }
        self.reporter = reporter
        writer = reporter.map { reporter in
            CheckpointWriter(
                CheckpointStore(folder: setup.folder.checkpoints), keep: configuration.train.keepCheckpoints,
                newest: setup.restored?.path, saved: reporter.saved)
        }
        timer = isFirst ? RunTimer(configuration.train, started: setup.started) : nil
    }

    /// Distributes the state from which the run continues. A resumed run takes it from the checkpoint. A new run has
    /// its initial parameters, with the encoders of another run if the config has the block `initialize`.
    /// - Returns: the number of finished steps.
    private static func restore(
        _ state: RunState, _ setup: RunSetup, _ communicator: any Communicator
    ) throws -> Int {
        let restored = communicator.rank == 0 ? setup.restored : nil
        if try communicator.broadcast([restored != nil ? 1 : 0], from: 0) == [1] {
            return try state.restore(restored?.content, from: restored?.path ?? "")
        }
        if setup.configuration.initialization != nil {
            try state.load(communicator.rank == 0 ? setup.pretrained : nil)
        }
        return 0
    }

    /// The best evaluation that the checkpoint of worker 0 holds, on all workers; nil if it holds none.
    private static func bestEvaluation(
        _ setup: RunSetup, _ communicator: any Communicator
    ) throws -> BestEvaluation? {
        let scalars = communicator.rank == 0 ? setup.restored?.content.scalars ?? [] : []
        let bytes = try communicator.broadcast(Array(BestEvaluation.text(in: scalars).utf8), from: 0)
        return BestEvaluation(text: String(decoding: bytes, as: UTF8.self))
    }

    /// Trains from the first step to the last one or to a request to stop.
    func run() throws -> TrainingOutcome {
        do {
            return try runToEnd()
        } catch {
            reporter?.failed(error)
            throw error
        }
    }

    private func runToEnd() throws -> TrainingOutcome {
        // A write in progress completes, also if an error ends the run.
        defer { writer?.finish() }
        let train = configuration.train
        var stepsDone = firstStep, isStopped = false, skippedInARow = 0
        var savedAt = firstStep > 0 || setup.restored != nil ? firstStep : -1
        while stepsDone < train.steps, !isStopped, !isExhausted {
            try profile?.beginStep(stepsDone)
            let (report, histograms) = try runStep(stepsDone)
            profile?.recorder.next(.metrics)
            stepsDone = report.step
            isStopped = report.requests.contains(.stop)
            try reporter?.stepped(report)
            try reporter?.measured(step: stepsDone, histograms)
            try writer?.check()
            skippedInARow = report.nonFinite == nil ? 0 : skippedInARow + 1
            if let diagnosis = report.nonFinite { try skip(diagnosis, stepsInARow: skippedInARow) }
            // The evaluation comes first, because the checkpoint holds the best one so far.
            var isBest = false
            if let every = train.evaluateEvery, stepsDone % every == 0 || stepsDone == train.steps {
                profile?.recorder.next(.evaluation)
                isBest = try evaluateDuringTraining(stepsDone)
            }
            let isDue = train.checkpointEvery.map { stepsDone % $0 == 0 } ?? false
            if isBest || isDue || report.requests.contains(.save) {
                profile?.recorder.next(.checkpoint)
                try save(stepsDone)
                savedAt = stepsDone
            }
            profile?.recorder.end()
            try writeProfile(after: stepsDone)
        }
        try writeProfile(after: nil)
        if savedAt != stepsDone { try save(stepsDone) }
        try writer?.wait()
        if isExhausted, stepsDone < train.steps, let best, let patience = train.stopEarly?.patience {
            reporter?.stoppedEarly(step: stepsDone, patience: patience, best: best)
        } else if isStopped, stepsDone < train.steps {
            reporter?.stopped(step: stepsDone, reason: stopReason)
            // No worker leaves before worker 0 has written: mpirun ends all ranks after the first one with an exit code
            // other than 0.
            try communicator.barrier()
            return .stopped(step: stepsDone)
        }
        let result = try evaluate(stepsDone, .full)
        try reporter?.evaluated(result)
        try evaluateBest(last: result)
        reporter?.finished(step: stepsDone, best: best)
        try communicator.barrier()
        return .done(step: stepsDone)
    }

    /// Writes the profile if its last step is done. Every worker calls it.
    /// - Parameter step: number of finished steps; nil: no further step follows.
    private func writeProfile(after step: Int?) throws {
        guard let result = try profile?.write(after: step) else { return }
        reporter?.profiled(result)
    }

    /// Runs step `step`, counted from 0.
    /// - Returns: its report, and on worker 0 its histograms if they are due.
    private func runStep(_ step: Int) throws -> (StepReport, [(tag: String, histogram: Histogram)]) {
        let train = configuration.train
        guard train.tensorBoard, let every = train.histogramEvery, (step + 1) % every == 0 || step + 1 == train.steps
        else { return (try self.step.run(step, requests: requests), []) }
        let collector = TensorHistograms(model: setup.model, step: self.step, communicator: communicator)
        var histograms: [(tag: String, histogram: Histogram)] = []
        let report = try self.step.run(step, requests: requests) { stage in
            if case .gradients = stage { histograms = try collector.collect() }
        }
        return (report, histograms)
    }

    /// Whether `train.stop_early` ends the run.
    private var isExhausted: Bool { best?.isExhausted(configuration.train.stopEarly) ?? false }

    /// The requests that this worker sends in the next step. Only worker 0 has a timer.
    private var requests: ControlRequests {
        var requests: ControlRequests = []
        if signals.isRequested || timer?.isTimeUp ?? false { requests.insert(.stop) }
        if timer?.isSaveDue ?? false { requests.insert(.save) }
        return requests
    }

    /// Copies the state to worker 0, which begins to write it. Every worker calls it.
    private func save(_ stepsDone: Int) throws {
        try writer?.wait()
        if writer != nil, buffers == nil {
            buffers = CheckpointBuffers(setup.model, optimizer: configuration.optimizer)
        }
        timer?.saved()
        guard let checkpoint = try state.gather(step: stepsDone, into: buffers, scalars: best?.scalars ?? []) else {
            return
        }
        if let error = NonFiniteParametersError(checkpoint) { throw error }
        writer?.begin(checkpoint)
    }

    /// Evaluates the model on pairs that training does not see. Every worker calls it and gets the same result.
    private func evaluate(_ stepsDone: Int, _ extent: ModelEvaluation.Extent) throws -> EvaluationResult {
        let model =
            configuration.evaluation.parameters == .average
            ? setup.model.with(parameters: try step.averageParameters()) : setup.model
        let evaluation = ModelEvaluation(
            configuration: configuration, model: model, source: setup.source, communicator: communicator)
        let loss = ModelEvaluation.LossParameters(
            temperature: step.scalars.temperature, bias: step.scalars.bias)
        let temperature = configuration.objective.loss.scoreTemperature(loss.temperature)
        return try evaluation.run(step: stepsDone, temperature: temperature, loss: loss, extent: extent)
    }

    /// Evaluates the model briefly. Every worker calls it.
    /// - Returns: whether it is the best evaluation of the run so far by `train.best`, the same on all workers.
    private func evaluateDuringTraining(_ stepsDone: Int) throws -> Bool {
        let result = try evaluate(stepsDone, .brief)
        let value = best.flatMap { MetricPath($0.metric).value(in: result.json) }
        let isBest =
            best?.evaluated(
                step: stepsDone, value: value, minimumChange: configuration.train.stopEarly?.minimumChange ?? 0)
            ?? false
        try reporter?.evaluated(result, on: configuration.evaluationSplit(of: setup.source), best: best)
        return isBest
    }

    /// Evaluates the best checkpoint of a run that has ended, as `evaluate` does. The parameters are then those of that
    /// checkpoint. Every worker calls it.
    /// - Parameter last: the evaluation of the last step, which may be the best.
    private func evaluateBest(last: EvaluationResult) throws {
        guard let best = best?.best?.step else { return }
        if best == last.step {
            try reporter?.evaluatedBest(last)
            return
        }
        let store = CheckpointStore(folder: setup.folder.checkpoints), path = store.path(ofStep: best)
        var checkpoint: Checkpoint?
        if let reporter {
            do { checkpoint = try store.read(path) } catch { reporter.lostBest("\(error)") }
        }
        guard try communicator.broadcast([checkpoint != nil ? 1 : 0], from: 0) == [1] else { return }
        _ = try state.restore(checkpoint, from: path)
        let result = try evaluate(best, .full)
        try reporter?.evaluatedBest(result)
    }

    /// Reports a step that updated nothing because a value is not finite. Throws the same error on all workers unless
    /// the config skips such steps.
    private func skip(_ diagnosis: NonFiniteDiagnosis, stepsInARow: Int) throws {
        let skips = configuration.train.onNonFinite == .skip
        if skips, stepsInARow < Self.maximumSkippedSteps {
            reporter?.skipped(diagnosis)
            return
        }
        // The error names the newest checkpoint, and no rank ends while a write is in progress.
        try writer?.wait()
        let newest = String(
            decoding: try communicator.broadcast(Array((writer?.newest ?? "").utf8), from: 0), as: UTF8.self)
        throw NonFiniteLossError(
            diagnosis, checkpoint: newest.isEmpty ? nil : newest, stepsInARow: skips ? stepsInARow : 1)
    }

    /// The reason for the stop, as far as worker 0 knows it.
    private var stopReason: String {
        if let signal = signals.name { return signal }
        guard timer?.isTimeUp ?? false, let stopAfter = configuration.train.stopAfter else {
            return "a signal to another rank"
        }
        return "train.stop_after: \(DurationText.text(stopAfter)) have passed"
    }
}

/// Decides on worker 0 when a checkpoint is due and when the run must stop. All workers act on its requests in the same
/// step.
private struct RunTimer {
    private let train: Configuration.Train
    private let started: ContinuousClock.Instant
    private var lastSave: ContinuousClock.Instant

    /// - Parameter started: time at which the process started the run.
    init(_ train: Configuration.Train, started: ContinuousClock.Instant) {
        self.train = train
        self.started = started
        lastSave = .now
    }

    /// Whether `train.checkpoint_minutes` have passed since the last checkpoint.
    var isSaveDue: Bool { train.checkpointMinutes.map { .now - lastSave >= .seconds(60 * $0) } ?? false }

    /// Whether `train.stop_after` has passed.
    var isTimeUp: Bool { train.stopAfter.map { .now - started >= $0 } ?? false }

    mutating func saved() { lastSave = .now }
}
