import CCoupletKernels
import CoupletCommunication
import CoupletFiles
import CoupletOptimizers
import CoupletPairs
import CoupletStorage
import CoupletText
import Foundation
import Logging

/// A run of training, from its config to its folder: sets up, goes on from a checkpoint where asked, steps, saves, evaluates, reports.
///
/// Every process makes one; inside, every worker runs the same program. Worker 0 alone writes.
public struct Trainer: Sendable {
    /// A config that trains and nothing that it needs is missing: the state of a process before its workers start.
    private struct Setup: Sendable {
        let configuration: Configuration
        let source: any PairSource
        let model: Model
        let folder: RunFolder
        let threads: Int
        /// When this process began with the run.
        let started: ContinuousClock.Instant
        /// Of the source's data, where it has one.
        let dataDigest: String?
        /// On process 0, as long as the run lasts.
        let lock: FolderLock?
        /// On process 0, where the run goes on from a checkpoint.
        let restored: (content: Checkpoint, path: String)?
        /// On process 0, where the run begins with encoders of another.
        let initial: PretrainedEncoders?
        let damagedCheckpoints: [CheckpointStore.DamagedCheckpoint]
    }

    private let group: WorkerGroup
    private let options: TrainingOptions
    private let signals: StopSignals
    /// Whether the group's use ends with the run.
    private let isAlone: Bool

    /// Of all processes that a launcher started. Make it before MPI is initialised: it takes over the signals that ask to stop.
    public init(options: TrainingOptions) throws {
        signals = StopSignals()
        group = try WorkerGroup.launch(timeout: options.timeout, exitCode: ExitStatus.code)
        isAlone = true
        self.options = options
    }

    /// Of a group that goes on to exist, as a sweep's trials have it.
    package init(options: TrainingOptions, group: WorkerGroup, signals: StopSignals) {
        self.signals = signals
        self.group = group
        isAlone = false
        self.options = options
    }

    /// Trains.
    /// - Parameters:
    ///   - source: where the pairs come from, if not from the source that the config names (`SourceSpecification.program`).
    ///   - load: reads the config; every process calls it, and an error is told once.
    /// - Throws: whatever is wrong with config, data, folder or workers, on every process.
    @discardableResult
    public func run(source: (any PairSource)? = nil, _ load: () throws -> Configuration) throws -> TrainingOutcome {
        let started = ContinuousClock.now
        var prepared: Setup?
        try group.agree(Result { prepared = try setUp(load(), source, started) })
        let setup = prepared!
        let outcome = try withExtendedLifetime(setup.lock) {
            try group.run(threads: setup.threads) { try work($0, setup) }
        }
        if isAlone { try group.finalize() }
        return outcome
    }

    private func setUp(
        _ wanted: Configuration, _ ownSource: (any PairSource)?, _ started: ContinuousClock.Instant
    ) throws -> Setup {
        let folder = RunFolder(path: options.output, name: wanted.name)
        var configuration = wanted.resolvingScheduleSteps()
        var restored: (content: Checkpoint, path: String)?, damagedCheckpoints: [CheckpointStore.DamagedCheckpoint] = []
        if options.existing == .resume, folder.holdsRun {
            let stored = try folder.storedConfiguration()
            let differences = wanted.differences(from: stored)
            if !differences.isEmpty {
                throw RunMismatchError.cannotResume(folder.path, differences: differences)
            }
            configuration = wanted.resuming(stored).resolvingScheduleSteps()
        }
        let workers = try WorkerCount(wanted: options.threads, group: group, shards: configuration.batch.shards)
        let source = try ownSource ?? configuration.source.makeSource(seed: configuration.seed)
        _ = try Sampler(
            batchSize: configuration.batch.size, sampleCount: source.count(of: .training), seed: configuration.seed)
        let model = try Model(configuration, source: source)
        let dataDigest = try source.dataDigest()
        var lock: FolderLock?, initial: PretrainedEncoders?
        if group.processRank == 0 {
            // What is missing for a new run is said before a former one is removed.
            if options.existing != .resume { initial = try initialEncoders(configuration, model, folder) }
            lock = try folder.lock(options.existing)
            try folder.prepare(options.existing)
            let store = CheckpointStore(folder: folder.checkpoints)
            _ = try store.removeAbandonedFiles()
            if options.existing == .resume { (restored, damagedCheckpoints) = try store.newestVerified() }
            if let restored {
                try checkData(dataDigest, of: restored)
            } else if options.existing == .resume {
                initial = try initialEncoders(configuration, model, folder)
            }
            try folder.store(configuration)
        }
        return Setup(
            configuration: configuration, source: source, model: model, folder: folder, threads: workers.threads,
            started: started,
            dataDigest: dataDigest, lock: lock, restored: restored, initial: initial,
            damagedCheckpoints: damagedCheckpoints)
    }

    /// The encoders of another run that a new one begins with; nil where it begins with random numbers.
    private func initialEncoders(_ configuration: Configuration, _ model: Model, _ folder: RunFolder) throws
        -> PretrainedEncoders?
    {
        guard let wanted = configuration.initialization else { return nil }
        guard RunFolder(path: wanted.from) != folder else {
            throw RunMismatchError(
                description:
                    "initialize.from: \(folder.path) is this run's own folder. Name another run, or give another folder by --output"
            )
        }
        return try PretrainedEncoders(wanted, for: configuration, model: model)
    }

    /// A run goes on with the data that it was started with. Checkpoints of programs or sources without digests are not asked.
    private func checkData(_ digest: String?, of restored: (content: Checkpoint, path: String)) throws {
        guard let digest,
            case .string(let former)? = restored.content.scalars.first(where: { $0.name == RunState.dataDigestName })?
                .value,
            former != digest
        else { return }
        throw RunMismatchError.otherData(restored.path, was: former, now: digest)
    }

    /// What every worker does.
    private func work(_ communicator: any Communicator, _ setup: Setup) throws -> TrainingOutcome {
        couplet_flush_subnormals()
        let configuration = setup.configuration, train = configuration.train
        try checkAgreement(setup, communicator)
        let step = try TrainingStep(
            configuration, model: setup.model, source: setup.source, communicator: communicator,
            tileMemory: configuration.batch.tileMemory / setup.threads)
        let state = RunState(
            configuration: configuration, model: setup.model, step: step, communicator: communicator,
            dataDigest: setup.dataDigest,
            initialDigest: setup.initial?.digest ?? RunState.initialDigest(of: setup.restored?.content))
        let start = try begin(state, setup, communicator)
        let reporter =
            communicator.rank == 0 ? try RunReporter(setup.folder, configuration, options.progress, start: start) : nil
        reporter?.began(
            workers: communicator.size, processes: communicator.processCount,
            memory: MemoryEstimate(
                configuration, model: setup.model, source: setup.source, workers: communicator.size,
                threads: setup.threads),
            restored: setup.restored?.path, setup.damagedCheckpoints, isLocked: setup.lock?.isHeld ?? true)

        if let source = setup.source as? any LatentFactorSource { reporter?.began(with: source) }
        reporter?.began(with: setup.initial, frozen: setup.model.frozen)

        let writer = reporter.map { reporter in
            CheckpointWriter(
                CheckpointStore(folder: setup.folder.checkpoints), keep: train.keepCheckpoints,
                newest: setup.restored?.path,
                saved: reporter.saved)
        }
        // Whatever ends the run, a checkpoint in the works becomes a whole one.
        defer { writer?.finish() }
        var memory: CheckpointBuffers?, clock = reporter.map { _ in RunClock(train, started: setup.started) }
        func save(_ done: Int) throws {
            try writer?.wait()
            if writer != nil, memory == nil {
                memory = CheckpointBuffers(setup.model, rule: Optimizer(configuration.optimizer))
            }
            clock?.saved()
            guard let content = try state.gather(step: done, into: memory) else { return }
            if let error = NonFiniteParametersError(content) { throw error }
            writer?.begin(content)
        }
        func evaluate(_ done: Int, _ extent: ModelEvaluation.Extent) throws {
            let evaluation = ModelEvaluation(
                configuration: configuration, model: setup.model, source: setup.source, communicator: communicator)
            let temperature = configuration.objective.loss.scoreTemperature(step.temperature.value)
            let result = try evaluation.run(step: done, temperature: temperature, extent: extent)
            try reporter?.evaluated(result)
        }

        var done = start, isStopped = false, savedAt = start > 0 || setup.restored != nil ? start : -1, leftOut = 0
        while done < train.steps, !isStopped {
            let report = try step.run(
                done, stopRequested: signals.isRequested || clock?.isTimeUp ?? false,
                saveRequested: clock?.isSaveDue ?? false)
            done = report.step
            isStopped = report.stopRequested
            try reporter?.stepped(report)
            try writer?.check()
            leftOut = report.nonFinite == nil ? 0 : leftOut + 1
            if let diagnosis = report.nonFinite {
                try leaveOut(diagnosis, train.onNonFinite, stepsInARow: leftOut, writer, communicator)
                reporter?.skipped(diagnosis)
            }
            if report.saveRequested || train.checkpointEvery.map({ done % $0 == 0 }) ?? false {
                try save(done)
                savedAt = done
            }
            if let every = train.evaluateEvery, done % every == 0, done < train.steps { try evaluate(done, .brief) }
        }
        if savedAt != done { try save(done) }
        try writer?.wait()
        if isStopped, done < train.steps {
            reporter?.stopped(step: done, reason: reason(train, isTimeUp: clock?.isTimeUp ?? false))
            // Nobody leaves before worker 0 has written: the first rank that ends other than by 0 has mpirun end all others.
            try communicator.barrier()
            return .stopped(step: done)
        }
        try evaluate(done, .full)
        reporter?.finished(step: done)
        try communicator.barrier()
        return .done(step: done)
    }

    /// So many steps in a row may be left out: beyond them nothing is learned any more.
    private static let mostLeftOut = 100

    /// Lets a step pass whose numbers are not finite, where the config skips it; else throws the same error on all workers.
    private func leaveOut(
        _ diagnosis: NonFiniteDiagnosis, _ way: Configuration.Train.NonFinite, stepsInARow: Int,
        _ writer: CheckpointWriter?,
        _ communicator: any Communicator
    ) throws {
        if way == .skip, stepsInARow < Self.mostLeftOut { return }
        // The error names the newest checkpoint, and no rank ends while that is being written.
        try writer?.wait()
        let newest = String(
            decoding: try communicator.broadcast(Array((writer?.newest ?? "").utf8), from: 0), as: UTF8.self)
        throw NonFiniteLossError(
            diagnosis, checkpoint: newest.isEmpty ? nil : newest, stepsInARow: way == .skip ? stepsInARow : 1)
    }

    /// What asked this run to stop, as worker 0 knows it.
    private func reason(_ train: Configuration.Train, isTimeUp: Bool) -> String {
        if let signal = signals.name { return signal }
        guard isTimeUp, let stopAfter = train.stopAfter else { return "a signal to another rank" }
        return "train.stop_after: \(DurationText.text(stopAfter)) have passed"
    }

    /// Where the run goes on: the restored state on all workers, or step 0, with the encoders of another run where the config says so.
    private func begin(_ state: RunState, _ setup: Setup, _ communicator: any Communicator) throws -> Int {
        let isFirst = communicator.rank == 0, restored = setup.restored
        let isRestored = try communicator.broadcast([isFirst && restored != nil ? 1 : 0], from: 0) == [1]
        if isRestored { return try state.restore(isFirst ? restored?.content : nil, from: restored?.path ?? "") }
        if setup.configuration.initialization != nil { try state.start(from: isFirst ? setup.initial : nil) }
        return 0
    }

    /// All workers must have read the same config, and the same data.
    private func checkAgreement(_ setup: Setup, _ communicator: any Communicator) throws {
        func others(_ mine: String) throws -> [Int] {
            let all = try communicator.allGather(bytes: Array(mine.utf8))
            return all.indices.filter { all[$0] != all[0] }
        }
        let otherConfigs = try others(Version.program + "\n" + setup.configuration.resolvedYAML)
        if !otherConfigs.isEmpty { throw RunMismatchError.ranksDiffer(otherConfigs) }
        let otherData = try others(setup.dataDigest ?? "")
        if !otherData.isEmpty { throw RunMismatchError.dataDiffer(otherData) }
    }
}
