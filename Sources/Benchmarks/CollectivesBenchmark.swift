import CoupletCommunication
import CoupletFiles
import CoupletTensors
import CoupletText

/// Times the collectives: barrier, all-gather of scalars, exchange of a buffer with a partner, and tree sum.
///
/// In one process an exchange hands memory over and copies nothing. The partner's reads of that memory afterwards are
/// not timed.
public struct CollectivesBenchmark: Sendable {
    /// Bytes of the largest buffer.
    public let largest: Int
    public let warmup: Int
    public let repetitions: Int

    public init(largest: Int, warmup: Int, repetitions: Int) {
        precondition(largest >= Self.smallest, "buffers of at most \(largest) bytes")
        self.largest = largest
        self.warmup = warmup
        self.repetitions = repetitions
    }

    /// Bytes of the smallest buffer.
    public static let smallest = 1 << 10
    /// Scalars of each worker in the all-gather.
    private static let scalars = 16

    /// The times of one collective with one buffer size.
    public struct Measurement: Sendable {
        public let bytes: Int
        public let times: BenchmarkTimes

        /// bytes / median time, in 10⁹ bytes a second.
        public var gigabytesPerSecond: Double { 1e-9 * Double(bytes) / times.median }
    }

    /// The measurements, the same on every worker.
    public struct Result: Sendable {
        public let workers: Int
        public let processes: Int
        public let barrier: BenchmarkTimes
        public let allGather: BenchmarkTimes
        /// Exchanges with the partner whose rank differs in the lowest bit: in the same process, if it has several
        /// workers. Empty for one worker.
        public let near: [Measurement]
        /// Exchanges with the partner whose rank differs in the highest bit: in another process, if there are several.
        /// Empty for one worker.
        public let far: [Measurement]
        /// Tree sums of a buffer on every worker: reduce-scatter, then all-gather.
        public let treeSum: [Measurement]
        public let peakMemoryMiB: Double
    }

    private var sizes: [Int] {
        var sizes: [Int] = []
        var bytes = Self.smallest
        while bytes <= largest {
            sizes.append(bytes)
            bytes *= 4
        }
        if let last = sizes.last, last < largest { sizes.append(largest / 1_024 * 1_024) }
        return sizes
    }

    /// Runs all measurements. Every worker calls it.
    /// - Throws: `CollectiveError` if a worker failed.
    public func run(on communicator: any Communicator) throws -> Result {
        let size = communicator.size
        // One measurement repeats a small collective many times: reading the clock takes about as long as the
        // collective.
        func time(_ bytes: Int, _ body: () throws -> Void) throws -> BenchmarkTimes {
            let calls = max(1, min(64, (1 << 20) / max(bytes, 1)))
            let times = try BenchmarkTimes(on: communicator, warmup: warmup, repeat: repetitions) { _ in
                for _ in 0..<calls { try body() }
            }
            return BenchmarkTimes(seconds: times.seconds.map { $0 / Double(calls) })
        }
        let barrier = try time(0) { try communicator.barrier() }
        let numbers = [Double](repeating: 1, count: Self.scalars)
        let allGather = try time(0) { _ = try communicator.allGather(numbers: numbers) }

        /// Each worker sends to the one that is `distance` below it, and receives from the one above.
        func messages(over distance: Int) throws -> [Measurement] {
            let receiver = (communicator.rank + size - distance) % size, sender = (communicator.rank + distance) % size
            return try sizes.map { bytes in
                let count = bytes / MemoryLayout<Float>.stride
                let outgoing = Tensor([count]), incoming = Tensor([count])
                return Measurement(
                    bytes: bytes,
                    times: try time(bytes) {
                        let receive = try communicator.beginReceive(counts: [count], from: sender, stream: .data) {
                            [incoming]
                        }
                        let send = try communicator.beginSend([outgoing], to: receiver, stream: .data)
                        _ = try receive.finish()
                        try send.finish()
                    })
            }
        }
        let near = size > 1 ? try messages(over: 1) : []
        let far = size > 2 ? try messages(over: size / 2) : near
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
            far: far, treeSum: sums, peakMemoryMiB: try ProcessMemory.peakMiB(on: communicator))
    }

    // MARK: - Report

    /// The settings and all times as a JSON object.
    package func json(_ result: Result) -> JSONValue {
        func times(_ times: BenchmarkTimes) -> [(String, JSONValue)] {
            [("median_seconds", .number(times.median)), ("minimum_seconds", .number(times.minimum))]
        }
        func list(_ measurements: [Measurement]) -> JSONValue {
            .array(
                measurements.map {
                    .object(
                        [("bytes", .integer($0.bytes))] + times($0.times)
                            + [("gigabytes_per_second", .number($0.gigabytesPerSecond))])
                })
        }
        return .object([
            "benchmark": .string("collectives"), "workers": .integer(result.workers),
            "processes": .integer(result.processes), "repeat": .integer(repetitions), "largest": .integer(largest),
            "barrier": .object(times(result.barrier)),
            "all_gather": .object([("scalars", .integer(Self.scalars))] + times(result.allGather)),
            "exchange_near": list(result.near), "exchange_far": list(result.far), "tree_sum": list(result.treeSum),
            "peak_memory_mib": .number(result.peakMemoryMiB),
        ])
    }

    /// The median times as a table.
    package func text(_ result: Result) -> String {
        func right(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(1, width - text.count)) + text
        }
        let workers = "\(result.workers) \(result.workers == 1 ? "worker" : "workers")"
        let processes = "\(result.processes) \(result.processes == 1 ? "process" : "processes")"
        let near = result.near.isEmpty ? nil : result.near
        let far = result.workers > 2 ? result.far : nil
        // If processes have several workers, the nearest partners are threads of one process and copy nothing.
        let isNearCopied = result.processes == result.workers
        func columns(_ measurement: Measurement?, isCopied: Bool = true) -> String {
            guard let measurement else { return "" }
            return right(DurationText.measured(measurement.times.median), 14)
                + right(isCopied ? NumberText.fixed(measurement.gigabytesPerSecond, 2) + " GB/s" : "not copied", 14)
        }
        var lines = [
            "\(workers) in \(processes), medians of \(repetitions)",
            "barrier          \(DurationText.measured(result.barrier.median))",
            "\(Self.scalars) scalars each  \(DurationText.measured(result.allGather.median))",
            right("buffer", 10) + right("tree sum", 28) + (near == nil ? "" : right("exchange, nearest", 28))
                + (far == nil ? "" : right("exchange, farthest", 28)),
        ]
        for (index, sum) in result.treeSum.enumerated() {
            lines.append(
                right(MemorySize.text(sum.bytes), 10) + columns(sum) + columns(near?[index], isCopied: isNearCopied)
                    + columns(far?[index], isCopied: result.processes > 1))
        }
        return lines.joined(separator: "\n")
    }
}

extension [CollectivesBenchmark.Measurement] {
    /// Latency in seconds: the time of the smallest buffer.
    var latency: Double { first?.times.median ?? 0 }
    /// Seconds for each byte of the largest buffer, without the latency.
    var secondsPerByte: Double {
        guard let last else { return 0 }
        return Swift.max(0, last.times.median - latency) / Double(last.bytes)
    }
}
