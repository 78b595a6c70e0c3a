import CoupletCommunication
import CoupletFiles

/// The number of workers of a process, checked against the shards of a config.
public struct WorkerCount: Sendable {
    /// Number of threads of this process. Each thread is a worker.
    public let threads: Int

    /// - Parameters:
    ///   - wanted: the number that the user asks for; nil chooses 1 under mpirun, otherwise `defaultThreads`.
    ///   - shards: S of the config.
    ///   - batchSize: B of the config, for errors; nil if the shards do not come from a config.
    /// - Throws: `WorkerCountError` if the number of workers of all processes is below 1 or exceeds S.
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
        threads = wanted ?? (isLaunched ? 1 : Self.defaultThreads(shards: shards, cores: Self.availableCores))
        let (workers, overflows) = threads.multipliedReportingOverflow(by: processes)
        if threads < 1 || overflows || workers > shards {
            throw WorkerCountError(threads: threads, processes: processes, shards: shards, batchSize: batchSize)
        }
    }

    /// Number of cores that this process may keep busy: those of its affinity mask, within the CPU quota of its control
    /// group.
    public static var availableCores: Int {
        let cores = WorkerGroup.availableCores
        return max(1, min(cores, ControlGroupCPU.quota.map { $0 < Double(cores) ? Int($0) : cores } ?? cores))
    }

    /// The fewest threads that are as fast as min(shards, cores): they have the same largest range of shards.
    package static func defaultThreads(shards: Int, cores: Int) -> Int {
        let most = ShardPartition(shards: shards, workers: max(1, min(shards, cores))).largest
        return (shards + most - 1) / most
    }
}

/// Thrown if there are more workers than shards, or none.
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
        return """
            \(workersText) cannot share \
            \(shards == 1 ? "1 shard: wanted 1 worker" : "\(shards) shards: wanted 1 to \(shards) workers")
            """ + (batchSize.map { remedy(batchSize: $0, workers: max(1, workers)) } ?? "")
    }

    /// What to set for this many workers: shards that divide the batch, or another batch as well.
    private func remedy(batchSize: Int, workers: Int) -> String {
        guard workers > shards, workers <= 1 << 30 else { return "" }
        let given = "the batch is batch.size=\(batchSize) in batch.shards=\(shards)"
        let bits = "another number of shards changes the bits"
        if let divisor = Configuration.Batch.divisors(of: batchSize).first(where: { $0 >= workers }),
            divisor < 2 * workers
        {
            return "; \(given): for \(workers) workers set batch.shards=\(divisor) (\(bits))"
        }
        let below = batchSize / workers * workers
        let sizes = [below, below + workers].filter { $0 >= max(2, workers) }
            .map { "batch.size=\($0)" }.joined(separator: " or ")
        return "; \(given): for \(workers) workers set \(sizes), with batch.shards=\(workers) (\(bits))"
    }
}

/// How well the workers of a run share its shards.
package struct WorkerEfficiency {
    let partition: ShardPartition
    let batch: Configuration.Batch

    package init(workers: Int, batch: Configuration.Batch) {
        partition = ShardPartition(shards: batch.shards, workers: workers)
        self.batch = batch
    }

    /// The least efficiency that needs no word.
    private static let good = 0.95

    private static func isGood(_ shards: Int, _ workers: Int) -> Bool {
        ShardPartition(shards: shards, workers: workers).efficiency >= good
    }

    /// What uneven ranges cost, and the nearest numbers that cost less; nil if they cost little.
    package var notice: String? {
        let shards = partition.shards, workers = partition.workers
        guard partition.efficiency < Self.good else { return nil }
        let fewer = (1..<workers).last { Self.isGood(shards, $0) }
        let more = (workers + 1...max(shards, workers + 1)).first { $0 <= shards && Self.isGood(shards, $0) }
        let others = Configuration.Batch.divisors(of: batch.size).filter {
            $0 >= workers && batch.size / $0 % batch.secondPerFirst == 0 && Self.isGood($0, workers)
        }
        let nearest = [others.last { $0 < shards }, others.first { $0 > shards }]
        func list(_ numbers: [Int?]) -> String { numbers.compactMap { $0.map(String.init) }.joined(separator: " or ") }
        let better =
            ["\(list([fewer, more])) workers (the same bits)"]
            + (others.isEmpty ? [] : ["batch.shards=\(list(nearest)) (other bits)"])
        let percent = Int((100 * partition.efficiency).rounded(.down))
        return """
            \(shards) shards on \(workers) workers: a step takes as long as \(partition.largest) shards, so \
            \(percent) % of the workers' time is used; better: \(better.joined(separator: ", or "))
            """
    }
}
