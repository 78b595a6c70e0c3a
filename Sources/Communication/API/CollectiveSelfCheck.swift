import CoupletTensors

/// Every collective on small data whose right results are known: whether this machine, this MPI and this way of starting give what
/// training relies on. For `couplet doctor`, and for tests with processes.
public enum CollectiveSelfCheck {
    /// A collective that gave wrong numbers.
    public struct Failure: Error, CustomStringConvertible, Sendable {
        public let check: String
        public let worker: Int
        public let reason: String

        public var description: String { "\(check) is wrong on worker \(worker): \(reason)" }
    }

    /// Runs all checks; all workers of the group call it. Returns one line that says what was checked, among whom.
    ///
    /// - Throws: `Failure`, or `CollectiveError` where a call fails.
    public static func run(on group: any Communicator) throws -> String {
        let checks: [(name: String, body: (any Communicator) throws -> String?)] = [
            ("barrier", barriers), ("broadcast", broadcasts), ("all-gather of bytes and numbers", gathersOfBytes),
            ("gather", gathers),
            ("exchange along the xor path", exchanges), ("tree sum", treeSums), ("several sums at a time", sumsAtATime),
            ("all-gather in a shared buffer", sharedBuffers), ("groups", splits), ("differing counts", differingCounts),
        ]
        var passed: [String] = []
        for check in checks {
            if let reason = try check.body(group) {
                // The others may wait for this worker in the next check: an error ends the group.
                throw Failure(check: check.name, worker: group.rank, reason: reason)
            }
            passed.append(check.name)
        }
        try group.barrier()
        return
            "\(group.size) workers in \(group.processCount) \(group.processCount == 1 ? "process" : "processes"): \(passed.joined(separator: ", "))"
    }

    private static func isPowerOfTwo(_ group: any Communicator) -> Bool { group.size.nonzeroBitCount == 1 }

    private static func mixed(_ parts: Int...) -> UInt64 {
        parts.reduce(0x9E37_79B9_7F4A_7C15) { state, part in
            var next = (state ^ UInt64(truncatingIfNeeded: part)) &* 0xBF58_476D_1CE4_E5B9
            next = (next ^ (next >> 27)) &* 0x94D0_49BB_1331_11EB
            return next ^ (next >> 31)
        }
    }

    /// Numbers of sizes so different that another order of addition gives other bits.
    private static func floats(_ count: Int, worker: Int, call: Int) -> [Float] {
        (0..<count).map { index in
            let bits = mixed(worker, call, index)
            return Float(Int32(truncatingIfNeeded: bits))
                * Float(sign: .plus, exponent: Int(bits >> 56) % 12 - 36, significand: 1)
        }
    }

    private static func tree(_ count: Int, workers: [Int], call: Int) -> [Float] {
        var level = workers.map { floats(count, worker: $0, call: call) }
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: 2).map { pair in
                zip(level[pair], level[pair + 1]).map { $0 + $1 }
            }
        }
        return level[0]
    }

    private static func difference(_ numbers: Tensor, _ expected: [Float], in range: Range<Int>) -> String? {
        guard let index = range.first(where: { numbers[$0].bitPattern != expected[$0].bitPattern }) else { return nil }
        return "number \(index) of \(numbers.count) is \(numbers[index]), not \(expected[index])"
    }

    /// After a barrier everybody has what was sent before it; here: that it returns, often.
    private static func barriers(_ group: any Communicator) throws -> String? {
        for _ in 0..<50 { try group.barrier() }
        return nil
    }

    private static func broadcasts(_ group: any Communicator) throws -> String? {
        for root in 0..<group.size {
            for length in [0, 1, 1000, 300_000] {
                let expected = (0..<length).map { UInt8(truncatingIfNeeded: mixed(root, $0)) }
                let received = try group.broadcast(group.rank == root ? expected : [7], from: root)
                if received != expected { return "\(received.count) bytes from worker \(root) are not its \(length)" }
            }
        }
        return nil
    }

    private static func gathersOfBytes(_ group: any Communicator) throws -> String? {
        func bytes(_ worker: Int) -> [UInt8] {
            (0..<(worker * 37 % 101)).map { UInt8(truncatingIfNeeded: mixed(worker, $0)) }
        }
        if try group.allGather(bytes: bytes(group.rank)) != (0..<group.size).map(bytes) { return "bytes" }
        let numbers = (0..<(5 * group.size)).map { Double(mixed($0)) }
        let mine = Array(numbers[(5 * group.rank)..<(5 * group.rank + 5)])
        return try group.allGather(numbers: mine) == numbers ? nil : "numbers"
    }

    private static func gathers(_ group: any Communicator) throws -> String? {
        for root in [0, group.size - 1] {
            let mine = Tensor([group.rank, 3], floats(group.rank * 3, worker: group.rank, call: root))
            guard let all = try group.gather(mine, to: root) else {
                if group.rank == root { return "nothing on the root" } else { continue }
            }
            for worker in 0..<group.size
            where all[worker].values != floats(worker * 3, worker: worker, call: root)
                || all[worker].shape != [worker, 3]
            {
                return "the tensor of worker \(worker) with shape \(all[worker].shape)"
            }
        }
        return nil
    }

    /// The walk of the pairwise engine, two tensors at a time, small and large.
    private static func exchanges(_ group: any Communicator) throws -> String? {
        guard isPowerOfTwo(group) else { return nil }
        for count in [1, 70_000] {
            var block = Tensor([count], floats(count, worker: group.rank, call: 3)), blockSpare = Tensor([count])
            var path = Tensor([group.size]), pathSpare = Tensor([group.size])
            for step in 0..<group.size {
                if let reason = difference(block, floats(count, worker: group.rank ^ step, call: 3), in: 0..<count) {
                    return reason
                }
                path[step] = Float(group.rank)
                if step + 1 == group.size { break }
                let partner = group.rank ^ (step ^ (step + 1))
                let first = try group.beginExchange(block, spare: blockSpare, with: partner)
                let second = try group.beginExchange(path, spare: pathSpare, with: partner)
                try first.advance()
                (block, blockSpare) = try first.finish()
                (path, pathSpare) = try second.finish()
            }
            let owner = group.rank ^ (group.size - 1)
            if path.values != (0..<group.size).map({ Float(owner ^ $0) }) { return "the path was \(path.values)" }
        }
        return nil
    }

    /// Both halves, with every number checked; the longest needs several messages a level.
    private static func treeSums(_ group: any Communicator) throws -> String? {
        guard isPowerOfTwo(group) else { return nil }
        for perWorker in [0, 1, 1000, 600_000 / group.size] {
            let count = group.size * perWorker
            let expected = tree(count, workers: Array(0..<group.size), call: perWorker)
            let buffer = Tensor([count], floats(count, worker: group.rank, call: perWorker))
            try group.beginReduceScatter(buffer).finish()
            let owned = group.ownedRange(of: count)
            if let reason = difference(buffer, expected, in: owned) { return "after the first half " + reason }
            for index in 0..<count where !owned.contains(index) { buffer[index] = .nan }
            try group.allGather(buffer)
            if let reason = difference(buffer, expected, in: 0..<count) { return "after both halves " + reason }
        }
        return nil
    }

    /// More sums than lanes, advanced at different times by different workers, with other calls between them.
    private static func sumsAtATime(_ group: any Communicator) throws -> String? {
        guard isPowerOfTwo(group) else { return nil }
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
            let expected = tree(counts[call], workers: Array(0..<group.size), call: call)
            if let reason = difference(sum.buffer, expected, in: group.ownedRange(of: counts[call])) {
                return "sum \(call): " + reason
            }
        }
        return nil
    }

    /// All threads of a process pass one buffer, as they do with parameters; each writes what it owns right after it
    /// returned from the round before.
    private static func sharedBuffers(_ group: any Communicator) throws -> String? {
        guard isPowerOfTwo(group) else { return nil }
        let process = try group.split(color: group.processRank, key: group.rank)
        let count = group.size * 500
        let shared = try shareWithin(process, Tensor([count]))
        for round in 0..<20 {
            let gradient = Tensor([count], floats(count, worker: group.rank, call: round))
            try group.beginReduceScatter(gradient).finish()
            let owned = group.ownedRange(of: count)
            shared.flat(owned).copy(from: gradient.flat(owned))
            try group.allGather(shared)
            let expected = tree(count, workers: Array(0..<group.size), call: round)
            if let reason = difference(shared, expected, in: 0..<count) { return "round \(round): " + reason }
        }
        return nil
    }

    /// The first worker's tensor, on all workers of one process, who then use the same memory.
    private static func shareWithin(_ process: any Communicator, _ tensor: Tensor) throws -> Tensor {
        var result = tensor
        for worker in 1..<max(process.size, 2) where worker < process.size {
            if process.rank == 0 {
                // Threads swap tensors without a copy: the worker's is dropped here, this one goes to it as another view.
                _ = try process.beginExchange(tensor, spare: Tensor(tensor.shape), with: worker).finish()
            } else if process.rank == worker {
                result = try process.beginExchange(tensor, spare: Tensor(tensor.shape), with: 0).finish().incoming
            }
        }
        return result
    }

    /// Groups by color, numbered backwards, at work at the same time as each other and as the whole.
    private static func splits(_ group: any Communicator) throws -> String? {
        let part = try group.split(color: group.rank % 2, key: -group.rank)
        let members = Array((0..<group.size).filter { $0 % 2 == group.rank % 2 }.reversed())
        if part.size != members.count || members[part.rank] != group.rank {
            return "worker \(part.rank) of \(part.size)"
        }
        if try part.allGather(numbers: [Double(group.rank)]) != members.map(Double.init) {
            return "numbers of the group"
        }
        guard isPowerOfTwo(group) else { return nil }
        let whole = try group.beginReduceScatter(Tensor([group.size], floats(group.size, worker: group.rank, call: 1)))
        let count = part.size * 3, buffer = Tensor([count], floats(count, worker: group.rank, call: 2))
        try part.beginReduceScatter(buffer).finish()
        try part.allGather(buffer)
        try whole.finish()
        return difference(buffer, tree(count, workers: members, call: 2), in: 0..<count)
    }

    /// Workers that pass different counts get an error instead of wrong numbers; in a group of its own, which it ends.
    private static func differingCounts(_ group: any Communicator) throws -> String? {
        guard isPowerOfTwo(group), group.size > 1 else { return nil }
        let part = try group.split(color: 0, key: group.rank)
        do {
            try part.beginReduceScatter(Tensor([part.size * (part.rank == 1 ? 2 : 1)])).finish()
        } catch let error as CollectiveError where error.kind == .workersDisagree {
            return nil
        }
        return "no error"
    }
}
