import Synchronization

/// Computes body(0) … body(count - 1) on threads of this process, and returns the results in order. The calls must be
/// independent of each other; a thread takes the next number when it is free.
/// - Throws: the first error of `body`.
package func parallelMap<Result: Sendable>(
    count: Int, threads: Int, _ body: @Sendable (Int) throws -> Result
) throws -> [Result] {
    let results = Mutex([Result?](repeating: nil, count: count)), next = Atomic(0)
    // The empty environment keeps the group within this process, also under a launcher.
    let group = try WorkerGroup.launch(environment: LaunchEnvironment { _ in nil })
    try group.run(threads: max(1, min(threads, count))) { _ in
        while true {
            let index = next.add(1, ordering: .relaxed).oldValue
            if index >= count { return }
            let result = try body(index)
            results.withLock { $0[index] = result }
        }
    }
    return results.withLock { $0.map { $0! } }
}
