import CMPI
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// All workers of a job, and a program's way to start those of its process.
///
///     let group = try WorkerGroup.launch(threads: options.threads)
///     try group.agree(Result { try readConfig() })
///     try group.run(threads: threads) { communicator in try train(communicator) }
///     try group.finalize()
///
/// A part of the processes can be a group of its own (`split`), and a process alone as well (`alone`): so several programs run in one job,
/// and what fails in one of them ends no other.
///
/// **Failures.** A worker that throws wakes the others of its group, and its error is what `run` throws, not theirs. With several
/// processes, `run` ends together on all of them, and where some failed it throws the same `GroupError` on all, to be printed by rank 0.
/// Then the group can run something else. A process that does not come to hear of the failure within 5 s (it hangs, or computes) ends the
/// whole job; a part of a job waits for it as long as it takes, for the sake of the other parts.
///
/// **Waiting too long.** With a `timeout`, a wait of a worker, or of a process in `agree`, `run`, `split` or `finalize`, that lasts longer
/// starts a roll call: two seconds later the job ends with exit code 70 and a sentence that names the ranks and workers that did not come
/// (or, where all wait, who waits for whom). Those that hang cannot be woken, so this is no error to catch.
public final class WorkerGroup: Sendable {
    /// What the launcher said.
    public let environment: LaunchEnvironment
    public let processRank: Int
    public let processCount: Int
    private let severalThreads: Bool
    private let exitCode: @Sendable (any Error) -> Int32
    /// Whether it is a part of a job, made by `split`.
    private let isPart: Bool
    /// Nil where there is one process, and before and after the use of MPI.
    private let lookout: Mutex<FailureDetector?>
    private let timeout: Duration?

    /// Looks whether a launcher started this process. MPI is not initialised before the first `agree` or `run`, and never
    /// where there is
    /// one process (unless the launcher does not say how many there are).
    ///
    /// - Parameters:
    ///   - threads: How many threads `run` will start, where that is known: MPI is faster if it need not expect several.
    ///   - timeout: How long a worker, or a process, may wait for others of the group before the job is ended; nil: for ever. Longer than
    ///     what one worker may do alone while others wait: reading data, writing a checkpoint.
    ///   - exitCode: The process's exit code for an error.
    public static func launch(
        threads: Int? = nil, environment: LaunchEnvironment = LaunchEnvironment(), timeout: Duration? = nil,
        exitCode: @escaping @Sendable (any Error) -> Int32 = { ($0 as? GroupError)?.exitCode ?? 70 }
    ) throws -> WorkerGroup {
        let severalThreads = threads != 1
        if environment.rank != nil, environment.size == nil {
            let messagePassing = try MPIContext(severalThreads: severalThreads)
            return WorkerGroup(
                environment: environment, processRank: messagePassing.rank, processCount: messagePassing.size,
                severalThreads: severalThreads, exitCode: exitCode, isPart: false, timeout: timeout,
                messagePassing: messagePassing)
        }
        return WorkerGroup(
            environment: environment, processRank: environment.rank ?? 0, processCount: environment.size ?? 1,
            severalThreads: severalThreads, exitCode: exitCode, isPart: false, timeout: timeout, messagePassing: nil)
    }

    /// This process alone, whoever started it, without MPI. There may be several at a time, on different threads.
    public static func alone(
        timeout: Duration? = nil,
        exitCode: @escaping @Sendable (any Error) -> Int32 = { ($0 as? GroupError)?.exitCode ?? 70 }
    ) -> WorkerGroup {
        WorkerGroup(
            environment: LaunchEnvironment { _ in nil }, processRank: 0, processCount: 1, severalThreads: true,
            exitCode: exitCode,
            isPart: false, timeout: timeout, messagePassing: nil)
    }

    /// A group of the processes that pass the same color, numbered by their rank here. All processes of this group call it, at the same
    /// place between their other calls. What fails in the part ends no other part and not this group. Its `finalize` is to be called
    /// when the part is done with, on all of its processes, before this group's.
    ///
    /// - Throws: `CollectiveError` where a call of MPI fails.
    public func split(color: Int) throws -> WorkerGroup {
        let part = try connected().flatMap { lookout in
            try lookout.messagePassing?.split(colors: lookout.allGather(color, call: "split"))
        }
        return WorkerGroup(
            environment: environment, processRank: part?.rank ?? 0, processCount: part?.size ?? 1,
            severalThreads: severalThreads,
            exitCode: exitCode, isPart: true, timeout: timeout, messagePassing: part)
    }

    private init(
        environment: LaunchEnvironment, processRank: Int, processCount: Int, severalThreads: Bool,
        exitCode: @escaping @Sendable (any Error) -> Int32, isPart: Bool, timeout: Duration?,
        messagePassing: MPIContext?
    ) {
        self.environment = environment
        self.processRank = processRank
        self.processCount = processCount
        self.severalThreads = severalThreads
        self.exitCode = exitCode
        self.isPart = isPart
        self.timeout = timeout
        lookout = Mutex(messagePassing.map { FailureDetector(messagePassing: $0, timeout: timeout) })
    }

    /// The MPI library's name and version.
    public static var libraryVersion: String { MPIContext.libraryVersion }

    /// MPI, initialised at the first use; nil where there is one process.
    private func connected() throws -> FailureDetector? {
        guard processCount > 1 else { return nil }
        return try lookout.withLock { known in
            if let known { return known }
            precondition(!isPart, "a part of a job was used after its finalize")
            let new = try MPIContext(severalThreads: severalThreads)
            guard new.size == processCount, new.rank == processRank else {
                throw CollectiveError(
                    .launch, call: "MPI_Init_thread",
                    place: "rank \(processRank) of \(processCount) (\(environment.variable ?? ""))",
                    reason: "MPI counts this process as rank \(new.rank) of \(new.size)",
                    remedy: "start with the mpirun of the MPI that this program uses: \(Self.libraryVersion)")
            }
            let lookout = FailureDetector(messagePassing: new, timeout: timeout)
            known = lookout
            return lookout
        }
    }

    /// Tells all processes how this one fared, between the steps of a set-up that each makes on its own (reading the
    /// config, say). Returns if all
    /// succeeded; else throws on all of them, one `GroupError` that says who failed why. With one process: the error itself.
    public func agree(_ outcome: Swift.Result<Void, any Error>) throws {
        guard let lookout = try connected(), let messagePassing = lookout.messagePassing else {
            return try outcome.get()
        }
        var failure: ProcessFailure?
        if case .failure(let error) = outcome { failure = ProcessFailure(error, exitCode: exitCode(error)) }
        let failures = try lookout.allGather(failure?.message ?? [], call: "agree").map(ProcessFailure.init(message:))
        if let error = GroupError(failures: failures, jobRanks: messagePassing.jobRanks) { throw error }
    }

    /// Runs `body` on `threads` threads in each process, each with its communicator among all of them: worker = process ·
    /// threads + thread.
    /// Returns the result of this process's first worker when all workers of all processes have ended.
    ///
    /// One thread is the calling one; several are new ones with stacks of 16 MiB.
    ///
    /// - Throws: with one process the error of the worker that failed first; with several the same `GroupError` on all. The group can run
    ///   something else then.
    public func run<Result>(threads: Int, _ body: @Sendable (any Communicator) throws -> Result) throws -> Result {
        let board = SharedProcessState(threads: max(threads, 1))
        guard let lookout = try connected() else {
            try checkThreads(threads)
            let lookout = FailureDetector(messagePassing: nil, timeout: timeout)
            lookout.beginRun(board)
            return try ThreadTeam(
                process: 0, processCount: 1, threads: threads, board: board, lookout: lookout, tags: nil
            ).run(body).result()
        }
        // Before the agreement: a process that leaves it first may fail before this one has left it.
        lookout.beginRun(board)
        defer { lookout.endRun() }
        let tags = try agreedTags(threads: threads, lookout)
        let crew = ThreadTeam(
            process: processRank, processCount: processCount, threads: threads, board: board, lookout: lookout,
            tags: tags)
        let outcomes = crew.run(body)
        let failure = outcomes.failure.map { ProcessFailure($0.error, exitCode: exitCode($0.error), time: $0.time) }
        let end = try lookout.end(failure, isPart: isPart)
        // What was sent before a failure and not received must not meet what is sent after it.
        if !end.isClean { try renew(lookout) }
        if let error = end.error { throw error }
        return try outcomes.result()
    }

    private func renew(_ former: FailureDetector) throws {
        let new = try former.messagePassing?.renewed()
        lookout.withLock { $0 = FailureDetector(messagePassing: new, timeout: timeout) }
    }

    private func checkThreads(_ threads: Int) throws {
        guard threads > 0 else {
            throw CollectiveError(
                .launch, call: "run", place: "process \(processRank)", reason: "\(threads) threads",
                remedy: "take at least one")
        }
    }

    /// How messages are tagged, if all processes have as many threads and MPI lets them all call.
    private func agreedTags(threads: Int, _ lookout: FailureDetector) throws -> TagLayout {
        guard let messagePassing = lookout.messagePassing else { preconditionFailure("tags for one process") }
        let counts = try lookout.allGather(threads, call: "run")
        var tags: TagLayout?
        try agree(
            Swift.Result {
                if let other = counts.firstIndex(where: { $0 != counts[0] }) {
                    throw CollectiveError(
                        .launch, call: "run", place: "\(processCount) processes",
                        reason: "rank 0 has \(counts[0]) threads, rank \(other) \(counts[other])",
                        remedy: "give all the same number")
                }
                try checkThreads(threads)
                guard threads == 1 || messagePassing.allowsThreads else {
                    throw CollectiveError(
                        .launch, call: "MPI_Init_thread", place: "rank \(processRank) of \(processCount)",
                        reason: "MPI did not grant MPI_THREAD_MULTIPLE, which \(threads) threads a process need",
                        remedy: "take one thread a process and more processes")
                }
                tags = try TagLayout(threads: threads, largestTag: messagePassing.largestTag)
            })
        guard let tags else { preconditionFailure("agreed without tags") }
        return tags
    }

    /// The messages of a request desk; nil where there is one process.
    func requestLine() throws -> WorkQueueConnection? {
        guard let lookout = try connected(), let messagePassing = lookout.messagePassing else { return nil }
        try agree(
            Swift.Result {
                guard messagePassing.allowsThreads else {
                    throw CollectiveError(
                        .launch, call: "WorkQueue", place: messagePassing.place,
                        reason: "MPI did not grant MPI_THREAD_MULTIPLE, which the thread that answers needs",
                        remedy: "take an MPI that has it, and start the group without saying that there is one thread")
                }
            })
        return try WorkQueueConnection(messagePassing, lookout)
    }

    /// Ends the use of MPI, if it was begun: every process calls it, last of all. Of a part of a job: gives back what the part has in MPI.
    public func finalize() throws {
        try lookout.withLock { known in
            guard let lookout = known, let messagePassing = lookout.messagePassing else { return }
            try lookout.barrier(call: "finalize")
            if isPart { try messagePassing.free() } else { try messagePassing.finalize() }
            known = nil
        }
    }

    /// Ends all processes of the job now.
    public func abortAll(exitCode: Int32) -> Never {
        MPIContext.abort(exitCode: exitCode)
        exit(exitCode)
    }

    /// The cores that this process may run on.
    public static var availableCores: Int { max(1, Int(couplet_available_cores())) }
}
