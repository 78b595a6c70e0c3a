import CoupletCommunication

/// The number of workers of a process, checked against the shards of a config.
public struct WorkerCount: Sendable {
    /// Number of threads of this process. Each thread is a worker.
    public let threads: Int

    /// - Parameters:
    ///   - wanted: the number that the user asks for; nil chooses 1 under mpirun, otherwise the largest power of two
    ///     within the CPU affinity mask and the shards.
    ///   - shards: S of the config.
    /// - Throws: `WorkerCountError` if the number of workers of all processes is not a power of two, or exceeds S.
    public init(wanted: Int?, group: WorkerGroup, shards: Int) throws {
        try self.init(
            wanted: wanted, processes: group.processCount, isLaunched: group.environment.rank != nil, shards: shards)
    }

    /// Checks the number of workers of a job with `processes` processes, before the job exists.
    public init(wanted: Int?, processes: Int, shards: Int) throws {
        try self.init(wanted: wanted, processes: processes, isLaunched: processes > 1, shards: shards)
    }

    private init(wanted: Int?, processes: Int, isLaunched: Bool, shards: Int) throws {
        let limit = isLaunched ? 1 : min(WorkerGroup.availableCores, shards)
        threads = wanted ?? Self.powerOfTwo(atMost: limit)
        let workers = threads * processes
        if threads < 1 || workers.nonzeroBitCount != 1 || workers > shards {
            throw WorkerCountError(threads: threads, processes: processes, shards: shards)
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

    public var description: String {
        let workers = threads * processes
        let workersText =
            processes > 1 ? "\(workers) workers (\(processes) ranks × \(threads) threads)" : "\(workers) threads"
        let lower = WorkerCount.powerOfTwo(atMost: workers)
        let valid = [lower, 2 * lower].filter { $0 <= shards && $0 > 0 }
        let nearest = valid.isEmpty ? [shards] : valid
        return """
            \(workersText) cannot share \(shards) \(shards == 1 ? "shard" : "shards"): their number must be a power of \
            two and at most \(shards); the nearest valid numbers: \(nearest.map(String.init).joined(separator: ", "))
            """
    }
}
