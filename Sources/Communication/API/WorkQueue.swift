import CMPI
import Synchronization

/// Where all processes of a group ask process 0: each question is bytes, answered by a closure there, one at a time. So ranks take work
/// from one queue as they become free, without any of them waiting for another.
///
///     let desk = try WorkQueue(group: group) { question, rank in queue.next(for: rank) }
///     while let trial = try Trial(desk.ask([])) { … }
///     try desk.close()
///
/// On process 0 a helper thread looks for questions about once a millisecond while none comes. The messages have a communicator of their
/// own.
public final class WorkQueue: Sendable {
    /// What an answer is made of: the question and the rank in the group of the process that asks.
    public typealias Answer = @Sendable (_ question: [UInt8], _ process: Int) -> [UInt8]

    /// The closure, and who may call it now. Apart from the desk, which may be forgotten while the helper thread still uses this.
    private final class Answering: Sendable {
        private let closure: Mutex<Answer>

        init(_ closure: @escaping Answer) { self.closure = Mutex(closure) }

        func answer(_ question: [UInt8], _ process: Int) -> [UInt8] { closure.withLock { $0(question, process) } }
    }

    private let answering: Answering
    private let processRank: Int
    /// Nil where there is one process.
    private let line: WorkQueueConnection?
    private let clerk: Mutex<PosixThread?>
    private let isClosed = Atomic<Bool>(false)

    /// Opens it; all processes of the group call it.
    ///
    /// - Parameter answer: Called on process 0 alone, by the helper thread or by who asks there, never twice at a time. It must not ask.
    /// - Throws: `CollectiveError` on all processes where MPI does not let several threads call; start the group without saying that there
    ///   is one thread.
    public init(group: WorkerGroup, answer: @escaping Answer) throws {
        answering = Answering(answer)
        processRank = group.processRank
        line = try group.requestLine()
        clerk = Mutex(nil)
        if processRank == 0, let line {
            let thread = try PosixThread { [answering] in line.serve(answering.answer) }
            clerk.withLock { $0 = thread }
        }
    }

    deinit {
        line?.stop()
        clerk.withLock { $0?.join() }
    }

    /// Process 0's answer. Any thread of any process may ask at any moment until the desk is closed; the thread sleeps while it waits.
    ///
    /// Where process 0 does not answer within the group's timeout, the job ends.
    ///
    /// - Throws: `CollectiveError` where a call of MPI fails, or the desk is closed.
    public func ask(_ question: [UInt8]) throws -> [UInt8] {
        guard !isClosed.load(ordering: .acquiring) else {
            throw CollectiveError(
                .launch, call: "ask", place: "process \(processRank)", reason: "the desk is closed",
                remedy: "close it after the last question")
        }
        guard processRank != 0, let line else { return answering.answer(question, processRank) }
        return try line.ask(question)
    }

    /// Ends it, when all processes have called this; until then it answers. A process calls it after its last `ask` has returned.
    public func close() throws {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        try line?.waitForAll()
        line?.stop()
        clerk.withLock {
            $0?.join()
            $0 = nil
        }
        try line?.free()
    }
}
