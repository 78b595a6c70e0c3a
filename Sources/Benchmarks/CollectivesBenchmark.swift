import CoupletCommunication
import CoupletFiles
import CoupletTensors

/// Times what workers say to each other: the meeting, the gathering of scalars, the swap with a partner, the tree sum.
///
/// In one process a swap hands memory over and copies nothing; what that costs is the partner's reading afterwards, which no collective sees.
public struct CollectivesBenchmark: Sendable {
    /// The bytes of the largest buffer.
    public let largest: Int
    public let warmup: Int
    public let repetitions: Int

    public init(largest: Int, warmup: Int, repetitions: Int) {
        precondition(largest >= Self.smallest, "buffers of at most \(largest) bytes")
        self.largest = largest
        self.warmup = warmup
        self.repetitions = repetitions
    }

    /// The bytes of the smallest buffer.
    public static let smallest = 1 << 10
    /// Scalars a worker in the gathering.
    static let scalars = 16

    /// One size of one collective.
    public struct Measurement: Sendable {
        public let bytes: Int
        public let times: BenchmarkTimes
    }

    /// What was found, the same on every worker.
    public struct Result: Sendable {
        public let workers: Int
        public let processes: Int
        public let barrier: BenchmarkTimes
        public let allGather: BenchmarkTimes
        /// With the partner whose number differs in the lowest bit, and in the highest: in one process first, between processes second, where
        /// there are several. Empty for one worker.
        public let near: [Measurement]
        public let far: [Measurement]
        /// Both halves of the tree sum of a buffer of that size on every worker.
        public let treeSum: [Measurement]
        public let peakMemoryMiB: Double
    }

    private var sizes: [Int] {
        var sizes: [Int] = [], bytes = Self.smallest
        while bytes <= largest {
            sizes.append(bytes)
            bytes *= 4
        }
        if let last = sizes.last, last < largest { sizes.append(largest / 1_024 * 1_024) }
        return sizes
    }

    /// Every worker calls it.
    public func run(on communicator: any Communicator) throws -> Result {
        let size = communicator.size
        // Small ones many at a time: the clock's own cost is of their size.
        func time(_ bytes: Int, _ work: () throws -> Void) throws -> BenchmarkTimes {
            let often = max(1, min(64, (1 << 20) / max(bytes, 1)))
            let times = try BenchmarkTimes(on: communicator, warmup: warmup, repeat: repetitions) { _ in
                for _ in 0..<often { try work() }
            }
            return BenchmarkTimes(seconds: times.seconds.map { $0 / Double(often) })
        }
        let barrier = try time(0) { try communicator.barrier() }
        let numbers = [Double](repeating: 1, count: Self.scalars)
        let allGather = try time(0) { _ = try communicator.allGather(numbers: numbers) }

        func exchanges(with partner: Int) throws -> [Measurement] {
            try sizes.map { bytes in
                let count = bytes / MemoryLayout<Float>.stride
                var outgoing = Tensor([count]), spare = Tensor([count])
                return Measurement(
                    bytes: bytes,
                    times: try time(bytes) {
                        (outgoing, spare) = try communicator.beginExchange(outgoing, spare: spare, with: partner)
                            .finish()
                    })
            }
        }
        let near = size > 1 ? try exchanges(with: communicator.rank ^ 1) : []
        let far = size > 2 ? try exchanges(with: communicator.rank ^ (size / 2)) : near
        let sums = try sizes.map { bytes in
            let buffer = Tensor([bytes / MemoryLayout<Float>.stride / size * size])
            return Measurement(
                bytes: bytes,
                times: try time(bytes) {
                    try communicator.beginReduceScatter(buffer).finish()
                    try communicator.allGather(buffer)
                })
        }
        return Result(
            workers: size, processes: communicator.processCount, barrier: barrier, allGather: allGather, near: near,
            far: far,
            treeSum: sums, peakMemoryMiB: try ProcessMemory.peakMiB(on: communicator))
    }
}

extension CollectivesBenchmark.Measurement {
    /// The buffer's bytes over the median time, in 10⁹ bytes a second.
    public var gigabytesPerSecond: Double { 1e-9 * Double(bytes) / times.median }
}

extension [CollectivesBenchmark.Measurement] {
    /// Latency in seconds: the time of the smallest.
    var latency: Double { first?.times.median ?? 0 }
    /// Seconds for each byte, latency aside, of the largest.
    var secondsPerByte: Double {
        guard let last else { return 0 }
        return Swift.max(0, last.times.median - latency) / Double(last.bytes)
    }
}
