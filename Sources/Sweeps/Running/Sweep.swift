import CoupletCommunication
import CoupletSchema
import CoupletTraining
import Glibc
import Synchronization

/// The options of one start of `couplet sweep`. None of them changes a result.
public struct SweepOptions: Sendable {
    /// The path of the sweep folder.
    public var output: String
    public var existing: RunFolder.ExistingRun
    /// Whether a resumed sweep runs failed trials again.
    public var retriesFailed: Bool
    /// Number of threads of this process, shared by its trial slots. Nil: the number of available cores, or the threads
    /// of one trial under mpirun.
    public var threads: Int?
    public var progress: ProgressDisplay.Mode
    /// How long ranks wait for each other before the job ends; nil: without limit.
    public var timeout: Duration?

    public init(
        output: String, existing: RunFolder.ExistingRun = .refuse, retriesFailed: Bool = false, threads: Int? = nil,
        progress: ProgressDisplay.Mode = .auto, timeout: Duration? = .seconds(600)
    ) {
        self.output = output
        self.existing = existing
        self.retriesFailed = retriesFailed
        self.threads = threads
        self.progress = progress
        self.timeout = timeout
    }
}

/// How a start of a sweep ended.
public enum SweepOutcome: Equatable, Sendable {
    /// Every trial has ended; `failed` trials have failed.
    case done(failed: Int)
    /// A signal or the time limit stopped the sweep after each slot saved its trial. `--resume` continues it.
    case stopped
}

/// A running sweep: the processes of a job, each with trial slots that take trials from one queue.
///
///     let sweep = try Sweep(options: SweepOptions(output: "sweeps/rates"))
///     let (outcome, table) = try sweep.run { try SweepSpecification.load(path: "rates.yaml") }
///
/// Each trial is an ordinary run in `OUTPUT/trials`, with the same bits as when it is trained alone.
public struct Sweep: Sendable {
    private let options: SweepOptions
    /// The kinds that the base config may name.
    private let registry: Registry
    private let signals: StopSignals
    private let group: WorkerGroup

    /// A sweep over all processes that a launcher started.
    ///
    /// Create it before MPI is initialised, because it installs handlers for the signals that request a stop.
    /// - Parameter registry: the kinds that the base config may name.
    public init(options: SweepOptions, registry: Registry = .builtIn) throws {
        signals = StopSignals()
        group = try WorkerGroup.launch(timeout: options.timeout, exitCode: ExitStatus.code)
        self.options = options
        self.registry = registry
    }

    /// Whether this process reports results.
    public var isFirstProcess: Bool { group.processRank == 0 }

    /// What a process needs before its slots start.
    private struct Setup {
        let plan: TrialPlan
        let layout: TrialSlotLayout
        let sources: SourceCache
        /// Nil on all processes but the first.
        let coordinator: SweepCoordinator?
    }

    /// Runs the remaining trials.
    /// - Parameter load: Reads the sweep. Every process calls it; its error is reported once.
    /// - Returns: The outcome, equal on every process, and on the first process the table.
    /// - Throws: On every process, any error of the sweep, its base config or its folder. Errors of single trials are
    ///   in the table.
    public func run(_ load: () throws -> SweepSpecification) throws -> (outcome: SweepOutcome, table: SweepTable?) {
        var prepared: Setup?
        try group.agree(Result { prepared = try setUp(load()) })
        let setup = prepared!
        try checkAgreement(setup.plan.specification)
        var trialGroup: WorkerGroup?
        if setup.layout.ranks > 1 { trialGroup = try group.split(color: group.processRank / setup.layout.ranks) }
        let queue = try WorkQueue(group: group) { request, _ in
            setup.coordinator?.answer(request) ?? SlotReply.finished.bytes
        }

        let result = Result { try runSlots(setup, trialGroup, queue) }
        try queue.close()
        try trialGroup?.finalize()
        var closed: (outcome: SweepOutcome, table: SweepTable)?
        try group.agree(
            Result {
                try result.get()
                closed = try setup.coordinator?.close()
            })
        let outcome = try broadcast(closed?.outcome)
        try group.finalize()
        return (outcome, closed?.table)
    }

    private func setUp(_ specification: SweepSpecification) throws -> Setup {
        let folder = SweepFolder(path: options.output)
        let specification = try folder.resolving(specification, options.existing)
        let layout = try TrialSlotLayout(
            specification, threads: options.threads, processes: group.processCount,
            isLaunched: group.environment.rank != nil, cores: WorkerCount.availableCores)
        let sources = SourceCache(slots: layout.slots)
        let plan = try TrialPlan(
            specification, registry: registry, sources: sources, names: folder.trialNames(options.existing))
        var coordinator: SweepCoordinator?
        if isFirstProcess {
            try MetricCheck(plan: plan, sources: sources).run()
            let display = SweepDisplay(
                mode: options.progress, metric: specification.metric.description, goal: specification.goal,
                slots: layout.slots * group.processCount / layout.ranks)
            coordinator = try SweepCoordinator(
                plan, folder, options.existing, retriesFailed: options.retriesFailed,
                display: display)
        }
        return Setup(plan: plan, layout: layout, sources: sources, coordinator: coordinator)
    }

    /// Checks that all processes have read the same sweep.
    private func checkAgreement(_ specification: SweepSpecification) throws {
        guard group.processCount > 1 else { return }
        let text = Version.program + "\n" + specification.resolvedYAML(base: "") + specification.baseText
        try group.run(threads: 1) { communicator in
            let texts = try communicator.allGather(bytes: Array(text.utf8))
            let differentRanks = texts.indices.filter { texts[$0] != texts[0] }
            if !differentRanks.isEmpty { throw RunMismatchError.ranksDiffer(differentRanks) }
        }
    }

    /// Runs the slots of this process until no trials are left.
    private func runSlots(_ setup: Setup, _ trialGroup: WorkerGroup?, _ queue: WorkQueue) throws {
        let failure = Mutex<(any Error)?>(nil), areSlotsRunning = Atomic(true)
        let slots = (0..<setup.layout.slots).map { _ in
            TrialSlot(
                plan: setup.plan, folder: SweepFolder(path: options.output),
                group: trialGroup ?? WorkerGroup.alone(exitCode: ExitStatus.code), signals: signals,
                sources: setup.sources, queue: queue)
        }
        func recordingFailure(_ body: () throws -> Void) {
            do { try body() } catch { failure.withLock { $0 = $0 ?? error } }
        }
        let heartbeat = try PosixThread {
            recordingFailure { try sendHeartbeats(queue) { areSlotsRunning.load(ordering: .acquiring) } }
        }
        var threads: [PosixThread] = []
        recordingFailure {
            for slot in slots { threads.append(try PosixThread { recordingFailure { try slot.run() } }) }
        }
        for thread in threads { thread.join() }
        areSlotsRunning.store(false, ordering: .releasing)
        heartbeat.join()
        if let error = failure.withLock({ $0 }) { throw error }
    }

    /// Reports a stop signal of this process to the first process, and requests a stop here if the sweep is stopping.
    private func sendHeartbeats(_ queue: WorkQueue, while isNeeded: () -> Bool) throws {
        var sleeps = 0
        while isNeeded() {
            // The sweep waits for this thread at its end, so the sleep is short: ten sleeps between two requests.
            usleep(10_000)
            sleeps += 1
            guard sleeps % 10 == 0 else { continue }
            let request = SlotRequest.heartbeat(isStopRequested: signals.isRequested)
            if SlotReply(try queue.request(request.bytes)) == .finished { signals.request() }
        }
    }

    /// Sends the outcome of the first process to all processes.
    private func broadcast(_ outcome: SweepOutcome?) throws -> SweepOutcome {
        func bytes(_ outcome: SweepOutcome?) -> [UInt8] {
            if case .done(let failed) = outcome { Array("\(failed)".utf8) } else { [] }
        }
        let received = try group.run(threads: 1) { [sent = bytes(outcome)] in try $0.broadcast(sent, from: 0) }
        return Int(String(decoding: received, as: UTF8.self)).map { .done(failed: $0) } ?? .stopped
    }
}
