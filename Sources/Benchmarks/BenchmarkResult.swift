import CoupletCommunication
import CoupletFiles
import CoupletTensors
import CoupletText

/// The results that every benchmark of computation reports.
public struct BenchmarkResult: Sendable {
    public let times: BenchmarkTimes
    /// Floating-point operations of the matrix products of one repetition, over all workers.
    public let operations: Double
    /// Speed of plain matrix products on all workers at once, in GFLOP/s, measured in the same run.
    public let peakGigaflops: Double
    /// The largest peak resident memory of any process.
    public let peakMemoryMiB: Double
    public let workers: Int
    /// Number of processes that the workers are in.
    public let processes: Int

    /// 10⁻⁹ · operations / median time in seconds, in GFLOP/s.
    public var gigaflops: Double { 1e-9 * operations / times.median }
    /// gigaflops / peakGigaflops.
    public var peakShare: Double { gigaflops / peakGigaflops }

    /// The results as members of a JSON object.
    package var members: [(String, JSONValue)] {
        [
            ("workers", .integer(workers)), ("processes", .integer(processes)),
            ("repeat", .integer(times.seconds.count)), ("median_seconds", .number(times.median)),
            ("minimum_seconds", .number(times.minimum)), ("gflops", .number(gigaflops)),
            ("peak_gflops", .number(peakGigaflops)), ("peak_share", .number(peakShare)),
            ("peak_memory_mib", .number(peakMemoryMiB)),
        ]
    }

    /// The results as three lines: times, speed, memory.
    package var text: String {
        let location =
            processes > 1
            ? "\(workers) workers in \(processes) ranks" : workers > 1 ? "\(workers) threads" : "1 thread"
        return """
            median   \(DurationText.measured(times.median)) of \(times.seconds.count), \
            minimum \(DurationText.measured(times.minimum)), on \(location)
            speed    \(NumberText.fixed(gigaflops, 1)) GFLOP/s, \(NumberText.fixed(100 * peakShare, 1)) % \
            of the \(NumberText.fixed(peakGigaflops, 1)) of plain matrix products here
            memory   at most \(NumberText.fixed(peakMemoryMiB, 1)) MiB
            """
    }
}

/// The times of a benchmark's repetitions. A repetition takes as long as its slowest worker.
public struct BenchmarkTimes: Sendable {
    /// In seconds, in the order of the repetitions; at least one.
    public let seconds: [Double]

    public init(seconds: [Double]) {
        precondition(!seconds.isEmpty, "no repetition was timed")
        self.seconds = seconds
    }

    /// Runs `body` on all workers, first `warmup` times untimed and then `count` times timed. The workers start each
    /// repetition together. Every worker calls it.
    /// - Parameter body: receives the number of the repetition, counted from 0, warm-ups included.
    /// - Throws: the errors of `body`; `CollectiveError` if a worker failed.
    public init(
        on communicator: any Communicator, warmup: Int, repeat count: Int, _ body: (Int) throws -> Void
    ) throws {
        var localSeconds: [Double] = []
        localSeconds.reserveCapacity(count)
        for number in 0..<(warmup + count) {
            try communicator.barrier()
            let start = ContinuousClock.now
            try body(number)
            if number >= warmup { localSeconds.append((ContinuousClock.now - start).inSeconds) }
        }
        let all = try communicator.allGather(numbers: localSeconds)
        self.init(
            seconds: (0..<count).map { repetition in
                (0..<communicator.size).reduce(0.0) { max($0, all[$1 * count + repetition]) }
            })
    }

    /// The shortest time, in seconds.
    public var minimum: Double { seconds.reduce(.infinity, min) }

    /// The median time, in seconds. For an even number of repetitions, the mean of the two middle times.
    public var median: Double {
        let sorted = seconds.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : 0.5 * (sorted[middle - 1] + sorted[middle])
    }
}

/// Measures the speed of plain matrix products on all workers at once: the peak in `peakShare`.
enum ProductPeak {
    /// Rows and columns. Large enough for OpenBLAS's full speed, small enough (6.75 MiB a worker) for the caches.
    private static let size = 768
    private static let productsPerRound = 4
    private static let rounds = 12

    /// The sum over all workers, in GFLOP/s, in the best round. Takes about 0.2 s.
    static func measure(on communicator: any Communicator) throws -> Double {
        let philox = Philox(seed: 1)
        let a = Tensor([size, size])
        let b = Tensor([size, size])
        let c = Tensor([size, size])
        philox.fillNormal(a, .source, number: 0)
        philox.fillNormal(b, .source, number: 1)
        let gigaOperations = 2e-9 * Double(productsPerRound * size * size * size)
        var localSpeeds: [Double] = []
        for _ in 0..<rounds {
            try communicator.barrier()
            let start = ContinuousClock.now
            for _ in 0..<productsPerRound { MatrixProduct.multiply(a, .asIs, b, .asIs, into: c) }
            localSpeeds.append(gigaOperations / (ContinuousClock.now - start).inSeconds)
        }
        let all = try communicator.allGather(numbers: localSpeeds)
        return (0..<rounds).map { round in
            (0..<communicator.size).reduce(0.0) { $0 + all[$1 * rounds + round] }
        }.reduce(0, max)
    }
}

extension ProcessMemory {
    /// The largest peak resident memory of any process, in MiB.
    static func peakMiB(on communicator: any Communicator) throws -> Double {
        try communicator.allGather(numbers: [Double(peak) / 1_048_576]).reduce(0, max)
    }
}
