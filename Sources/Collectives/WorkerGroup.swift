import CMPI

#if canImport(Glibc)
import Glibc
#endif

/// All workers of a job, and the way for a program to start those of its process.
public final class WorkerGroup: Sendable {
    public let processRank: Int
    public let processCount: Int

    init(processRank: Int, processCount: Int) {
        self.processRank = processRank
        self.processCount = processCount
    }

    public static func launch() throws -> WorkerGroup { WorkerGroup(processRank: 0, processCount: 1) }

    public func run<Result>(threads: Int, _ body: @Sendable (any Communicator) throws -> Result) throws -> Result {
        guard threads > 0 else {
            throw CollectiveError(
                .launch, call: "run", place: "process \(processRank)", reason: "\(threads) threads", remedy: "take at least one")
        }
        let board = ProcessBoard(threads: threads)
        let members = (0..<processCount).flatMap { process in (0..<threads).map { Member(process: process, thread: $0) } }
        let outcomes = WorkerOutcomes<Result>(threads: threads)
        let isOversubscribed = threads > Self.availableCores
        @Sendable func work(_ thread: Int) {
            let worker = Worker(
                member: Member(process: processRank, thread: thread), board: board, messagePassing: nil,
                isOversubscribed: isOversubscribed)
            let communicator = WorkerCommunicator(worker: worker, members: members, context: 0, parent: nil)
            do {
                outcomes.succeed(try body(communicator), thread: thread)
            } catch {
                outcomes.fail(error)
                communicator.abort(because: error)
            }
        }
        if threads == 1 {
            work(0)
        } else {
            withoutActuallyEscaping(work) { work in
                var started: [WorkerThread] = []
                do {
                    for thread in 0..<threads { started.append(try WorkerThread { work(thread) }) }
                } catch {
                    outcomes.fail(error)
                    board.signal(context: 0, firstMember: members[0], parent: nil).raise("\(error)")
                    board.wakeAll()
                }
                for thread in started { thread.join() }
            }
        }
        return try outcomes.result()
    }

    /// The cores that this process may run on.
    static var availableCores: Int { max(1, Int(couplet_available_cores())) }
}
