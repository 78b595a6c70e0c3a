import CCoupletKernels
import CoupletCommunication
import CoupletOptimizers
import CoupletPairs
import CoupletStorage
import CoupletText

/// The training loop on one worker: steps, checkpoints and evaluations, until the last step or a request to stop. All
/// workers run it together.
final class TrainingLoop {
    /// After so many skipped steps in a row the run fails, because it learns nothing any more.
    private static let maximumSkippedSteps = 100

    private let setup: RunSetup
    private let configuration: Configuration
    private let signals: StopSignals
    private let communicator: any Communicator
    private let step: TrainingStep
    private let state: RunState
    /// Number of finished steps at the start.
    private let firstStep: Int
    // Worker 0 only.
    private let reporter: RunReporter?
    private let writer: CheckpointWriter?
    private var timer: RunTimer?
    private var buffers: CheckpointBuffers?

    /// Prepares the worker: restores the state of the run on all workers and reports the start.
    init(
        _ setup: RunSetup, options: TrainingOptions, signals: StopSignals, communicator: any Communicator
    ) throws {
        couplet_flush_subnormals()
        let configuration = setup.configuration
        self.setup = setup
        self.configuration = configuration
        self.signals = signals
        self.communicator = communicator
        try setup.checkAgreement(communicator)
        step = try TrainingStep(
            configuration, model: setup.model, source: setup.source, communicator: communicator,
            tileMemory: configuration.batch.tileMemory / setup.threads)
        state = RunState(
            configuration: configuration, model: setup.model, step: step, communicator: communicator,
            dataDigest: setup.dataDigest,
            initialDigest: setup.pretrained?.digest
                ?? setup.restored.flatMap { RunState.initialDigest(in: $0.content.scalars) })
        firstStep = try Self.restore(state, setup, communicator)

        let isFirst = communicator.rank == 0
        let reporter =
            isFirst ? try RunReporter(setup.folder, configuration, options.progress, start: firstStep) : nil
        reporter?.began(setup, workers: communicator.size, processes: communicator.processCount)
        self.reporter = reporter
        writer = reporter.map { reporter in
            CheckpointWriter(
                CheckpointStore(folder: setup.folder.checkpoints), keep: configuration.train.keepCheckpoints,
                newest: setup.restored?.path, saved: reporter.saved)
        }
        timer = isFirst ? RunTimer(configuration.train, started: setup.started) : nil
    }

    /// Brings all workers to the state from which the run continues: that of the checkpoint, or step 0, with the
    /// encoders of another run if the config says so.
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

    /// Trains from the first step to the last one or to a request to stop.
    func run() throws -> TrainingOutcome {
        // A checkpoint that is being written is completed, whatever ends the run.
        defer { writer?.finish() }
        let train = configuration.train
        var done = firstStep, isStopped = false, skippedInARow = 0
        var savedAt = firstStep > 0 || setup.restored != nil ? firstStep : -1
        while done < train.steps, !isStopped {
            let report = try step.run(done, requests: requests)
            done = report.step
            isStopped = report.requests.contains(.stop)
            try reporter?.stepped(report)
            try writer?.check()
            skippedInARow = report.nonFinite == nil ? 0 : skippedInARow + 1
            if let diagnosis = report.nonFinite { try skip(diagnosis, stepsInARow: skippedInARow) }
            if report.requests.contains(.save) || train.checkpointEvery.map({ done % $0 == 0 }) ?? false {
                try save(done)
                savedAt = done
            }
            if let every = train.evaluateEvery, done % every == 0, done < train.steps { try evaluate(done, .brief) }
        }
        if savedAt != done { try save(done) }
        try writer?.wait()
        if isStopped, done < train.steps {
            reporter?.stopped(step: done, reason: stopReason)
            // No worker leaves before worker 0 has written: mpirun ends all ranks after the first one with an exit code
            // other than 0.
            try communicator.barrier()
            return .stopped(step: done)
        }
        try evaluate(done, .full)
        reporter?.finished(step: done)
        try communicator.barrier()
        return .done(step: done)
    }

    /// What this worker requests of the next step. Only worker 0 has a timer.
    private var requests: ControlRequests {
        var requests: ControlRequests = []
        if signals.isRequested || timer?.isTimeUp ?? false { requests.insert(.stop) }
        if timer?.isSaveDue ?? false { requests.insert(.save) }
        return requests
    }

    /// Copies the state to worker 0, which begins to write it. Every worker calls it.
    private func save(_ done: Int) throws {
        try writer?.wait()
        if writer != nil, buffers == nil {
            buffers = CheckpointBuffers(setup.model, optimizer: Optimizer(configuration.optimizer))
        }
        timer?.saved()
        guard let checkpoint = try state.gather(step: done, into: buffers) else { return }
        if let error = NonFiniteParametersError(checkpoint) { throw error }
        writer?.begin(checkpoint)
    }

    /// Evaluates the model on held-out pairs. Every worker calls it.
    private func evaluate(_ done: Int, _ extent: ModelEvaluation.Extent) throws {
        let evaluation = ModelEvaluation(
            configuration: configuration, model: setup.model, source: setup.source, communicator: communicator)
        let temperature = configuration.objective.loss.scoreTemperature(step.scalars.temperature)
        // Every worker takes part. As an argument of `reporter?` only worker 0 would evaluate it.
        let result = try evaluation.run(step: done, temperature: temperature, extent: extent)
        try reporter?.evaluated(result)
    }

    /// Reports a step that updated nothing because a value is not finite. Throws the same error on all workers unless
    /// the config skips such steps.
    private func skip(_ diagnosis: NonFiniteDiagnosis, stepsInARow: Int) throws {
        let skips = configuration.train.onNonFinite == .skip
        if skips, stepsInARow < Self.maximumSkippedSteps {
            reporter?.skipped(diagnosis)
            return
        }
        // The error names the newest checkpoint, and no rank ends while that is being written.
        try writer?.wait()
        let newest = String(
            decoding: try communicator.broadcast(Array((writer?.newest ?? "").utf8), from: 0), as: UTF8.self)
        throw NonFiniteLossError(
            diagnosis, checkpoint: newest.isEmpty ? nil : newest, stepsInARow: skips ? stepsInARow : 1)
    }

    /// What requested the stop, as far as worker 0 knows it.
    private var stopReason: String {
        if let signal = signals.name { return signal }
        guard timer?.isTimeUp ?? false, let stopAfter = configuration.train.stopAfter else {
            return "a signal to another rank"
        }
        return "train.stop_after: \(DurationText.text(stopAfter)) have passed"
    }
}

/// Decides on worker 0 when a checkpoint is due and when the time of this start is over. All workers act on its
/// requests in the same step.
private struct RunTimer {
    private let train: Configuration.Train
    private let started: ContinuousClock.Instant
    private var lastSave: ContinuousClock.Instant

    /// - Parameter started: when the process began with the run.
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
