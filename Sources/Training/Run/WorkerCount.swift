import CoupletCommunication

/// How many workers a process contributes, and whether their total fits the shards.
public struct WorkerCount: Sendable {
    /// The threads of this process, each a worker.
    public let threads: Int

    /// - Parameters:
    ///   - wanted: what the user asked for; nil: one under mpirun, else the largest power of two within the CPU affinity mask and the shards.
    ///   - shards: S of the config.
    /// - Throws: `WorkerCountError` where the workers of all processes together are no power of two, or more than shards.
    public init(wanted: Int?, group: WorkerGroup, shards: Int) throws {
        try self.init(
            wanted: wanted, processes: group.processCount, isLaunched: group.environment.rank != nil, shards: shards)
    }

    /// The same for a job that is not there: of so many processes.
    public init(wanted: Int?, processes: Int, shards: Int) throws {
        try self.init(wanted: wanted, processes: processes, isLaunched: processes > 1, shards: shards)
    }

    private init(wanted: Int?, processes: Int, isLaunched: Bool, shards: Int) throws {
        let most = isLaunched ? 1 : min(WorkerGroup.availableCores, shards)
        threads = wanted ?? 1 << (Int.bitWidth - 1 - most.leadingZeroBitCount)
        let workers = threads * processes
        if threads < 1 || workers.nonzeroBitCount != 1 || workers > shards {
            throw WorkerCountError(threads: threads, processes: processes, shards: shards)
        }
    }
}
