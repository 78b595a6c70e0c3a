import CMPI
import Glibc
import Synchronization

/// A queue on process 0 from which all processes of a group request work, each when it is free, without waiting for the
/// others.
///
///     let queue = try WorkQueue(group: group) { request, rank in trials.next(for: rank) }
///     while let trial = try Trial(queue.request([])) { … }
///     try queue.close()
///
/// Requests and replies are bytes. A closure on process 0 computes the replies, one at a time. A helper thread there
/// polls for requests, about once per millisecond while none arrives. The messages have their own MPI communicator.
public final class WorkQueue: Sendable {
    /// Computes the reply to a request of a process; `process` is its rank in the group.
    public typealias Handler = @Sendable (_ request: [UInt8], _ process: Int) -> [UInt8]

    /// Serialises the calls of the handler. It is a separate class, so that the helper thread does not retain the
    /// queue, whose `deinit` stops the thread.
    private final class SerialHandler: Sendable {
        private let handler: Mutex<Handler>

        init(_ handler: @escaping Handler) { self.handler = Mutex(handler) }

        func reply(to request: [UInt8], _ process: Int) -> [UInt8] { handler.withLock { $0(request, process) } }
    }

    private let handler: SerialHandler
    private let processRank: Int
    /// Nil if there is one process.
    private let connection: WorkQueueConnection?
    private let helperThread: Mutex<PosixThread?>
    private let isClosed = Atomic<Bool>(false)

    /// Opens the queue; all processes of the group call it.
    ///
    /// - Parameter handler: Called on process 0 only, by the helper thread or by the thread that requests there, one
    ///   call at a time. It must not call `request`.
    /// - Throws: `GroupError` on all processes if MPI does not allow several threads. Launch the group without
    ///   `threads: 1` to get them.
    public init(group: WorkerGroup, handler: @escaping Handler) throws {
        self.handler = SerialHandler(handler)
        processRank = group.processRank
        connection = try group.workQueueConnection()
        helperThread = Mutex(nil)
        if processRank == 0, let connection {
            let thread = try PosixThread { [handler = self.handler] in connection.serve(handler.reply) }
            helperThread.withLock { $0 = thread }
        }
    }

    deinit {
        connection?.stop()
        helperThread.withLock { $0?.join() }
    }

    /// Returns the reply of process 0. Any thread of any process may call it until the queue is closed; the thread
    /// sleeps while it waits.
    ///
    /// The job ends if process 0 does not reply within the group's timeout.
    ///
    /// - Throws: `CollectiveError` if an MPI call fails or the queue is closed.
    public func request(_ bytes: [UInt8]) throws -> [UInt8] {
        guard !isClosed.load(ordering: .acquiring) else {
            throw CollectiveError(
                .launch, call: "request", participants: "process \(processRank)", reason: "the work queue is closed",
                remedy: "close it after the last request")
        }
        guard processRank != 0, let connection else { return handler.reply(to: bytes, processRank) }
        return try connection.request(bytes)
    }

    /// Waits until all processes have called it, then closes the queue. Until then the queue replies to requests. A
    /// process calls it after its last `request` has returned. The timeout of the group does not limit the wait.
    ///
    /// - Throws: `CollectiveError` if an MPI call fails, here or on the helper thread.
    public func close() throws {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        try connection?.waitForAll()
        connection?.stop()
        helperThread.withLock {
            $0?.join()
            $0 = nil
        }
        try connection?.free()
    }
}

/// The MPI messages of a work queue. A request is a message to process 0 with tag 0. It holds the tag of the reply (8
/// bytes), then the bytes of the request.
final class WorkQueueConnection: @unchecked Sendable {
    private let rank: Int
    private let failureDetector: FailureDetector
    private let largestTag: Int
    private let communicator: couplet_mpi_comm
    private let requestCount = Atomic<Int>(0)
    private let mustStop = Atomic<Bool>(false)
    /// The error that has ended `serve`.
    private let failure = Mutex<(any Error)?>(nil)

    init(_ mpi: MPIContext, _ failureDetector: FailureDetector) throws {
        self.failureDetector = failureDetector
        rank = mpi.rank
        largestTag = mpi.largestTag
        communicator = try MPIContext.duplicate(mpi.communicator)
    }

    /// The sleeps between polls, in microseconds. They start short, so that a quick reply is found quickly, and double
    /// up to a limit.
    private struct Backoff {
        private static let shortest: UInt32 = 20
        let longest: UInt32
        private var microseconds = shortest

        init(longest: UInt32) { self.longest = longest }

        mutating func sleep() {
            usleep(microseconds)
            microseconds = min(2 * microseconds, longest)
        }
    }

    // MARK: - All processes

    func request(_ bytes: [UInt8]) throws -> [UInt8] {
        let number = requestCount.wrappingAdd(1, ordering: .relaxed).oldValue
        let replyTag = 1 + number % (largestTag - 1)
        try send(withUnsafeBytes(of: replyTag) { Array($0) } + bytes, to: 0, tag: 0)
        var backoff = Backoff(longest: 250)
        let start = monotonicNanoseconds()
        while true {
            if let message = try receive(from: 0, tag: Int32(replyTag)) { return message.bytes }
            backoff.sleep()
            failureDetector.abortJob(ifTimedOut: "rank 0 has not answered a request", since: start)
        }
    }

    /// Waits until all processes have called it.
    ///
    /// - Throws: `CollectiveError` if an MPI call fails, here or in `serve`.
    func waitForAll() throws {
        var request = couplet_mpi_request()
        try MPIContext.checked("MPI_Ibarrier", "rank \(rank)") { MPI_Ibarrier(communicator.value, &request.value) }
        try complete(&request)
        if let error = failure.withLock({ $0 }) { throw error }
    }

    func free() throws {
        var freed = communicator
        try MPIContext.checked("MPI_Comm_free", "rank \(rank)") { MPI_Comm_free(&freed.value) }
    }

    // MARK: - Process 0

    /// Replies to requests until `stop` is called; for the helper thread. An MPI error ends it; `waitForAll` throws
    /// that error.
    func serve(_ reply: ([UInt8], Int) -> [UInt8]) {
        var backoff = Backoff(longest: 1_000)
        do {
            while !mustStop.load(ordering: .acquiring) {
                guard let message = try receive(from: Int32(MPI_ANY_SOURCE), tag: 0) else {
                    backoff.sleep()
                    continue
                }
                let replyTag = message.bytes.withUnsafeBytes { $0.loadUnaligned(as: Int.self) }
                try send(
                    reply(Array(message.bytes[8...]), message.sender), to: Int32(message.sender), tag: Int32(replyTag))
                backoff = Backoff(longest: 1_000)
            }
        } catch {
            failure.withLock { $0 = error }
        }
    }

    func stop() { mustStop.store(true, ordering: .releasing) }

    // MARK: - Messages

    private func send(_ bytes: [UInt8], to receiver: Int32, tag: Int32) throws {
        let buffer = MessageBuffer(bytes)
        var request = couplet_mpi_request()
        try MPIContext.checked("MPI_Isend", "rank \(rank) to rank \(receiver), \(bytes.count) bytes") {
            MPI_Isend(
                buffer.bytes.baseAddress, Int32(bytes.count), couplet_mpi_byte(), receiver, tag, communicator.value,
                &request.value)
        }
        try complete(&request)
        withExtendedLifetime(buffer) {}
    }

    /// Receives one message, if one has arrived.
    private func receive(from sender: Int32, tag: Int32) throws -> (sender: Int, bytes: [UInt8])? {
        let found = try MPIContext.matchedProbe(source: sender, tag: tag, on: communicator, "rank \(rank)")
        guard var message = found else { return nil }
        let buffer = MessageBuffer(count: Int(message.count))
        var request = couplet_mpi_request()
        try MPIContext.checked("MPI_Imrecv", "rank \(message.source) to rank \(rank), \(message.count) bytes") {
            MPI_Imrecv(
                buffer.bytes.baseAddress, message.count, couplet_mpi_byte(), &message.handle.value, &request.value)
        }
        try complete(&request)
        return (message.source, Array(buffer.prefix(Int(message.count))))
    }

    private func complete(_ request: inout couplet_mpi_request) throws {
        var backoff = Backoff(longest: 1_000)
        while true {
            var isDone: Int32 = 0
            try MPIContext.checked("MPI_Test", "rank \(rank)") {
                MPI_Test(&request.value, &isDone, couplet_mpi_status_ignore())
            }
            if isDone != 0 { return }
            backoff.sleep()
        }
    }
}
