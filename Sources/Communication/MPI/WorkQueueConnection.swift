import CMPI
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// The messages of a request desk. A question goes to process 0 with tag 0: eight bytes that name the tag of its answer, then its own bytes.
final class WorkQueueConnection: @unchecked Sendable {
    private let rank: Int
    private let lookout: FailureDetector
    private let largestTag: Int
    private let communicator: MPI_Comm
    private let asked = Atomic<Int>(0)
    private let mustStop = Atomic<Bool>(false)
    private let failure = Mutex<(any Error)?>(nil)

    init(_ messagePassing: MPIContext, _ lookout: FailureDetector) throws {
        self.lookout = lookout
        rank = messagePassing.rank
        largestTag = messagePassing.largestTag
        communicator = try MPIContext.duplicate(messagePassing.communicator)
    }

    /// How long to sleep between two looks, in microseconds: short at first, so that an answer that comes at once is seen at once.
    private struct Pause {
        private static let shortest: UInt32 = 20
        let longest: UInt32
        private var microseconds = shortest

        init(longest: UInt32) { self.longest = longest }

        mutating func take() {
            usleep(microseconds)
            microseconds = min(2 * microseconds, longest)
        }
    }

    // MARK: - Who asks

    func ask(_ question: [UInt8]) throws -> [UInt8] {
        let number = asked.wrappingAdd(1, ordering: .relaxed).oldValue
        let answerTag = 1 + number % (largestTag - 1)
        try send(withUnsafeBytes(of: answerTag) { Array($0) } + question, to: 0, tag: 0)
        var pause = Pause(longest: 250)
        let start = EventCount.now
        while true {
            if let message = try take(from: 0, tag: Int32(answerTag)) { return message.bytes }
            pause.take()
            lookout.endJob(ifLate: "rank 0 has not answered a question", since: start)
        }
    }

    /// Returns when all processes have come here.
    func waitForAll() throws {
        var request: MPI_Request?
        try MPIContext.checked("MPI_Ibarrier", "rank \(rank)") { MPI_Ibarrier(communicator, &request) }
        try finish(&request)
        if let error = failure.withLock({ $0 }) { throw error }
    }

    func free() throws {
        var own: MPI_Comm? = communicator
        try MPIContext.checked("MPI_Comm_free", "rank \(rank)") { MPI_Comm_free(&own) }
    }

    // MARK: - Process 0

    /// Answers until `stop`; for a thread of its own. An error of MPI ends it, and is what `waitForAll` throws.
    func serve(_ answer: ([UInt8], Int) -> [UInt8]) {
        var pause = Pause(longest: 1_000)
        do {
            while !mustStop.load(ordering: .acquiring) {
                guard let message = try take(from: Int32(MPI_ANY_SOURCE), tag: 0) else {
                    pause.take()
                    continue
                }
                let tag = message.bytes.withUnsafeBytes { $0.loadUnaligned(as: Int.self) }
                try send(answer(Array(message.bytes[8...]), message.sender), to: Int32(message.sender), tag: Int32(tag))
                pause = Pause(longest: 1_000)
            }
        } catch {
            failure.withLock { $0 = error }
        }
    }

    func stop() { mustStop.store(true, ordering: .releasing) }

    // MARK: - Messages

    private func send(_ bytes: [UInt8], to receiver: Int32, tag: Int32) throws {
        let memory = MessageBuffer(bytes)
        var request: MPI_Request?
        try MPIContext.checked("MPI_Isend", "rank \(rank) to rank \(receiver), \(bytes.count) bytes") {
            MPI_Isend(
                memory.bytes.baseAddress, Int32(bytes.count), couplet_mpi_byte(), receiver, tag, communicator, &request)
        }
        try finish(&request)
        withExtendedLifetime(memory) {}
    }

    /// A message, if one has come.
    private func take(from sender: Int32, tag: Int32) throws -> (sender: Int, bytes: [UInt8])? {
        var message: MPI_Message?
        var status = MPI_Status()
        var hasCome: Int32 = 0, count: Int32 = 0
        try MPIContext.checked("MPI_Improbe", "rank \(rank)") {
            MPI_Improbe(sender, tag, communicator, &hasCome, &message, &status)
        }
        guard hasCome != 0 else { return nil }
        try MPIContext.checked("MPI_Get_count", "rank \(rank)") { MPI_Get_count(&status, couplet_mpi_byte(), &count) }
        let memory = MessageBuffer(count: Int(count))
        var request: MPI_Request?
        try MPIContext.checked("MPI_Imrecv", "rank \(status.MPI_SOURCE) to rank \(rank), \(count) bytes") {
            MPI_Imrecv(memory.bytes.baseAddress, count, couplet_mpi_byte(), &message, &request)
        }
        try finish(&request)
        return (Int(status.MPI_SOURCE), Array(memory.first(Int(count))))
    }

    private func finish(_ request: inout MPI_Request?) throws {
        var pause = Pause(longest: 1_000)
        while true {
            var isDone: Int32 = 0
            try MPIContext.checked("MPI_Test", "rank \(rank)") {
                MPI_Test(&request, &isDone, couplet_mpi_status_ignore())
            }
            if isDone != 0 { return }
            pause.take()
        }
    }
}
