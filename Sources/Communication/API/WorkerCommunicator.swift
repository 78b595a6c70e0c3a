/// The one communicator: a group of workers, each a thread of some process. Which processes they are in shows in the links
/// alone: partners in
/// the same process read each other's memory, others send messages. With one worker every loop below is empty.
///
/// Used by its own thread only (`abort` from any).
final class WorkerCommunicator: Communicator, @unchecked Sendable {
    let rank: Int
    let size: Int
    let processRank: Int
    let processCount: Int
    let worker: Worker
    let members: [WorkerID]
    /// The number of this group among the groups that a pair of workers shares.
    let context: Int
    let signal: AbortSignal
    /// Whether some worker is in another process.
    let hasRemote: Bool

    private var links: [(any Link)?]
    /// Counts that all workers are known to have passed, by call.
    private var verifiedReduceScatters: Set<Int> = []
    private var verifiedAllGathers: Set<Int> = []
    var sums: [TreeReduceScatter] = []
    private var sumsBegun = 0

    init(worker: Worker, members: [WorkerID], context: Int, parent: AbortSignal?) {
        guard let rank = members.firstIndex(of: worker.member) else {
            preconditionFailure("a group without its own worker")
        }
        self.rank = rank
        self.worker = worker
        self.members = members
        self.context = context
        size = members.count
        var processes: [Int] = []
        for member in members where !processes.contains(member.process) { processes.append(member.process) }
        processRank = processes.firstIndex(of: worker.member.process) ?? 0
        processCount = processes.count
        hasRemote = processes.count > 1
        signal = worker.board.signal(
            SharedProcessState.Group(context: context, firstMember: members[0]), parent: parent)
        links = Array(repeating: nil, count: members.count)
    }

    var isPowerOfTwo: Bool { size.nonzeroBitCount == 1 }

    func link(to partner: Int) throws -> any Link {
        if let link = links[partner] { return link }
        let member = members[partner]
        let link: any Link
        if member.process == worker.member.process {
            link = SharedMemoryConnection(
                worker: worker, rank: rank, partner: partner, member: member, context: context, signal: signal)
        } else {
            guard let messagePassing = worker.messagePassing, let tags = worker.tags else {
                preconditionFailure("a worker in process \(member.process), without MPI")
            }
            link = MPIConnection(
                worker: worker, messagePassing: messagePassing, tags: tags, rank: rank, partner: partner,
                member: member,
                context: context, signal: signal)
        }
        links[partner] = link
        return link
    }

    func check(_ call: String) throws {
        try signal.check(call: call, place: "worker \(rank) of \(size)")
    }

    /// - Parameter partner: the worker it waits for at first.
    func wait(_ call: String, for partner: Int? = nil, until isDone: () throws -> Bool) throws {
        try worker.wait(
            polls: hasRemote, call: call, partner: partner.map { members[$0] }, check: { try check(call) },
            until: isDone)
    }

    func abort(because error: any Error) {
        let group = SharedProcessState.Group(context: context, firstMember: members[0])
        // Whoever was woken by another's failure comes second, and tells nobody.
        if worker.board.abort(group, because: "\(error)"), hasRemote {
            worker.lookout.tell(group, members: members, reason: "\(error)")
        }
    }

    /// The distances of the ⌈log₂ size⌉ rounds of barrier and all-gather: 1, 2, 4, ….
    var distances: [Int] {
        var distances: [Int] = [], distance = 1
        while distance < size {
            distances.append(distance)
            distance *= 2
        }
        return distances
    }

    // MARK: - Counts

    /// Whether all workers are known to have passed this count to this call.
    func isVerified(_ operation: MessageHeader.Operation, count: Int) -> Bool {
        operation == .checkReduceScatter ? verifiedReduceScatters.contains(count) : verifiedAllGathers.contains(count)
    }

    func takeSumNumber() -> Int {
        defer { sumsBegun += 1 }
        return sumsBegun
    }

    /// Makes sure that the tree sum suits the group and that all workers passed the same count, before any number is sent.
    ///
    /// A count is checked once: ⌈log₂ W⌉ messages of 48 bytes, in the order of partners and on the lane of the call itself.
    /// So a worker that knows its
    /// count and one that must ask for a different one meet at their first contact, and both throw.
    func verify(_ operation: MessageHeader.Operation, count: Int, lane: Int) throws {
        let isReduction = operation == .checkReduceScatter
        if isVerified(operation, count: count) { return }
        let call = operation.call, place = "\(size) workers"
        guard isPowerOfTwo else {
            throw CollectiveError(
                .badSize, call: call, place: place,
                reason: "a tree sum needs a power of two of workers, these are \(size)",
                remedy:
                    "take \(1 << (Int.bitWidth - 1 - size.leadingZeroBitCount)) or \(1 << (Int.bitWidth - size.leadingZeroBitCount))"
            )
        }
        var envelope = MessageHeader(operation, count: count, worker: rank)
        for distance in isReduction ? distances : distances.reversed() {
            let link = try link(to: rank ^ distance)
            try link.post(envelope, bytes: [], lane: lane)
            let received = try link.receive(envelope, lane: lane).envelope
            try link.reclaim(lane: lane)
            envelope.merge(received)
        }
        guard envelope.smallest == envelope.largest else {
            throw CollectiveError(
                .workersDisagree, call: call, place: place,
                reason:
                    "worker \(envelope.smallestWorker) passed \(envelope.smallest) numbers, worker \(envelope.largestWorker) \(envelope.largest)",
                remedy: "pass the same count on all workers")
        }
        guard count % size == 0 else {
            throw CollectiveError(
                .badSize, call: call, place: place, reason: "\(count) numbers do not divide among \(size) workers",
                remedy: "pad to \((count + size - 1) / size * size)")
        }
        if isReduction { verifiedReduceScatters.insert(count) } else { verifiedAllGathers.insert(count) }
    }

    // MARK: - Split

    /// One all-gather of 24 bytes a worker; no message besides.
    ///
    /// The new group's number is the largest that any worker of this group has free, so no two of them share an older group of that
    /// number. Groups of different colors have no pair of workers in common and may share it.
    func split(color: Int, key: Int) throws -> any Communicator {
        let mine = [Int64(color), Int64(key), Int64(worker.nextContext)]
        let all = try allGather(bytes: mine.withUnsafeBytes { Array($0) }).map { bytes in
            bytes.withUnsafeBytes { raw in
                (0..<3).map { Int(raw.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
            }
        }
        let context = all.map { $0[2] }.max() ?? 1
        worker.nextContext = context + 1
        let ranks = all.indices.filter { all[$0][0] == color }.sorted { (all[$0][1], $0) < (all[$1][1], $1) }
        return WorkerCommunicator(worker: worker, members: ranks.map { members[$0] }, context: context, parent: signal)
    }
}
