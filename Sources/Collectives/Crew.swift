/// The workers of one process.
struct Crew: Sendable {
    let process: Int
    let processCount: Int
    let threads: Int
    let messagePassing: MessagePassing?
    let tags: TagLayout?

    func run<Result>(_ body: @Sendable (any Communicator) throws -> Result) throws -> Result {
        let board = ProcessBoard(threads: threads)
        let members = (0..<processCount).flatMap { process in (0..<threads).map { Member(process: process, thread: $0) } }
        let outcomes = WorkerOutcomes<Result>(threads: threads)
        @Sendable func work(_ thread: Int) {
            let worker = Worker(
                member: Member(process: process, thread: thread), board: board, messagePassing: messagePassing, tags: tags)
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
}
