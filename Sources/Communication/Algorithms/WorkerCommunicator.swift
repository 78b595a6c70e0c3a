import CoupletTensors

/// The communicator of a group of workers, each a thread of some process. Only the connections depend on the processes:
/// partners in the same process read each other's memory, others send MPI messages. With one worker, all loops below
/// are empty.
///
/// In the comments W = `size` and r = `rank`. `TreeSum.swift` holds the two halves of a tree sum.
final class WorkerCommunicator: Communicator, @unchecked Sendable {
    let rank: Int
    let size: Int
    let processRank: Int
    let processCount: Int
    private let worker: Worker
    /// By worker number of this group.
    private let workerIDs: [WorkerID]
    /// Number of this group. Two groups with a common pair of workers have different numbers.
    private let context: Int
    private let abortSignal: AbortSignal
    /// Number of workers of each process; nil if they differ, or do not have consecutive numbers.
    let workersPerProcess: Int?
    /// Whether some worker is in another process.
    private let hasRemoteWorkers: Bool
    /// By worker number; nil until the first message.
    private var connections: [(any PeerConnection)?]
    /// Tree sums of this group; see `TreeSum.swift`.
    var treeSums = TreeSumState()

    init(worker: Worker, workerIDs: [WorkerID], context: Int, parent: AbortSignal?) {
        guard let rank = workerIDs.firstIndex(of: worker.id) else {
            preconditionFailure("\(worker.id) is not among the workers of its group, \(workerIDs)")
        }
        self.rank = rank
        self.worker = worker
        self.workerIDs = workerIDs
        self.context = context
        size = workerIDs.count
        var processes: [Int] = []
        for id in workerIDs where !processes.contains(id.process) { processes.append(id.process) }
        processRank = processes.firstIndex(of: worker.id.process) ?? 0
        processCount = processes.count
        hasRemoteWorkers = processes.count > 1
        let perProcess = workerIDs.count / processes.count
        let isRegular = workerIDs.indices.allSatisfy {
            $0 / perProcess < processes.count && workerIDs[$0].process == processes[$0 / perProcess]
        }
        workersPerProcess = isRegular ? perProcess : nil
        let group = SharedProcessState.GroupID(context: context, firstWorker: workerIDs[0])
        abortSignal = worker.processState.abortSignal(of: group, parent: parent)
        connections = Array(repeating: nil, count: workerIDs.count)
    }

    var traffic: MessageCount { worker.traffic }

    var isPowerOfTwo: Bool { size.nonzeroBitCount == 1 }

    func connection(to partner: Int) throws -> any PeerConnection {
        if let connection = connections[partner] { return connection }
        let partnerID = workerIDs[partner]
        let connection: any PeerConnection
        if partnerID.process == worker.id.process {
            connection = SharedMemoryConnection(
                worker: worker, rank: rank, partner: partner, partnerID: partnerID, context: context,
                abortSignal: abortSignal)
        } else {
            guard let mpi = worker.mpi, let tags = worker.tags else {
                preconditionFailure("worker \(partner) is in process \(partnerID.process), but MPI is not in use")
            }
            connection = MPIConnection(
                worker: worker, mpi: mpi, tags: tags, rank: rank, partner: partner, partnerID: partnerID,
                context: context, abortSignal: abortSignal)
        }
        connections[partner] = connection
        return connection
    }

    func throwIfAborted(call: String) throws {
        try abortSignal.throwIfRaised(call: call, participants: "worker \(rank) of \(size)")
    }

    /// - Parameter partner: The worker that this one waits for; nil if it waits for several.
    func wait(_ call: String, for partner: Int? = nil, until isDone: () throws -> Bool) throws {
        try worker.wait(
            pollsMPI: hasRemoteWorkers, call: call, partner: partner.map { workerIDs[$0] },
            check: { try throwIfAborted(call: call) }, until: isDone)
    }

    func abort(because error: any Error) {
        let group = SharedProcessState.GroupID(context: context, firstWorker: workerIDs[0])
        // A worker that another failure woke is not the first to abort, and sends nothing.
        if worker.processState.abort(group, because: "\(error)"), hasRemoteWorkers {
            worker.failureDetector.reportFailure(of: group, workerIDs: workerIDs, reason: "\(error)")
        }
    }

    /// Distances of the ⌈log₂ W⌉ rounds of barrier and all-gather: 1, 2, 4, ….
    var distances: [Int] {
        var distances: [Int] = [], distance = 1
        while distance < size {
            distances.append(distance)
            distance *= 2
        }
        return distances
    }

    // MARK: - Messages

    /// Receiver and sender of this worker in the round with a distance: both r xor distance if W is a power of two (the
    /// partners of the tree sums), otherwise r - distance and r + distance modulo W.
    private func partners(_ distance: Int) -> (to: Int, from: Int) {
        isPowerOfTwo ? (rank ^ distance, rank ^ distance) : ((rank + size - distance) % size, (rank + distance) % size)
    }

    /// Dissemination barrier (Hensgen, Finkel, Manber 1988): ⌈log₂ W⌉ messages without content per worker. After the
    /// round with distance d, a worker knows that 2d workers have arrived.
    func barrier() throws {
        try throwIfAborted(call: "barrier")
        let header = MessageHeader(.barrier, count: 0, worker: rank), channel = Channel.blocking
        for distance in distances {
            let (receiver, sender) = partners(distance)
            try connection(to: receiver).send(header, bytes: [], channel: channel)
            _ = try connection(to: sender).receive(header, channel: channel)
        }
        for distance in distances { try connection(to: partners(distance).to).completeSend(channel: channel) }
    }

    /// Binomial tree: W - 1 messages of n bytes in total, at most ⌈log₂ W⌉ in sequence.
    func broadcast(_ bytes: [UInt8], from root: Int) throws -> [UInt8] {
        precondition(root >= 0 && root < size, "worker \(root) of \(size)")
        try throwIfAborted(call: "broadcast")
        let channel = Channel.blocking
        let relativeRank = (rank + size - root) % size
        var bytes = bytes
        var distance = 1
        while distance < size, relativeRank & distance == 0 { distance *= 2 }
        if relativeRank != 0 {
            let parent = (relativeRank - distance + root) % size
            let expected = MessageHeader(.broadcast, count: 0, worker: rank)
            bytes = try connection(to: parent).receive(expected, channel: channel).bytes
        }
        let children = sequence(first: distance / 2) { $0 / 2 }.prefix { $0 > 0 }
            .filter { relativeRank + $0 < size }.map { (relativeRank + $0 + root) % size }
        let header = MessageHeader(.broadcast, count: bytes.count, worker: rank)
        for child in children { try connection(to: child).send(header, bytes: bytes, channel: channel) }
        for child in children { try connection(to: child).completeSend(channel: channel) }
        return bytes
    }

    /// Recursive doubling, or Bruck's algorithm (1997) if W is not a power of two: ⌈log₂ W⌉ messages per worker. Each
    /// worker receives the bytes of every other worker once, with 16 bytes of framing each.
    func allGather(bytes: [UInt8]) throws -> [[UInt8]] {
        try throwIfAborted(call: "allGather(bytes:)")
        var blocks: [WorkerBytes] = [WorkerBytes(worker: rank, bytes: bytes)]
        for distance in distances {
            let (receiver, sender) = partners(distance)
            let message = WorkerBytes.encode(blocks.prefix(min(distance, size - distance)))
            let header = MessageHeader(.allGatherBytes, count: message.count, worker: rank)
            try connection(to: receiver).send(header, bytes: message, channel: Channel.blocking)
            blocks += WorkerBytes.decode(
                try connection(to: sender).receive(header, channel: Channel.blocking).bytes)
            try connection(to: receiver).completeSend(channel: Channel.blocking)
        }
        var result = [[UInt8]](repeating: [], count: size)
        for block in blocks { result[block.worker] = block.bytes }
        return result
    }

    /// The bytes of one worker within an all-gather message: worker number and length (8 bytes each), then the bytes.
    private struct WorkerBytes {
        let worker: Int
        let bytes: [UInt8]

        static func encode(_ blocks: ArraySlice<WorkerBytes>) -> [UInt8] {
            var message: [UInt8] = []
            message.reserveCapacity(blocks.reduce(0) { $0 + 16 + $1.bytes.count })
            for block in blocks {
                withUnsafeBytes(of: (Int64(block.worker), Int64(block.bytes.count))) { message += $0 }
                message += block.bytes
            }
            return message
        }

        static func decode(_ message: [UInt8]) -> [WorkerBytes] {
            message.withUnsafeBytes { raw in
                var blocks: [WorkerBytes] = [], offset = 0
                while offset < raw.count {
                    let worker = Int(raw.loadUnaligned(fromByteOffset: offset, as: Int64.self))
                    let length = Int(raw.loadUnaligned(fromByteOffset: offset + 8, as: Int64.self))
                    blocks.append(
                        WorkerBytes(worker: worker, bytes: Array(raw[(offset + 16)..<(offset + 16 + length)])))
                    offset += 16 + length
                }
                return blocks
            }
        }
    }

    /// An `allGather(bytes:)`. It also carries the lengths, so all workers find a differing count without further
    /// messages.
    func allGather(numbers: [Double]) throws -> [Double] {
        let all = try allGather(bytes: numbers.withUnsafeBytes { Array($0) })
        if let other = all.firstIndex(where: { $0.count != all[0].count }) {
            throw CollectiveError(
                .workersDisagree, call: "allGather(numbers:)", participants: "\(size) workers",
                reason: "worker 0 passed \(all[0].count / 8) numbers, worker \(other) passed \(all[other].count / 8)",
                remedy: "pass the same count on all workers")
        }
        return [Double](unsafeUninitializedCapacity: size * numbers.count) { result, count in
            let raw = UnsafeMutableRawBufferPointer(result)
            for (worker, bytes) in all.enumerated() {
                bytes.withUnsafeBytes { raw[(worker * $0.count)..<((worker + 1) * $0.count)].copyBytes(from: $0) }
            }
            count = size * numbers.count
        }
    }

    /// Every worker sends to the root: W - 1 messages with the shapes and W - 1 with the numbers. The root's own tensor
    /// is returned without a copy.
    func gather(_ tensor: Tensor, to root: Int) throws -> [Tensor]? {
        precondition(root >= 0 && root < size, "worker \(root) of \(size)")
        try throwIfAborted(call: "gather")
        let channel = Channel.blocking
        func header(_ count: Int) -> MessageHeader { MessageHeader(.gather, count: count, worker: rank) }
        if rank != root {
            let connection = try connection(to: root)
            let shape = tensor.shape.map(Int64.init).withUnsafeBytes { Array($0) }
            try connection.send(header(shape.count), bytes: shape, channel: channel)
            try connection.completeSend(channel: channel)
            try connection.send(header(tensor.count), tensor: tensor, channel: channel)
            try connection.completeSend(channel: channel)
            return nil
        }
        return try (0..<size).map { worker in
            if worker == root { return tensor }
            let connection = try connection(to: worker)
            let shape = try connection.receive(header(0), channel: channel).bytes.withUnsafeBytes { raw in
                (0..<(raw.count / 8)).map { Int(raw.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
            }
            let received = Tensor(shape)
            try connection.receive(header(received.count), into: received, channel: channel)
            return received
        }
    }

    // MARK: - Messages between two workers

    func sharesMemory(with worker: Int) -> Bool { workerIDs[worker].process == self.worker.id.process }

    /// Over MPI a header and one message for each tensor; within a process none.
    func beginSend(_ tensors: [Tensor], to receiver: Int, stream: MessageStream) throws -> any PendingSend {
        precondition(receiver >= 0 && receiver < size && receiver != rank, "worker \(rank) to \(receiver) of \(size)")
        try throwIfAborted(call: "beginSend")
        return try connection(to: receiver).beginSend(tensors, channel: Channel.firstStream + stream.rawValue)
    }

    func beginReceive(
        counts: [Int], from sender: Int, stream: MessageStream, into landing: () -> [Tensor]
    ) throws -> any PendingReceive {
        precondition(sender >= 0 && sender < size && sender != rank, "worker \(sender) to \(rank) of \(size)")
        try throwIfAborted(call: "beginReceive")
        return try connection(to: sender).beginReceive(
            counts: counts, channel: Channel.firstStream + stream.rawValue, into: landing)
    }

    // MARK: - Split

    /// One `allGather(bytes:)` with 24 bytes per worker.
    ///
    /// The number of the new group is the largest free number of all workers of this group, so no two of them have an
    /// older group with that number. Groups of different colors share the number; they have no common pair of workers.
    func split(color: Int, key: Int) throws -> any Communicator {
        let request = [Int64(color), Int64(key), Int64(worker.nextContext)]
        let requests = try allGather(bytes: request.withUnsafeBytes { Array($0) }).map { bytes in
            bytes.withUnsafeBytes { raw in
                (0..<3).map { Int(raw.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
            }
        }
        let context = requests.map { $0[2] }.max() ?? 1
        worker.nextContext = context + 1
        let ranks = requests.indices.filter { requests[$0][0] == color }
            .sorted { (requests[$0][1], $0) < (requests[$1][1], $1) }
        return WorkerCommunicator(
            worker: worker, workerIDs: ranks.map { workerIDs[$0] }, context: context, parent: abortSignal)
    }
}
