import CoupletCommunication

/// How long the repetitions of a piece of work took, each by its slowest worker.
public struct BenchmarkTimes: Sendable {
    /// In seconds, in the order in which they were made; at least one.
    public let seconds: [Double]

    public init(seconds: [Double]) {
        precondition(!seconds.isEmpty, "no repetition was timed")
        self.seconds = seconds
    }

    /// Makes all workers do the same piece of work, `warmup` times untimed and `repeat` times timed. Each time they start together.
    /// - Parameter work: is told the number of the repetition, warm-up included.
    public init(on communicator: any Communicator, warmup: Int, repeat count: Int, _ work: (Int) throws -> Void) throws
    {
        var own: [Double] = []
        own.reserveCapacity(count)
        for number in 0..<(warmup + count) {
            try communicator.barrier()
            let start = ContinuousClock.now
            try work(number)
            if number >= warmup { own.append((ContinuousClock.now - start).inSeconds) }
        }
        let all = try communicator.allGather(numbers: own)
        self.init(
            seconds: (0..<count).map { repetition in
                (0..<communicator.size).reduce(0.0) { max($0, all[$1 * count + repetition]) }
            })
    }

    public var minimum: Double { seconds.reduce(.infinity, min) }

    /// The mean of the two in the middle where their number is even.
    public var median: Double {
        let sorted = seconds.sorted(), middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : 0.5 * (sorted[middle - 1] + sorted[middle])
    }
}
