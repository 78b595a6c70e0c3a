import Synchronization

/// What the workers of one process came to. Each thread writes its own place; they are read when all have ended.
final class WorkerOutcomes<Result>: @unchecked Sendable {
    private var results: [Result?]
    private let failures = Mutex<[any Error]>([])

    init(threads: Int) { results = Array(repeating: nil, count: threads) }

    func succeed(_ result: Result, thread: Int) {
        failures.withLock { _ in results[thread] = result }
    }

    func fail(_ error: any Error) {
        failures.withLock { $0.append(error) }
    }

    /// The first worker's result, or the first error that is not merely the news of another's.
    func result() throws -> Result {
        let errors = failures.withLock { $0 }
        let original = errors.first { ($0 as? CollectiveError)?.kind != .otherWorkerFailed } ?? errors.first
        if let original { throw original }
        guard let result = results[0] else { preconditionFailure("a worker ended with neither a result nor an error") }
        return result
    }
}
