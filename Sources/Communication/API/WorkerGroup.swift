import CMPI
import CoupletTensors
import Synchronization

/// All workers of a job. A program uses it to start the workers of its process.
///
///     let group = try WorkerGroup.launch(threads: options.threads)
///     try group.agree(Result { try readConfig() })
///     try group.run(threads: threads) { communicator in try train(communicator) }
///     try group.finalize()
///
/// A part of the processes can form a group (`split`), and so can a single process (`alone`). Then several programs run
/// in one job, and a failure of one does not end the others.
///
/// **Failures.** A worker that throws wakes the other workers of its group. `run` throws that worker's error, not
/// theirs. With several processes, `run` ends on all of them together; if any failed, it throws the same `GroupError`
/// on all, which rank 0 should print. After that the group can run again. If a process does not respond to a failure
/// within 5 s (it hangs, or computes), the whole job ends. A part of a job waits without limit, so that the other parts
/// continue.
///
/// **Timeouts.** With a `timeout`, a longer wait of a worker, or of a process in `agree`, `run`, `split` or `finalize`,
/// starts a hang diagnosis. Two seconds later the job ends with exit code 70 and a message that names the ranks and
/// workers that have not arrived, or who waits for whom if all wait. No error is thrown, because a process that hangs
/// cannot be woken.
public final class WorkerGroup: Sendable {
    /// Computes the exit code of a process from its error.
    public typealias ExitCode = @Sendable (any Error) -> Int32

    public let environment: LaunchEnvironment
    public let processRank: Int
    public let processCount: Int
    private let severalThreads: Bool
    private let exitCode: ExitCode
    /// Whether `split` made the group from a larger one.
    private let isPart: Bool
    /// Nil if there is one process, and before and after the use of MPI.
    private let failureDetector: Mutex<FailureDetector?>
    private let timeout: Duration?

    // MARK: - Creation

    /// Creates the group of all processes that the launcher has started. MPI is initialised by the first `agree`, `run`
    /// or `split`, and never if there is one process; if the launcher does not pass the number of processes, MPI is
    /// initialised at once.
    ///
    /// - Parameters:
    ///   - threads: Number of threads of the later `run`, if known: MPI is faster with 1.
    ///   - timeout: Longest wait of a worker or process for others of the group; nil: unlimited. It must exceed the
    ///     longest time that one worker works alone while others wait, for example to read data or to write a
    ///     checkpoint.
    ///   - exitCode: Exit code of the process for an error.
    /// - Throws: `CollectiveError` if MPI cannot be initialised, or if srun started several processes that do not know
    ///   of each other.
    public static func launch(
        threads: Int? = nil, environment: LaunchEnvironment = LaunchEnvironment(), timeout: Duration? = nil,
        exitCode: @escaping ExitCode = { ($0 as? GroupError)?.exitCode ?? 70 }
    ) throws -> WorkerGroup {
        let severalThreads = threads != 1
        if let tasks = environment.unconnectedTasks {
            throw CollectiveError(
                .launch, call: "srun", participants: "\(tasks) tasks",
                reason: "srun started \(tasks) tasks without MPI between them: each would be a run of its own",
                remedy: environment.remedyForUnconnectedTasks)
        }
        if environment.rank != nil, environment.size == nil {
            let mpi = try MPIContext(severalThreads: severalThreads)
            return WorkerGroup(
                environment: environment, processRank: mpi.rank, processCount: mpi.size, severalThreads: severalThreads,
                exitCode: exitCode, isPart: false, timeout: timeout, mpi: mpi)
        }
        return WorkerGroup(
            environment: environment, processRank: environment.rank ?? 0, processCount: environment.size ?? 1,
            severalThreads: severalThreads, exitCode: exitCode, isPart: false, timeout: timeout, mpi: nil)
    }

    /// Creates a group of this process only, without MPI, even if a launcher has started it. Several such groups may be
    /// used at a time, on different threads.
    public static func alone(
        timeout: Duration? = nil, exitCode: @escaping ExitCode = { ($0 as? GroupError)?.exitCode ?? 70 }
    ) -> WorkerGroup {
        WorkerGroup(
            environment: LaunchEnvironment { _ in nil }, processRank: 0, processCount: 1, severalThreads: true,
            exitCode: exitCode, isPart: false, timeout: timeout, mpi: nil)
    }

    /// Creates a group of the processes that pass the same color, numbered by their rank here. All processes of this
    /// group call it, in the same order among their other calls. A failure in the part ends neither other parts nor
    /// this group. All processes of the part call its `finalize` when they no longer need it, before this group's.
    ///
    /// - Throws: `CollectiveError` if an MPI call fails.
    public func split(color: Int) throws -> WorkerGroup {
        let part = try connected().flatMap { failureDetector in
            try failureDetector.mpi?.split(colors: failureDetector.allGather(color, call: "split"))
        }
        return WorkerGroup(
            environment: environment, processRank: part?.rank ?? 0, processCount: part?.size ?? 1,
            severalThreads: severalThreads, exitCode: exitCode, isPart: true, timeout: timeout, mpi: part)
    }

    private init(
        environment: LaunchEnvironment, processRank: Int, processCount: Int, severalThreads: Bool,
        exitCode: @escaping ExitCode, isPart: Bool, timeout: Duration?, mpi: MPIContext?
    ) {
        self.environment = environment
        self.processRank = processRank
        self.processCount = processCount
        self.severalThreads = severalThreads
        self.exitCode = exitCode
        self.isPart = isPart
        self.timeout = timeout
        failureDetector = Mutex(mpi.map { FailureDetector(mpi: $0, timeout: timeout) })
    }

    /// Initialises MPI at the first use; nil if there is one process.
    private func connected() throws -> FailureDetector? {
        guard processCount > 1 else { return nil }
        return try failureDetector.withLock { current in
            if let current { return current }
            precondition(!isPart, "a part of a job with \(processCount) processes was used after its finalize")
            let mpi = try MPIContext(severalThreads: severalThreads)
            guard mpi.size == processCount, mpi.rank == processRank else {
                throw CollectiveError(
                    .launch, call: "MPI_Init_thread",
                    participants: "rank \(processRank) of \(processCount) (\(environment.variable ?? ""))",
                    reason:
                        "MPI reports rank \(mpi.rank) of \(mpi.size) for this process, because its launcher does not "
                        + "belong to the MPI of this program, \(MPILibrary.header)",
                    remedy: MPILibrary.remedy(forLauncher: environment.launcherFamily))
            }
            let new = FailureDetector(mpi: mpi, timeout: timeout)
            current = new
            return new
        }
    }

    // MARK: - Agreement

    /// Exchanges the outcomes of a step that each process performs separately, such as reading the config.
    ///
    /// - Throws: The same `GroupError` with all failures on all processes, if any process failed. With one process, the
    ///   error of that process.
    public func agree(_ outcome: Swift.Result<Void, any Error>) throws {
        guard let failureDetector = try connected(), let mpi = failureDetector.mpi else { return try outcome.get() }
        var failure: ProcessFailure?
        if case .failure(let error) = outcome { failure = ProcessFailure(error, exitCode: exitCode(error)) }
        let messages = try failureDetector.allGather(failure?.message ?? [], call: "agree")
        if let error = GroupError(failures: messages.map(ProcessFailure.init(message:)), jobRanks: mpi.jobRanks) {
            throw error
        }
    }

    /// Exchanges bytes between the processes. All processes call it.
    /// - Returns: the bytes of every process, by rank.
    /// - Throws: `CollectiveError` if an MPI call fails.
    package func allGather(_ bytes: [UInt8]) throws -> [[UInt8]] {
        guard let failureDetector = try connected() else { return [bytes] }
        return try failureDetector.allGather(bytes, call: "allGather")
    }

    // MARK: - Run

    /// Runs `body` on `threads` threads of each process. Each thread gets a communicator among all of them; its worker
    /// number is process · threads + thread. Returns the result of this process's first worker when all workers of all
    /// processes have ended.
    ///
    /// A single worker runs on the calling thread; several run on new threads with stacks of 16 MiB.
    ///
    /// - Throws: With one process, the error of the worker that failed first. With several, the same `GroupError` on
    ///   all. The group can run again.
    public func run<Result>(threads: Int, _ body: @Sendable (any Communicator) throws -> Result) throws -> Result {
        let processState = SharedProcessState(threads: max(threads, 1))
        guard let failureDetector = try connected() else {
            try checkThreads(threads)
            let failureDetector = FailureDetector(mpi: nil, timeout: timeout)
            failureDetector.beginRun(processState)
            let team = ThreadTeam(
                process: 0, processCount: 1, threads: threads, processState: processState,
                failureDetector: failureDetector, tags: nil)
            return try team.run(body).result()
        }
        // The run begins before the agreement, because another process may leave the agreement first and fail at once.
        failureDetector.beginRun(processState)
        defer { failureDetector.endRun() }
        let tags = try agreedTags(threads: threads, failureDetector)
        let team = ThreadTeam(
            process: processRank, processCount: processCount, threads: threads, processState: processState,
            failureDetector: failureDetector, tags: tags)
        let outcomes = team.run(body)
        let failure = outcomes.failure.map { ProcessFailure($0.error, exitCode: exitCode($0.error), time: $0.time) }
        let outcome = try failureDetector.agreeOnOutcome(failure, isPart: isPart)
        // Messages that were sent before a failure and never received must not reach the next run.
        if !outcome.isClean { try renewCommunicators(of: failureDetector) }
        if let error = outcome.error { throw error }
        return try outcomes.result()
    }

    private func renewCommunicators(of oldDetector: FailureDetector) throws {
        let mpi = try oldDetector.mpi?.renewed()
        failureDetector.withLock { $0 = FailureDetector(mpi: mpi, timeout: timeout) }
    }

    private func checkThreads(_ threads: Int) throws {
        guard threads > 0 else {
            throw CollectiveError(
                .launch, call: "run", participants: "process \(processRank)",
                reason: "cannot run on \(threads) threads", remedy: "take at least one thread")
        }
    }

    /// Checks the threads of all processes, and computes the tags of their messages.
    ///
    /// - Throws: `GroupError` on all processes, if their numbers of threads differ or are below 1, if MPI does not
    ///   allow several threads, or if it has too few tags.
    private func agreedTags(threads: Int, _ failureDetector: FailureDetector) throws -> TagLayout {
        guard let mpi = failureDetector.mpi else { preconditionFailure("one process needs no message tags") }
        let counts = try failureDetector.allGather(threads, call: "run")
        var tags: TagLayout?
        try agree(
            Swift.Result {
                if let other = counts.firstIndex(where: { $0 != counts[0] }) {
                    throw CollectiveError(
                        .launch, call: "run", participants: "\(processCount) processes",
                        reason: "rank 0 has \(counts[0]) threads, rank \(other) has \(counts[other])",
                        remedy: "give all ranks the same number")
                }
                try checkThreads(threads)
                guard threads == 1 || mpi.allowsThreads else {
                    throw CollectiveError(
                        .launch, call: "MPI_Init_thread", participants: "rank \(processRank) of \(processCount)",
                        reason: "MPI did not grant MPI_THREAD_MULTIPLE, which \(threads) threads per process need",
                        remedy: "take one thread per process and more processes")
                }
                tags = try TagLayout(threads: threads, largestTag: mpi.largestTag)
            })
        guard let tags else { preconditionFailure("all processes agreed, but rank \(processRank) has no message tags") }
        return tags
    }

    // MARK: - Work queue

    /// The MPI messages of a work queue; nil if there is one process. All processes call it.
    ///
    /// - Throws: `GroupError` on all processes if MPI does not allow several threads.
    func workQueueConnection() throws -> WorkQueueConnection? {
        guard let failureDetector = try connected(), let mpi = failureDetector.mpi else { return nil }
        try agree(
            Swift.Result {
                guard mpi.allowsThreads else {
                    throw CollectiveError(
                        .launch, call: "WorkQueue", participants: mpi.rankOfGroup,
                        reason: "MPI did not grant MPI_THREAD_MULTIPLE, which the helper thread of rank 0 needs",
                        remedy: "take an MPI that supports it, and launch the group without `threads: 1`")
                }
            })
        return try WorkQueueConnection(mpi, failureDetector)
    }

    // MARK: - End

    /// Ends the use of MPI, if it is in use. All processes call it, after all other calls. For a part of a job it frees
    /// the MPI communicators of the part.
    ///
    /// - Throws: `CollectiveError` if an MPI call fails.
    public func finalize() throws {
        try failureDetector.withLock { current in
            guard let failureDetector = current, let mpi = failureDetector.mpi else { return }
            try failureDetector.barrier(call: "finalize")
            if isPart { try mpi.free() } else { try mpi.finalize() }
            current = nil
        }
    }

    /// What the workers of this process have sent to those of other processes since MPI was initialised, by rank of the
    /// receiver. Empty if there is one process, and before and after the use of MPI.
    public var sentMessages: [MessageCount] {
        failureDetector.withLock { $0?.mpi?.sentMessages.byReceiver ?? [] }
    }

    // MARK: - Machine

    /// Number of cores that this process may run on.
    public static var availableCores: Int { max(1, Int(couplet_available_cores())) }
}
