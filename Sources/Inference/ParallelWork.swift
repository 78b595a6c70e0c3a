import CoupletCommunication
import Synchronization

/// Pieces of work that have nothing to do with each other, on the threads of this process alone.
enum ParallelWork {
    /// body(0) … body(count - 1), in order, each made by one of the threads.
    static func map<Result: Sendable>(count: Int, threads: Int, _ body: @Sendable (Int) throws -> Result) throws
        -> [Result]
    {
        let results = Mutex([Result?](repeating: nil, count: count))
        // Also under a launcher: this is no work of a job's other processes.
        let group = try WorkerGroup.launch(environment: LaunchEnvironment { _ in nil })
        try group.run(threads: max(1, min(threads, count))) { communicator in
            for piece in stride(from: communicator.rank, to: count, by: communicator.size) {
                let result = try body(piece)
                results.withLock { $0[piece] = result }
            }
        }
        return results.withLock { $0.map { $0! } }
    }
}
