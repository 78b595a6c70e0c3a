import Synchronization

/// What the workers of one process came to. Each thread writes its own place; they are read when all have ended.
final class WorkerOutcomes<Result>: @unchecked Sendable {
    private var results: [Result?]
    private let failures = Mutex<[(error: any Error, time: UInt64)]>([])

    init(threads: Int) { results = Array(repeating: nil, count: threads) }

    func succeed(_ result: Result, thread: Int) {
        failures.withLock { _ in results[thread] = result }
    }

    func fail(_ error: any Error) {
        failures.withLock { $0.append((error, ProcessFailure.now)) }
    }

    /// The first error that is not merely the news of another's, and when it came; nil where all workers succeeded.
    var failure: (error: any Error, time: UInt64)? {
        let errors = failures.withLock { $0 }
        return errors.first { ($0.error as? CollectiveError)?.kind != .otherWorkerFailed } ?? errors.first
    }

    /// The first worker's result, or the error.
    func result() throws -> Result {
        if let failure { throw failure.error }
        guard let result = results[0] else { preconditionFailure("a worker ended with neither a result nor an error") }
        return result
    }
}
