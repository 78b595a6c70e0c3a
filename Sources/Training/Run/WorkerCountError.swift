/// Workers that the shards of a config cannot be dealt out to.
public struct WorkerCountError: Error, CustomStringConvertible, Sendable {
    public let threads: Int
    public let processes: Int
    public let shards: Int

    public var description: String {
        let workers = threads * processes
        let what = processes > 1 ? "\(workers) workers (\(processes) ranks × \(threads) threads)" : "\(workers) threads"
        let good = [2, 1].map { Self.powerOfTwo(below: workers) * $0 }.filter { $0 <= shards && $0 > 0 }.sorted()
        let near = good.isEmpty ? [shards] : good
        return """
            \(what) cannot share \(shards) \(shards == 1 ? "shard" : "shards"): their number must be a power of two and at most \(shards); \
            the nearest good ones: \(near.map(String.init).joined(separator: ", "))
            """
    }

    private static func powerOfTwo(below count: Int) -> Int {
        count < 1 ? 1 : 1 << (Int.bitWidth - 1 - count.leadingZeroBitCount)
    }
}
