import CoupletTensors

/// Runs every collective operation on small data with known results. It shows whether this machine, this MPI and this
/// launch command give the results that training relies on. `couplet doctor` calls it, and so do tests with several
/// processes.
public enum CollectiveSelfCheck {
    /// A collective operation returned a wrong result.
    public struct Failure: Error, CustomStringConvertible, Sendable {
        public let check: String
        public let worker: Int
        public let reason: String

        public var description: String { "the \(check) check failed on worker \(worker): \(reason)" }
    }

    /// Runs all checks; all workers of the group call it. Returns one line with the number of workers and the names of
    /// the checks.
    ///
    /// - Throws: `Failure` if a result is wrong, `CollectiveError` if a call fails.
    public static func run(on group: any Communicator) throws -> String {
        let checks: [(name: String, body: (any Communicator) throws -> String?)] = [
            ("barrier", checkBarrier), ("broadcast", checkBroadcast),
            ("all-gather of bytes and numbers", checkAllGather),
            ("gather", checkGather), ("ring", checkRing), ("tree sum", checkTreeSum),
            ("tree sum over uneven shards", checkUnevenShards),
            ("several sums at a time", checkConcurrentSums), ("all-gather in a shared buffer", checkSharedBuffer),
            ("groups", checkSplit), ("differing counts", checkDifferingCounts),
        ]
        var passed: [String] = []
        for check in checks {
            if let reason = try check.body(group) {
                // Other workers may already wait for this one in the next check. The thrown error wakes them.
                throw Failure(check: check.name, worker: group.rank, reason: reason)
            }
            passed.append(check.name)
        }
        try group.barrier()
        let processes = group.processCount == 1 ? "process" : "processes"
        return "\(group.size) workers in \(group.processCount) \(processes): \(passed.joined(separator: ", "))"
    }

    // MARK: - Test data

    /// A hash of `parts`, similar to the mixing function of splitmix64.
    private static func hash(_ parts: Int...) -> UInt64 {
        parts.reduce(0x9E37_79B9_7F4A_7C15) { state, part in
            var next = (state ^ UInt64(truncatingIfNeeded: part)) &* 0xBF58_476D_1CE4_E5B9
            next = (next ^ (next >> 27)) &* 0x94D0_49BB_1331_11EB
            return next ^ (next >> 31)
        }
    }

    /// Numbers of magnitudes so different that another order of addition gives other bits.
    private static func floats(_ count: Int, worker: Int, call: Int) -> [Float] {
        (0..<count).map { index in
            let bits = hash(worker, call, index)
            return Float(Int32(truncatingIfNeeded: bits))
                * Float(sign: .plus, exponent: Int(bits >> 56) % 12 - 36, significand: 1)
        }
    }

    /// The tree sum of `floats` over `workers`, level by level: the reference.
    private static func referenceSum(_ count: Int, workers: [Int], call: Int) -> [Float] {
        PairwiseSummation.sum(workers.map { floats(count, worker: $0, call: call) }) { left, right in
            zip(left, right).map { $0 + $1 }
        }
    }

    /// Describes the first number that differs; nil if none does.
    private static func difference(_ numbers: Tensor, _ expected: [Float], in range: Range<Int>) -> String? {
        guard let index = range.first(where: { numbers[$0].bitPattern != expected[$0].bitPattern }) else { return nil }
        return "number \(index) of \(numbers.count) is \(numbers[index]), not \(expected[index])"
    }

    // MARK: - Checks (each returns what is wrong, or nil)

    /// Checks only that many barriers return.
    private static func checkBarrier(_ group: any Communicator) throws -> String? {
        for _ in 0..<50 { try group.barrier() }
        return nil
    }

    private static func checkBroadcast(_ group: any Communicator) throws -> String? {
        for root in 0..<group.size {
            for length in [0, 1, 1000, 300_000] {
                let expected = (0..<length).map { UInt8(truncatingIfNeeded: hash(root, $0)) }
                let received = try group.broadcast(group.rank == root ? expected : [7], from: root)
                if received != expected {
                    return "the \(received.count) bytes from worker \(root) are not the \(length) that it sent"
                }
            }
        }
        return nil
    }

    private static func checkAllGather(_ group: any Communicator) throws -> String? {
        func bytes(_ worker: Int) -> [UInt8] {
            (0..<(worker * 37 % 101)).map { UInt8(truncatingIfNeeded: hash(worker, $0)) }
        }
        if try group.allGather(bytes: bytes(group.rank)) != (0..<group.size).map(bytes) { return "the bytes differ" }
        let numbers = (0..<(5 * group.size)).map { Double(hash($0)) }
        let local = Array(numbers[(5 * group.rank)..<(5 * group.rank + 5)])
        return try group.allGather(numbers: local) == numbers ? nil : "the numbers differ"
    }

    private static func checkGather(_ group: any Communicator) throws -> String? {
        for root in [0, group.size - 1] {
            let local = Tensor([group.rank, 3], floats(group.rank * 3, worker: group.rank, call: root))
            guard let all = try group.gather(local, to: root) else {
                if group.rank == root { return "the root received nothing" } else { continue }
            }
            for worker in 0..<group.size
            where all[worker].values != floats(worker * 3, worker: worker, call: root)
                || all[worker].shape != [worker, 3]
            {
                return "the tensor of worker \(worker), with shape \(all[worker].shape), differs"
            }
        }
        return nil
    }

    /// Passes a small and a large tensor around the ring of workers, and another one to which each worker adds, as the
    /// pairwise engine does.
    private static func checkRing(_ group: any Communicator) throws -> String? {
        let (rank, size) = (group.rank, group.size), next = (rank + size - 1) % size, previous = (rank + 1) % size
        if size == 1 { return nil }
        for count in [1, 70_000] {
            let own = Tensor([count], floats(count, worker: rank, call: 3))
            var block = own, path = Tensor([size]), sends: [any PendingSend] = []
            for step in 0..<size {
                let owner = (rank + step) % size
                if let reason = difference(block, floats(count, worker: owner, call: 3), in: 0..<count) {
                    return reason
                }
                path[step] = Float(rank)
                let memory = (Tensor([count]), Tensor([size]))
                let data = try group.beginReceive(counts: [count], from: previous, stream: .data) { [memory.0] }
                let sums = try group.beginReceive(counts: [size], from: previous, stream: .sums) { [memory.1] }
                sends.append(try group.beginSend([path], to: next, stream: .sums))
                sends.append(try group.beginSend([block], to: next, stream: .data))
                (block, path) = (try data.finish()[0], try sums.finish()[0])
            }
            for send in sends { try send.finish() }
            if path.values != (0..<size).map({ Float((rank + size - $0) % size) }) {
                return "the block visited the workers \(path.values)"
            }
        }
        return nil
    }

    /// Checks every number after each half. The longest buffer needs several messages per level.
    private static func checkTreeSum(_ group: any Communicator) throws -> String? {
        for perWorker in [0, 1, 1000, 600_000 / group.size] {
            let count = group.size * perWorker
            let expected = referenceSum(count, workers: Array(0..<group.size), call: perWorker)
            let buffer = Tensor([count], floats(count, worker: group.rank, call: perWorker))
            try group.beginReduceScatter(buffer).finish()
            let owned = group.ownedRange(of: count)
            if let reason = difference(buffer, expected, in: owned) { return "after the first half: " + reason }
            for index in 0..<count where !owned.contains(index) { buffer[index] = .nan }
            try group.allGather(buffer)
            if let reason = difference(buffer, expected, in: 0..<count) { return "after both halves: " + reason }
        }
        return nil
    }

    /// Sums over numbers of shards that the workers cannot share equally. A shard is one worker of the reference.
    private static func checkUnevenShards(_ group: any Communicator) throws -> String? {
        for shards in [group.size + 1, 2 * group.size + 1, 3 * group.size] {
            let own = ShardPartition(shards: shards, workers: group.size).range(of: group.rank)
            for perShard in [1, 600, 600_000 / shards] {
                let count = shards * perShard
                let nodes = PairwiseSummation.nodes(covering: own, of: shards).map {
                    Tensor([count], referenceSum(count, workers: Array($0), call: perShard))
                }
                try group.beginReduceScatter(nodes, shards: shards).finish()
                let expected = referenceSum(count, workers: Array(0..<shards), call: perShard)
                let owned = group.ownedRange(of: count, shards: shards)
                if let reason = difference(nodes[0], expected, in: owned) { return "\(shards) shards: " + reason }
                for index in 0..<count where !owned.contains(index) { nodes[0][index] = .nan }
                try group.allGather(nodes[0], shards: shards)
                if let reason = difference(nodes[0], expected, in: 0..<count) {
                    return "\(shards) shards, after both halves: " + reason
                }
            }
        }
        return nil
    }

    /// Runs more sums than channels at the same time. Workers advance them at different times and make other calls in
    /// between.
    private static func checkConcurrentSums(_ group: any Communicator) throws -> String? {
        let counts = (0..<19).map { group.size * ($0 % 5 * 1000 + 1) }
        var sums: [(pending: any PendingReduceScatter, buffer: Tensor)] = []
        for (call, count) in counts.enumerated() {
            let buffer = Tensor([count], floats(count, worker: group.rank, call: call))
            sums.append((try group.beginReduceScatter(buffer), buffer))
            if call % 3 == group.rank % 3 { try sums[call / 2].pending.advance() }
            if call % 7 == 6 { try group.barrier() }
        }
        for (call, sum) in sums.enumerated() {
            try sum.pending.finish()
            let expected = referenceSum(counts[call], workers: Array(0..<group.size), call: call)
            if let reason = difference(sum.buffer, expected, in: group.ownedRange(of: counts[call])) {
                return "sum \(call): " + reason
            }
        }
        return nil
    }

    /// All threads of a process pass the same buffer, as they do with parameters. Each writes its owned range as soon
    /// as the previous round has returned.
    private static func checkSharedBuffer(_ group: any Communicator) throws -> String? {
        let process = try group.split(color: group.processRank, key: group.rank)
        let count = group.size * 500
        let shared = try share(Tensor([count]), within: process)
        for round in 0..<20 {
            let gradient = Tensor([count], floats(count, worker: group.rank, call: round))
            try group.beginReduceScatter(gradient).finish()
            let owned = group.ownedRange(of: count)
            shared.flat(owned).copy(from: gradient.flat(owned))
            try group.allGather(shared)
            let expected = referenceSum(count, workers: Array(0..<group.size), call: round)
            if let reason = difference(shared, expected, in: 0..<count) { return "round \(round): " + reason }
        }
        return nil
    }

    /// Returns the first worker's tensor on all workers of one process, which then use the same memory.
    private static func share(_ tensor: Tensor, within process: any Communicator) throws -> Tensor {
        var result = tensor
        for worker in 1..<max(process.size, 2) where worker < process.size {
            if process.rank == 0 {
                // Within a process the receiver gets the sender's memory.
                try process.beginSend([tensor], to: worker, stream: .data).finish()
            } else if process.rank == worker {
                let receive = try process.beginReceive(counts: [tensor.count], from: 0, stream: .data) { [tensor] }
                result = try receive.finish()[0]
            }
        }
        return result
    }

    /// Splits the group by color, in reverse order. The parts work at the same time as each other and as the whole
    /// group.
    private static func checkSplit(_ group: any Communicator) throws -> String? {
        let part = try group.split(color: group.rank % 2, key: -group.rank)
        let ranks = Array((0..<group.size).filter { $0 % 2 == group.rank % 2 }.reversed())
        if part.size != ranks.count || ranks[part.rank] != group.rank {
            return "this is worker \(part.rank) of \(part.size)"
        }
        if try part.allGather(numbers: [Double(group.rank)]) != ranks.map(Double.init) {
            return "the all-gather of the group returned other numbers"
        }
        let whole = try group.beginReduceScatter(Tensor([group.size], floats(group.size, worker: group.rank, call: 1)))
        let count = part.size * 3, buffer = Tensor([count], floats(count, worker: group.rank, call: 2))
        try part.beginReduceScatter(buffer).finish()
        try part.allGather(buffer)
        try whole.finish()
        return difference(buffer, referenceSum(count, workers: ranks, call: 2), in: 0..<count)
    }

    /// Workers that pass different counts get an error instead of wrong numbers. The error ends their group, so they
    /// use a separate one.
    private static func checkDifferingCounts(_ group: any Communicator) throws -> String? {
        guard group.size > 1 else { return nil }
        let part = try group.split(color: 0, key: group.rank)
        do {
            try part.beginReduceScatter(Tensor([part.size * (part.rank == 1 ? 2 : 1)])).finish()
        } catch let error as CollectiveError where error.kind == .workersDisagree {
            return nil
        }
        return "differing counts raised no error"
    }
}
