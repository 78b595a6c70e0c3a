import CoupletFiles
import CoupletText

/// Thrown before a run starts, if it needs more memory than there is.
public struct MemoryShortageError: Error, CustomStringConvertible, Sendable {
    /// The processes that need the memory: "this process", "ranks 0, 1 on node7".
    public let processes: String
    public let needed: Int
    public let available: Int
    /// The memory by kind.
    let parts: String
    /// The words after the available memory: "free on node7".
    let bound: String
    let remedy: String

    public var description: String {
        """
        memory: \(processes) would need \(MemorySize.rounded(needed)), and \(MemorySize.rounded(available)) \
        \(available == 1 ? "is" : "are") \(bound) (\(parts)); \(remedy)
        """
    }
}

/// The memory that one process needs, and what bounds it.
package struct ProcessMemoryNeed: Sendable {
    let host: String
    let needed: Int
    /// Bytes of `needed` that the process has already.
    let taken: Int
    let parts: String
    /// The kind that takes most.
    let largest: String
    let bounds: [MemoryBound]
    /// Address space of stacks, buffers of libraries and the like, which counts for the limits of a process only:
    /// little of it becomes resident.
    private var overhead = 0

    init(_ estimate: MemoryEstimate, taken: Int, bounds: [MemoryBound] = HostMemory.bounds) {
        host = HostName.current
        needed = estimate.total
        overhead = (64 + 16 * estimate.threads) << 20
        self.taken = taken
        parts = estimate.description
        let sizes = estimate.parts.map { ($0.kind, estimate.threads * $0.worker + $0.process) }
        largest = sizes.max { $0.1 < $1.1 }?.0 ?? ""
        self.bounds = bounds
    }

    /// Checks the need of this process alone.
    /// - Throws: `MemoryShortageError`.
    func check() throws {
        for bound in bounds {
            let needed = needed + (bound.kind == .process ? overhead : 0)
            if needed - taken > bound.bytes {
                throw error("this process", needed: needed, available: bound.bytes + taken, bound.text)
            }
        }
    }

    /// Checks the needs of the processes of each host together.
    /// - Parameter needs: by rank.
    /// - Throws: `MemoryShortageError`, the same on all processes.
    package static func check(_ needs: [ProcessMemoryNeed]) throws {
        for host in Set(needs.map(\.host)).sorted() {
            let ranks = needs.indices.filter { needs[$0].host == host }, first = needs[ranks[0]]
            guard ranks.count > 1 else { continue }
            let needed = ranks.reduce(0) { $0 + needs[$1].needed }, taken = ranks.reduce(0) { $0 + needs[$1].taken }
            // The processes measure at different times, so the smallest value counts. A process in a group of its own
            // has a limit of its own.
            let shared = ranks.flatMap { needs[$0].bounds.filter { $0.kind == .machine } }
            let groups = ranks.map { rank in needs[rank].bounds.first { $0.kind == .controlGroup } }
            let isOneGroup = Set(groups.map { $0?.text ?? "" }).count == 1
            let bounds = shared + (isOneGroup ? groups.compactMap(\.self) : [])
            guard let tightest = bounds.min(by: { $0.bytes < $1.bytes }), needed - taken > tightest.bytes else {
                continue
            }
            let list = ranks.map(String.init).joined(separator: ", ")
            throw first.error(
                "ranks \(list) on \(host) together", needed: needed, available: tightest.bytes + taken, tightest.text)
        }
    }

    private func error(_ processes: String, needed: Int, available: Int, _ bound: String) -> MemoryShortageError {
        MemoryShortageError(
            processes: processes, needed: needed, available: available, parts: parts, bound: bound,
            remedy: Self.remedy(largest))
    }

    private static func remedy(_ kind: String) -> String {
        switch kind {
        case "activations": "set batch.activations: recompute, or make batch.size or the encoders smaller"
        case "tiles of scores": "set batch.tile_memory to less; the bits stay the same"
        case "data": "hold fewer data in memory, or take a machine with more"
        case "evaluation": "set evaluation.pairs, or evaluation.identifiability.samples, to less"
        case "encodings and engine": "make batch.size or encoders.embedding smaller"
        default: "make the encoders smaller, or take more ranks on more machines"
        }
    }

    // MARK: - Messages between processes

    /// Lines: host, needed, taken, largest, parts, then one bound a line: kind, bytes, text.
    package var text: String {
        ([host, String(needed), String(taken), largest, parts]
            + bounds.map { "\($0.kind.rawValue) \($0.bytes) \($0.text)" }).joined(separator: "\n")
    }

    package init?(text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.count >= 5, let needed = Int(lines[1]), let taken = Int(lines[2]) else { return nil }
        (host, self.needed, self.taken, largest, parts) = (lines[0], needed, taken, lines[3], lines[4])
        bounds = lines[5...].compactMap { line in
            let fields = line.split(separator: " ", maxSplits: 2).map(String.init)
            guard fields.count == 3, let kind = MemoryBound.Kind(rawValue: fields[0]), let bytes = Int(fields[1]) else {
                return nil
            }
            return MemoryBound(kind, bytes: bytes, text: fields[2])
        }
    }
}

extension MemoryEstimate {
    /// Compares the estimate with the memory that this process can still take.
    /// - Parameter taken: bytes of the estimate that the process has already.
    /// - Throws: `MemoryShortageError` with both numbers.
    package func requireAvailable(taken: Int) throws { try ProcessMemoryNeed(self, taken: taken).check() }
}
