import CoupletCommunication
import CoupletFiles

/// Distributes independent tasks over the workers of a group. One worker computes the whole of a task, so the bits do
/// not depend on the number of workers.
package struct DistributedMap {
    private let communicator: any Communicator
    /// The ranks that compute, ascending.
    private let participants: [Int]

    /// - Parameter participants: the ranks that compute, ascending, such as the ranks with enough memory; nil: all.
    package init(_ communicator: any Communicator, participants: [Int]? = nil) {
        self.communicator = communicator
        self.participants = participants ?? Array(0..<communicator.size)
    }

    /// Computes the tasks 0 … count - 1. Every worker calls it. Consecutive tasks go to different workers, so the work
    /// is balanced best if neighbouring tasks take equally long.
    /// - Parameter task: returns the result of a task, a list of numbers.
    /// - Returns: the results of all tasks, on every worker.
    /// - Throws: errors of `task`; `CollectiveError` if another worker has failed.
    package func run(_ count: Int, _ task: (Int) throws -> [Double]) throws -> [[Double]] {
        // Each result is encoded as its task's number, its length and its numbers.
        var encoded: [Double] = []
        if let participant = participants.firstIndex(of: communicator.rank) {
            for index in stride(from: participant, to: count, by: participants.count) {
                let numbers = try task(index)
                encoded += [Double(index), Double(numbers.count)] + numbers
            }
        }
        var results = [[Double]](repeating: [], count: count)
        for bytes in try communicator.allGather(bytes: encoded.withUnsafeBytes { Array($0) }) {
            let numbers = bytes.withUnsafeBytes { raw in
                (0..<raw.count / 8).map { raw.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
            }
            var offset = 0
            while offset < numbers.count {
                let length = Int(numbers[offset + 1])
                results[Int(numbers[offset])] = Array(numbers[(offset + 2)..<(offset + 2 + length)])
                offset += 2 + length
            }
        }
        return results
    }

    /// Share of the available memory that workers may use, because other processes need some.
    private static let memoryShare = 0.9

    /// Returns the ranks of workers that can allocate `bytes` each at the same time: for each host as many as its
    /// memory holds. Every worker calls it and gets the same result, ascending.
    /// - Parameter error: makes the error that all workers throw if no host has enough memory for one worker, from the
    ///   bytes needed and available.
    package static func ranks(
        withMemoryFor bytes: Int, available: Int = HostMemory.available, host: String = HostName.current,
        _ communicator: any Communicator, error: (_ needed: Int, _ available: Int) -> any Error
    ) throws -> [Int] {
        let all = try communicator.allGather(bytes: Array("\(available) \(host)".utf8)).map {
            bytes -> (available: Int, host: String) in
            let fields = String(decoding: bytes, as: UTF8.self).split(separator: " ", maxSplits: 1)
            return (Int(fields[0]) ?? 0, fields.count > 1 ? String(fields[1]) : "")
        }
        var ranks: [Int] = []
        for host in Set(all.map(\.host)) {
            let hostRanks = all.indices.filter { all[$0].host == host }
            // The workers of a host measure at different times, so the smallest value is used.
            let available = hostRanks.map { all[$0].available }.min() ?? 0
            ranks += hostRanks.prefix(Int(memoryShare * Double(available) / Double(max(bytes, 1))))
        }
        if ranks.isEmpty { throw error(bytes, all.map(\.available).max() ?? 0) }
        return ranks.sorted()
    }
}
