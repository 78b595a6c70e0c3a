import CoupletCommunication

/// The number of workers of a process, checked against the shards of a config.
public struct WorkerCount: Sendable {
    /// Number of threads of this process. Each thread is a worker.
    public let threads: Int

    /// - Parameters:
    ///   - wanted: the number that the user asks for; nil chooses 1 under mpirun, otherwise the largest power of two
    ///     within the CPU affinity mask and the shards.
    ///   - shards: S of the config.
    ///   - batchSize: B of the config, for errors; nil if the shards do not come from a config.
    /// - Throws: `WorkerCountError` if the number of workers of all processes is not a power of two, or exceeds S.
    public init(wanted: Int?, group: WorkerGroup, shards: Int, batchSize: Int? = nil) throws {
        try self.init(
            wanted: wanted, processes: group.processCount, isLaunched: group.environment.rank != nil, shards: shards,
            batchSize: batchSize)
    }

    /// Checks the number of workers of a job with `processes` processes, before the job exists.
    public init(wanted: Int?, processes: Int, shards: Int, batchSize: Int? = nil) throws {
        try self.init(
            wanted: wanted, processes: processes, isLaunched: processes > 1, shards: shards, batchSize: batchSize)
    }

    private init(wanted: Int?, processes: Int, isLaunched: Bool, shards: Int, batchSize: Int?) throws {
        let limit = isLaunched ? 1 : min(WorkerGroup.availableCores, shards)
        threads = wanted ?? Self.powerOfTwo(atMost: limit)
        let (workers, overflows) = threads.multipliedReportingOverflow(by: processes)
        if threads < 1 || overflows || workers.nonzeroBitCount != 1 || workers > shards {
            throw WorkerCountError(threads: threads, processes: processes, shards: shards, batchSize: batchSize)
        }
    }

    /// The largest power of two that is at most `count`; 1 if `count` is less than 1.
    package static func powerOfTwo(atMost count: Int) -> Int {
        count < 1 ? 1 : 1 << (Int.bitWidth - 1 - count.leadingZeroBitCount)
    }
}

/// Thrown if the workers cannot share the shards of a config equally.
public struct WorkerCountError: Error, CustomStringConvertible, Sendable {
    public let threads: Int
    public let processes: Int
    public let shards: Int
    /// Nil if the shards do not come from a config.
    public let batchSize: Int?

    public var description: String {
        let (product, overflows) = threads.multipliedReportingOverflow(by: processes)
        let workers = overflows ? Int.max / 4 : product
        let workersText =
            processes > 1
            ? "\(workers) workers (\(processes) ranks × \(threads) \(threads == 1 ? "thread" : "threads"))"
            : "\(workers) threads"
        let lower = WorkerCount.powerOfTwo(atMost: workers)
        let valid = [lower, 2 * lower].filter { $0 <= shards && $0 > 0 }
        let nearest = valid.isEmpty ? [shards] : valid
        return """
            \(workersText) cannot share \(shards) \(shards == 1 ? "shard" : "shards"): their number must be a power of \
            two and at most \(shards); the nearest valid numbers: \(nearest.map(String.init).joined(separator: ", "))
            """ + (batchSize.map { remedy(batchSize: $0, workers: max(1, workers)) } ?? "")
    }

    /// What to set for this many workers: shards that divide the batch, or another batch as well. Empty if the number
    /// of workers is the only fault.
    private func remedy(batchSize: Int, workers: Int) -> String {
        let lower = WorkerCount.powerOfTwo(atMost: workers), wanted = lower == workers ? workers : 2 * lower
        guard wanted > shards, wanted <= 1 << 30 else { return "" }
        let given = "the batch is batch.size=\(batchSize) in batch.shards=\(shards)"
        let bits = "another number of shards changes the bits"
        if batchSize % wanted == 0 { return "; \(given): for \(wanted) workers set batch.shards=\(wanted) (\(bits))" }
        let below = batchSize / wanted * wanted
        let sizes = [below, below + wanted].filter { $0 >= max(2, wanted) }
            .map { "batch.size=\($0)" }.joined(separator: " or ")
        return "; \(given): for \(wanted) workers set \(sizes), with batch.shards=\(wanted) (\(bits))"
    }
}
