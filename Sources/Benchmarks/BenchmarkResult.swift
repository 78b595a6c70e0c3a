import CoupletText

/// What every benchmark of computing tells.
public struct BenchmarkResult: Sendable {
    public let times: BenchmarkTimes
    /// The floating-point operations of the matrix products of one repetition, over all workers.
    public let operations: Double
    /// All workers' matrix products at once, in GFLOP/s, measured in the same run.
    public let peakGigaflops: Double
    /// The largest resident memory of any process so far.
    public let peakMemoryMiB: Double
    public let workers: Int
    /// The processes among which the workers are spread.
    public let processes: Int

    /// The operations over the median time.
    public var gigaflops: Double { 1e-9 * operations / times.median }
    public var peakShare: Double { gigaflops / peakGigaflops }

    /// The keys of the JSON.
    package var members: [(String, JSONValue)] {
        [
            ("workers", .integer(workers)), ("processes", .integer(processes)),
            ("repeat", .integer(times.seconds.count)),
            ("median_seconds", .number(times.median)), ("minimum_seconds", .number(times.minimum)),
            ("gflops", .number(gigaflops)),
            ("peak_gflops", .number(peakGigaflops)), ("peak_share", .number(peakShare)),
            ("peak_memory_mib", .number(peakMemoryMiB)),
        ]
    }
}
