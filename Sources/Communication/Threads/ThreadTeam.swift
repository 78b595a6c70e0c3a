/// The workers of one process.
struct ThreadTeam: Sendable {
    let process: Int
    let processCount: Int
    let threads: Int
    let board: SharedProcessState
    let lookout: FailureDetector
    let tags: TagLayout?

    /// What the workers of this process come to, when all have ended.
    func run<Result>(_ body: @Sendable (any Communicator) throws -> Result) -> WorkerOutcomes<Result> {
        let members = (0..<processCount).flatMap { process in
            (0..<threads).map { WorkerID(process: process, thread: $0) }
        }
        let outcomes = WorkerOutcomes<Result>(threads: threads)
        @Sendable func work(_ thread: Int) {
            let worker = Worker(
                member: WorkerID(process: process, thread: thread), board: board, lookout: lookout, tags: tags)
            defer { board.note(.hasEnded, thread: thread) }
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
                var started: [PosixThread] = []
                do {
                    for thread in 0..<threads { started.append(try PosixThread { work(thread) }) }
                } catch {
                    outcomes.fail(error)
                    let all = SharedProcessState.Group(context: 0, firstMember: members[0])
                    if board.abort(all, because: "\(error)") { lookout.tell(all, members: members, reason: "\(error)") }
                }
                for thread in started { thread.join() }
            }
        }
        return outcomes
    }
}
