import CoupletTensors

/// The calls that move bytes and return when they are done. Any number of workers. W = size, r = rank.
extension WorkerCommunicator {
    /// To whom and from whom in the round of a distance: both r xor distance where W is a power of two (the partners of the
    /// tree sums), else r ∓ distance.
    private func partners(_ distance: Int) -> (to: Int, from: Int) {
        isPowerOfTwo ? (rank ^ distance, rank ^ distance) : ((rank + size - distance) % size, (rank + distance) % size)
    }

    /// Dissemination (Hensgen, Finkel, Manber 1988): ⌈log₂ W⌉ messages a worker, no bytes. After the round of distance d a
    /// worker has heard of 2d workers.
    func barrier() throws {
        try check("barrier")
        let envelope = MessageHeader(.barrier, count: 0, worker: rank)
        for distance in distances {
            let (to, from) = partners(distance)
            try link(to: to).post(envelope, bytes: [], lane: Lane.control)
            _ = try link(to: from).receive(envelope, lane: Lane.control)
        }
        for distance in distances { try link(to: partners(distance).to).reclaim(lane: Lane.control) }
    }

    /// Binomial tree: W - 1 messages of n bytes in all, ⌈log₂ W⌉ after each other.
    func broadcast(_ bytes: [UInt8], from root: Int) throws -> [UInt8] {
        precondition(root >= 0 && root < size, "worker \(root) of \(size)")
        try check("broadcast")
        let relative = (rank + size - root) % size
        var bytes = bytes
        var distance = 1
        while distance < size, relative & distance == 0 { distance *= 2 }
        if relative != 0 {
            let parent = (relative - distance + root) % size
            bytes = try link(to: parent).receive(MessageHeader(.broadcast, count: 0, worker: rank), lane: Lane.control)
                .bytes
        }
        let children = sequence(first: distance / 2) { $0 / 2 }.prefix { $0 > 0 }
            .filter { relative + $0 < size }.map { (relative + $0 + root) % size }
        let envelope = MessageHeader(.broadcast, count: bytes.count, worker: rank)
        for child in children { try link(to: child).post(envelope, bytes: bytes, lane: Lane.control) }
        for child in children { try link(to: child).reclaim(lane: Lane.control) }
        return bytes
    }

    /// Recursive doubling, or Bruck's algorithm (1997) where W is no power of two: ⌈log₂ W⌉ messages a worker, every other
    /// worker's bytes
    /// (and 16 more each) received once.
    func allGather(bytes: [UInt8]) throws -> [[UInt8]] {
        try check("allGather(bytes:)")
        var held: [(worker: Int, bytes: [UInt8])] = [(rank, bytes)]
        for distance in distances {
            let (to, from) = partners(distance)
            let message = ByteBlocks.encode(held.prefix(min(distance, size - distance)))
            let envelope = MessageHeader(.allGatherBytes, count: message.count, worker: rank)
            try link(to: to).post(envelope, bytes: message, lane: Lane.control)
            held += ByteBlocks.decode(try link(to: from).receive(envelope, lane: Lane.control).bytes)
            try link(to: to).reclaim(lane: Lane.control)
        }
        var result = [[UInt8]](repeating: [], count: size)
        for block in held { result[block.worker] = block.bytes }
        return result
    }

    /// As `allGather(bytes:)`; the lengths come along, so the check of the counts costs nothing, and every worker sees the
    /// same lengths.
    func allGather(numbers: [Double]) throws -> [Double] {
        let all = try allGather(bytes: numbers.withUnsafeBytes { Array($0) })
        if let other = all.firstIndex(where: { $0.count != all[0].count }) {
            throw CollectiveError(
                .workersDisagree, call: "allGather(numbers:)", place: "\(size) workers",
                reason: "worker 0 passed \(all[0].count / 8) numbers, worker \(other) \(all[other].count / 8)",
                remedy: "pass the same count on all workers")
        }
        return [Double](unsafeUninitializedCapacity: size * numbers.count) { target, count in
            let raw = UnsafeMutableRawBufferPointer(target)
            for (worker, bytes) in all.enumerated() {
                bytes.withUnsafeBytes { raw[(worker * $0.count)..<((worker + 1) * $0.count)].copyBytes(from: $0) }
            }
            count = size * numbers.count
        }
    }

    /// Every worker to the root: W - 1 messages, each tensor once (and its shape). The root's own tensor is handed back as it is.
    func gather(_ tensor: Tensor, to root: Int) throws -> [Tensor]? {
        precondition(root >= 0 && root < size, "worker \(root) of \(size)")
        try check("gather")
        let lane = Lane.control
        if rank != root {
            let link = try link(to: root), shape = tensor.shape.map(Int64.init).withUnsafeBytes { Array($0) }
            try link.post(MessageHeader(.gather, count: shape.count, worker: rank), bytes: shape, lane: lane)
            try link.reclaim(lane: lane)
            try link.post(MessageHeader(.gather, count: tensor.count, worker: rank), tensor: tensor, lane: lane)
            try link.reclaim(lane: lane)
            return nil
        }
        return try (0..<size).map { worker in
            if worker == root { return tensor }
            let link = try link(to: worker)
            let shape = try link.receive(MessageHeader(.gather, count: 0, worker: rank), lane: lane).bytes
                .withUnsafeBytes { raw in
                    (0..<(raw.count / 8)).map { Int(raw.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
                }
            let received = Tensor(shape)
            try link.receive(MessageHeader(.gather, count: received.count, worker: rank), into: received, lane: lane)
            return received
        }
    }
}
