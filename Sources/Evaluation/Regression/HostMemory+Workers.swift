import CoupletCommunication
import CoupletFiles

extension HostMemory {
    /// The share of what is left that may be taken: other work goes on beside.
    private static let share = 0.9

    /// The workers that have room for so many bytes each, ascending, the same on every worker; every worker calls it. On each host as many of its
    /// workers as fit.
    /// - Parameter refusal: the error where some host has room for none, which all workers throw: from the bytes needed and left.
    package static func takers(
        bytes: Int, available: Int = HostMemory.available, host: String = HostMemory.name,
        _ communicator: any Communicator,
        refusal: (_ needed: Int, _ available: Int) -> any Error
    ) throws -> [Int] {
        let all = try communicator.allGather(bytes: Array("\(available) \(host)".utf8)).map {
            bytes -> (available: Int, host: String) in
            let parts = String(decoding: bytes, as: UTF8.self).split(separator: " ", maxSplits: 1)
            return (Int(parts[0]) ?? 0, parts.count > 1 ? String(parts[1]) : "")
        }
        var takers: [Int] = []
        for host in Set(all.map(\.host)) {
            let workers = all.indices.filter { all[$0].host == host }
            // They looked one after the other: the least of what they saw.
            let available = workers.map { all[$0].available }.min() ?? 0
            takers += workers.prefix(Int(share * Double(available) / Double(max(bytes, 1))))
        }
        if takers.isEmpty { throw refusal(bytes, all.map(\.available).max() ?? 0) }
        return takers.sorted()
    }
}
