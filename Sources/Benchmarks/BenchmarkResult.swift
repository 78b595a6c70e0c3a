import CoupletCommunication
import CoupletFiles
import CoupletTensors
import CoupletText

/// The results that every benchmark of computation reports.
public struct BenchmarkResult: Sendable {
    public let times: BenchmarkTimes
    /// Floating-point operations of the matrix products of one repetition, over all workers.
    public let operations: Double
    /// Peak speed of fused multiply-adds on all workers at once, in GFLOP/s, measured in the same run.
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
            ("fma_peak_gflops", .number(peakGigaflops)), ("peak_share", .number(peakShare)),
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
            of the FMA peak of \(NumberText.fixed(peakGigaflops, 1))
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
    public var median: Double { seconds.median ?? .nan }
}

extension ProcessMemory {
    /// The largest peak resident memory of any process, in MiB.
    static func peakMiB(on communicator: any Communicator) throws -> Double {
        try communicator.allGather(numbers: [Double(peak) / 1_048_576]).reduce(0, max)
    }
}
