import CoupletTensors
import Synchronization

/// The worker threads of one process in a run.
struct ThreadTeam: Sendable {
    let process: Int
    let processCount: Int
    let threads: Int
    let processState: SharedProcessState
    let failureDetector: FailureDetector
    let tags: TagLayout?

    /// Runs `body` on every worker of this process, and returns their results and errors after all have ended.
    ///
    /// A single worker runs on the calling thread; several run on new threads. All compute in one floating-point mode.
    func run<Result>(_ body: @Sendable (any Communicator) throws -> Result) -> WorkerOutcomes<Result> {
        let workerIDs = (0..<processCount).flatMap { process in
            (0..<threads).map { WorkerID(process: process, thread: $0) }
        }
        let outcomes = WorkerOutcomes<Result>(threads: threads)
        @Sendable func runWorker(_ thread: Int) {
            let worker = Worker(
                id: WorkerID(process: process, thread: thread), processState: processState,
                failureDetector: failureDetector, tags: tags)
            defer { processState.setActivity(.ended, thread: thread) }
            let communicator = WorkerCommunicator(worker: worker, workerIDs: workerIDs, context: 0, parent: nil)
            do {
                let result = try FloatingPointMode.withFlushedSubnormals { try body(communicator) }
                outcomes.succeed(result, thread: thread)
            } catch {
                outcomes.fail(error)
                communicator.abort(because: error)
            }
        }
        if threads == 1 {
            runWorker(0)
        } else {
            withoutActuallyEscaping(runWorker) { runWorker in
                var started: [PosixThread] = []
                do {
                    for thread in 0..<threads { started.append(try PosixThread { runWorker(thread) }) }
                } catch {
                    outcomes.fail(error)
                    let group = SharedProcessState.GroupID(context: 0, firstWorker: workerIDs[0])
                    if processState.abort(group, because: "\(error)") {
                        failureDetector.reportFailure(of: group, workerIDs: workerIDs, reason: "\(error)")
                    }
                }
                for thread in started { thread.join() }
            }
        }
        return outcomes
    }
}

/// Results and errors of the workers of one process. They are read after all workers have ended.
final class WorkerOutcomes<Result>: @unchecked Sendable {
    private var results: [Result?]
    private let failures = Mutex<[(error: any Error, time: UInt64)]>([])

    fileprivate init(threads: Int) { results = Array(repeating: nil, count: threads) }

    fileprivate func succeed(_ result: Result, thread: Int) {
        failures.withLock { _ in results[thread] = result }
    }

    fileprivate func fail(_ error: any Error) {
        failures.withLock { $0.append((error, ProcessFailure.now)) }
    }

    /// The first error that does not only follow from another worker's failure, and its time; nil if all workers
    /// succeeded.
    var failure: (error: any Error, time: UInt64)? {
        let errors = failures.withLock { $0 }
        return errors.first { ($0.error as? CollectiveError)?.kind != .otherWorkerFailed } ?? errors.first
    }

    /// The result of the first worker.
    ///
    /// - Throws: `failure`, if a worker failed.
    func result() throws -> Result {
        if let failure { throw failure.error }
        guard let result = results[0] else {
            preconditionFailure("the first of \(results.count) workers ended with neither a result nor an error")
        }
        return result
    }
}
