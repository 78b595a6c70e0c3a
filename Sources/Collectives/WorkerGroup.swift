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
/// **Failures.** A worker that throws wakes the other threads of its process, and its error is what `run` throws, not theirs. With several
/// processes, those that fail wait half a second for the others: if all have failed, `run` throws one `GroupError` on all of them, to be printed by rank 0;
/// else the failing process prints "rank r of n: …" itself and ends the job by MPI_Abort, for processes that wait for it cannot be
/// woken otherwise.
public final class WorkerGroup: Sendable {
    /// What the launcher said.
    public let environment: LaunchEnvironment
    public let processRank: Int
    public let processCount: Int
    private let severalThreads: Bool
    private let exitCode: @Sendable (any Error) -> Int32
    private let messagePassing: Mutex<MessagePassing?>

    /// Looks whether a launcher started this process. MPI is not initialised before the first `agree` or `run`, and never where there is
    /// one process (unless the launcher does not say how many there are).
    ///
    /// - Parameters:
    ///   - threads: How many threads `run` will start, where that is known: MPI is faster if it need not expect several.
    ///   - exitCode: The process's exit code for an error.
    public static func launch(
        threads: Int? = nil, environment: LaunchEnvironment = LaunchEnvironment(),
        exitCode: @escaping @Sendable (any Error) -> Int32 = { ($0 as? GroupError)?.exitCode ?? 70 }
    ) throws -> WorkerGroup {
        let severalThreads = threads != 1
        if environment.rank != nil, environment.size == nil {
            let messagePassing = try MessagePassing(severalThreads: severalThreads)
            return WorkerGroup(
                environment: environment, processRank: messagePassing.rank, processCount: messagePassing.size,
                severalThreads: severalThreads, exitCode: exitCode, messagePassing: messagePassing)
        }
        return WorkerGroup(
            environment: environment, processRank: environment.rank ?? 0, processCount: environment.size ?? 1,
            severalThreads: severalThreads, exitCode: exitCode, messagePassing: nil)
    }

    private init(
        environment: LaunchEnvironment, processRank: Int, processCount: Int, severalThreads: Bool,
        exitCode: @escaping @Sendable (any Error) -> Int32, messagePassing: sending MessagePassing?
    ) {
        self.environment = environment
        self.processRank = processRank
        self.processCount = processCount
        self.severalThreads = severalThreads
        self.exitCode = exitCode
        self.messagePassing = Mutex(messagePassing)
    }

    /// The MPI library's name and version.
    public static var libraryVersion: String { MessagePassing.libraryVersion }

    /// MPI, initialised at the first use; nil where there is one process.
    private func connected() throws -> MessagePassing? {
        guard processCount > 1 else { return nil }
        return try messagePassing.withLock { known in
            if let known { return known }
            let new = try MessagePassing(severalThreads: severalThreads)
            guard new.size == processCount, new.rank == processRank else {
                throw CollectiveError(
                    .launch, call: "MPI_Init_thread", place: "rank \(processRank) of \(processCount) (\(environment.variable ?? ""))",
                    reason: "MPI counts this process as rank \(new.rank) of \(new.size)",
                    remedy: "start with the mpirun of the MPI that this program uses: \(Self.libraryVersion)")
            }
            known = new
            return new
        }
    }

    /// Tells all processes how this one fared, between the steps of a set-up that each makes on its own (reading the config, say). Returns if all
    /// succeeded; else throws on all of them, one `GroupError` that says who failed why. With one process: the error itself.
    public func agree(_ outcome: Swift.Result<Void, any Error>) throws {
        guard let messagePassing = try connected() else { return try outcome.get() }
        var message: [UInt8] = []
        if case .failure(let error) = outcome {
            message = withUnsafeBytes(of: exitCode(error)) { Array($0) } + Array("\(error)".utf8)
        }
        let failures = try messagePassing.allGather(message).map { bytes -> (text: String, exitCode: Int32)? in
            guard bytes.count >= 4 else { return nil }
            return (String(decoding: bytes[4...], as: UTF8.self), bytes.withUnsafeBytes { $0.loadUnaligned(as: Int32.self) })
        }
        if let error = GroupError(failures: failures) { throw error }
    }

    /// Runs `body` on `threads` threads in each process, each with its communicator among all of them: worker = process · threads + thread.
    /// Returns the result of this process's first worker when all of its workers have ended.
    ///
    /// One thread is the calling one; several are new ones with stacks of 16 MiB.
    public func run<Result>(threads: Int, _ body: @Sendable (any Communicator) throws -> Result) throws -> Result {
        let messagePassing = try connected()
        var tags: TagLayout?
        if let messagePassing { tags = try agreedTags(threads: threads, messagePassing) } else { try checkThreads(threads) }
        let crew = Crew(
            process: processRank, processCount: processCount, threads: threads, messagePassing: messagePassing, tags: tags)
        do {
            return try crew.run(body)
        } catch {
            if let messagePassing { try failWithOthers(error, messagePassing) }
            throw error
        }
    }

    private func checkThreads(_ threads: Int) throws {
        guard threads > 0 else {
            throw CollectiveError(
                .launch, call: "run", place: "process \(processRank)", reason: "\(threads) threads", remedy: "take at least one")
        }
    }

    /// How messages are tagged, if all processes have as many threads and MPI lets them all call.
    private func agreedTags(threads: Int, _ messagePassing: MessagePassing) throws -> TagLayout {
        let counts = try messagePassing.allGather(Int32(threads))
        var tags: TagLayout?
        try agree(Swift.Result {
            if let other = counts.firstIndex(where: { $0 != counts[0] }) {
                throw CollectiveError(
                    .launch, call: "run", place: "\(processCount) processes",
                    reason: "rank 0 has \(counts[0]) threads, rank \(other) \(counts[other])", remedy: "give all the same number")
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

    /// Throws the `GroupError` of all processes if all fail now; else ends the job.
    private func failWithOthers(_ error: any Error, _ messagePassing: MessagePassing) throws {
        if (try? messagePassing.allFail(within: 500_000_000)) == true { return try agree(.failure(error)) }
        let text = Array("rank \(processRank) of \(processCount): \(error)\n".utf8)
        _ = write(STDERR_FILENO, text, text.count)
        abortAll(exitCode: exitCode(error))
    }

    /// Ends the use of MPI, if it was begun. Every process calls it, last of all.
    public func finalize() throws {
        try messagePassing.withLock { known in
            try known?.finalize()
            known = nil
        }
    }

    /// Ends all processes of the job now.
    public func abortAll(exitCode: Int32) -> Never {
        messagePassing.withLock { $0?.abort(exitCode: exitCode) }
        exit(exitCode)
    }

    /// The cores that this process may run on.
    public static var availableCores: Int { max(1, Int(couplet_available_cores())) }
}
