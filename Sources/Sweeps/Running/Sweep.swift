import CoupletCommunication
import CoupletTraining
import Glibc
import Synchronization

/// A sweep on its way: the processes of a job, each with lanes that take trials from one queue as they become free.
///
///     let sweep = try Sweep(options: SweepOptions(output: "sweeps/rates"))
///     let (outcome, table) = try sweep.run { try SweepSpecification.load(path: "rates.yaml") }
///
/// Each trial is an ordinary run in `OUTPUT/trials`, the same bits as when it is trained alone.
public struct Sweep: Sendable {
    private let options: SweepOptions
    private let signals: StopSignals
    private let group: WorkerGroup

    /// Of all processes that a launcher started. Make it before MPI is initialised: it takes over the signals that ask to stop.
    public init(options: SweepOptions) throws {
        signals = StopSignals()
        group = try WorkerGroup.launch(timeout: options.timeout, exitCode: ExitStatus.code)
        self.options = options
    }

    /// Whether this process tells what comes out.
    public var isFirstProcess: Bool { group.processRank == 0 }

    /// What every process knows before its lanes start.
    private struct Setup {
        let plan: TrialPlan
        let layout: TrialSlotLayout
        let sources: SourceCache
        /// On process 0.
        let ledger: SweepCoordinator?
    }

    /// Works off the trials that are left.
    /// - Parameter load: reads the sweep; every process calls it, and an error is told once.
    /// - Returns: how it ended, the same on every process; the table on process 0, an earlier state of it elsewhere.
    /// - Throws: whatever is wrong with the sweep, its base or its folder, on every process. What is wrong with a trial is in the table.
    public func run(_ load: () throws -> SweepSpecification) throws -> (outcome: SweepOutcome, table: SweepTable?) {
        var prepared: Setup?
        try group.agree(Result { prepared = try setUp(load()) })
        let setup = prepared!
        try checkAgreement(setup.plan.specification)
        var part: WorkerGroup?
        if setup.layout.ranks > 1 { part = try group.split(color: group.processRank / setup.layout.ranks) }
        let desk = try WorkQueue(group: group) { question, _ in
            setup.ledger?.answer(question) ?? SlotReply.finished.bytes
        }

        let outcome = Result { try work(setup, part, desk) }
        try desk.close()
        try part?.finalize()
        var closed: (outcome: SweepOutcome, table: SweepTable)?
        try group.agree(
            Result {
                try outcome.get()
                closed = try setup.ledger?.close()
            })
        let told = try share(closed?.outcome)
        try group.finalize()
        return (told, closed?.table)
    }

    private func setUp(_ specification: SweepSpecification) throws -> Setup {
        let plan = try TrialPlan(specification)
        let layout = try TrialSlotLayout(
            specification, threads: options.threads, processes: group.processCount,
            isLaunched: group.environment.rank != nil,
            cores: WorkerGroup.availableCores)
        let sources = SourceCache(lanes: layout.lanes)
        var ledger: SweepCoordinator?
        if isFirstProcess {
            try MetricCheck(plan: plan, sources: sources).run()
            let display = SweepDisplay(
                mode: options.progress, metric: specification.metric.description, goal: specification.goal,
                lanes: layout.lanes * group.processCount / layout.ranks)
            ledger = try SweepCoordinator(
                plan, SweepFolder(path: options.output), options.existing, retriesFailed: options.retriesFailed,
                display: display)
        }
        return Setup(plan: plan, layout: layout, sources: sources, ledger: ledger)
    }

    /// All processes must have read the same sweep.
    private func checkAgreement(_ specification: SweepSpecification) throws {
        guard group.processCount > 1 else { return }
        let text = Version.program + "\n" + specification.resolvedYAML(base: "") + specification.baseText
        try group.run(threads: 1) { communicator in
            let all = try communicator.allGather(bytes: Array(text.utf8))
            let others = all.indices.filter { all[$0] != all[0] }
            if !others.isEmpty { throw RunMismatchError.ranksDiffer(others) }
        }
    }

    /// Runs the lanes of this process to their end.
    private func work(_ setup: Setup, _ part: WorkerGroup?, _ desk: WorkQueue) throws {
        let failure = Mutex<(any Error)?>(nil), areAtWork = Atomic(true)
        let lanes = (0..<setup.layout.lanes).map { _ in
            Lane(
                runner: TrialRunner(
                    plan: setup.plan, folder: SweepFolder(path: options.output),
                    group: part ?? WorkerGroup.alone(exitCode: ExitStatus.code),
                    signals: signals, sources: setup.sources),
                desk: desk)
        }
        func noting(_ body: () throws -> Void) {
            do { try body() } catch { failure.withLock { $0 = $0 ?? error } }
        }
        let pulse = try PosixThread { noting { try keepPulse(desk) { areAtWork.load(ordering: .acquiring) } } }
        var threads: [PosixThread] = []
        noting { for lane in lanes { threads.append(try PosixThread { noting { try lane.work() } }) } }
        for thread in threads { thread.join() }
        areAtWork.store(false, ordering: .releasing)
        pulse.join()
        if let error = failure.withLock({ $0 }) { throw error }
    }

    /// Tells process 0 of a signal that came here, and hears of one that came elsewhere.
    private func keepPulse(_ desk: WorkQueue, while isNeeded: () -> Bool) throws {
        var beats = 0
        while isNeeded() {
            // A short sleep, for the sweep waits for it at its end; a question each tenth of a second.
            usleep(10_000)
            beats += 1
            guard beats % 10 == 0 else { continue }
            let reply = SlotReply(try desk.ask(SlotRequest.pulse(isStopRequested: signals.isRequested).bytes))
            if reply == .finished { signals.request() }
        }
    }

    /// What process 0 knows, on all.
    private func share(_ outcome: SweepOutcome?) throws -> SweepOutcome {
        func bytes(_ outcome: SweepOutcome?) -> [UInt8] {
            if case .done(let failed) = outcome { Array("\(failed)".utf8) } else { [] }
        }
        let told = try group.run(threads: 1) { [own = bytes(outcome)] in try $0.broadcast(own, from: 0) }
        return Int(String(decoding: told, as: UTF8.self)).map { .done(failed: $0) } ?? .stopped
    }
}
