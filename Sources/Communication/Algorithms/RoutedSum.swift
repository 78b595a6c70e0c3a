import CCoupletKernels
import CoupletTensors
import Glibc

/// A reduce-scatter along a `SliceRouting`.
///
/// In each stage the worker sends the parts of its nodes in other holders' slices, waits for those of its own slices,
/// and adds them along the tree. A part that has been sent is not written again during the sum.
final class RoutedReduceScatter: RunningSum {
    private let routing: SliceRouting
    private var stage = 0
    private var hasBegun = false
    private var incoming: [any PartReceive] = []
    /// Number of messages of the stage that have arrived.
    private var arrivedCount = 0
    private var unfinishedSends: [any PartSend] = []
    /// The partial sums that this worker holds after the last finished stage, by owner: one tensor per node. Empty
    /// before the first stage: they are the parts of `nodes`.
    private var held: [Int: [Tensor]] = [:]

    override init(communicator: WorkerCommunicator, nodes: [Tensor], shards: Int) {
        routing = communicator.routing(shards: shards)
        super.init(communicator: communicator, nodes: nodes, shards: shards)
    }

    private var current: SliceRouting.Stage { routing.stages[stage] }

    override var partner: Int? {
        stage < routing.stages.count && arrivedCount < incoming.count ? current.incoming[arrivedCount].peer : nil
    }

    /// The partial sums of a slice on this worker before the stage.
    private func parts(ofSlice owner: Int) -> [Tensor] {
        stage == 0 ? nodes.map { $0.flat(routing.slice(owner, of: $0.count)) } : held[owner] ?? []
    }

    override func advanceAlone() throws -> Bool {
        while stage < routing.stages.count {
            if !hasBegun {
                if stage == 0, !isChannelFree { return false }
                try begin()
            }
            while arrivedCount < incoming.count {
                guard try incoming[arrivedCount].hasArrived() else { return false }
                arrivedCount += 1
            }
            try addParts()
            for message in incoming { message.giveBack() }
            incoming = []
            arrivedCount = 0
            hasBegun = false
            stage += 1
        }
        while let last = unfinishedSends.last {
            guard try last.isComplete() else { return false }
            unfinishedSends.removeLast()
        }
        held = [:]
        return true
    }

    private func begin() throws {
        let header = MessageHeader(.reduceScatter, count: buffer.count, worker: communicator.rank)
        incoming = try current.incoming.map { message in
            let nodes = nodesOfPart(with: message.peer).count
            let count = message.owners.reduce(0) { $0 + nodes * routing.slice($1, of: buffer.count).count }
            return try communicator.connection(to: message.peer).beginPartReceive(
                header, count: count, channel: channel, destination: nil)
        }
        for message in current.outgoing {
            unfinishedSends.append(
                try communicator.connection(to: message.peer).beginPartSend(
                    header, parts: message.owners.flatMap { parts(ofSlice: $0) }, channel: channel))
        }
        hasBegun = true
    }

    private func nodesOfPart(with worker: Int) -> [Range<Int>] {
        current.parts.first { $0.unit.contains(worker) }?.nodes ?? []
    }

    /// Adds the parts of this worker's slices. The sums of the last stage go to `buffer`.
    private func addParts() throws {
        let stage = current, isLast = self.stage == routing.stages.count - 1
        var readers = incoming.map { PartReader($0.parts) }
        let order = NodeOrder(stage.parts.flatMap(\.nodes), nodes: stage.nodes, shards: shards)
        var sums: [Int: [Tensor]] = [:]
        for result in stage.results {
            let slice = routing.slice(result.owner, of: buffer.count)
            let own = parts(ofSlice: result.owner)
            var sources: [UnsafePointer<Float>] = []
            for (part, source) in zip(stage.parts, result.sources) {
                for index in part.nodes.indices {
                    if let source {
                        guard let pointer = readers[source].next(slice.count) else {
                            throw otherParts(stage.incoming[source].peer)
                        }
                        sources.append(pointer)
                    } else {
                        sources.append(UnsafePointer(own[index].pointer))
                    }
                }
            }
            let targets = isLast ? [buffer.flat(slice)] : stage.nodes.map { _ in Tensor([slice.count]) }
            order.add(sources, into: targets.map(\.pointer), count: slice.count)
            sums[result.owner] = targets
        }
        withExtendedLifetime(held) { held = isLast ? [:] : sums }
    }

    private func otherParts(_ peer: Int) -> CollectiveError {
        CollectiveError(
            .workersDisagree, call: MessageHeader.Operation.reduceScatter.call,
            participants: "workers \(communicator.rank) and \(peer)",
            reason: "worker \(peer) sent parts of other lengths",
            remedy: "pass the same number of shards on all workers")
    }
}

/// Hands out the numbers of a message piece by piece. A message is one tensor, or the parts of which it consists.
private struct PartReader {
    private let parts: [Tensor]
    private var part = 0, offset = 0

    init(_ parts: [Tensor]) { self.parts = parts }

    /// The next `count` numbers; nil if the message does not have them in one piece.
    mutating func next(_ count: Int) -> UnsafePointer<Float>? {
        while part < parts.count, offset == parts[part].count, count > 0 {
            part += 1
            offset = 0
        }
        if count == 0 { return parts.first.map { UnsafePointer($0.pointer) } ?? Self.nothing }
        guard part < parts.count, offset + count <= parts[part].count else { return nil }
        defer { offset += count }
        return UnsafePointer(parts[part].pointer + offset)
    }

    /// Stands for no numbers.
    private static var nothing: UnsafePointer<Float>? { UnsafePointer(bitPattern: MemoryLayout<Float>.alignment) }
}

/// The additions that bring some nodes of the tree together.
private struct NodeOrder {
    /// Floats that are added at a time, so that partial sums stay in the cache.
    private static let blockCount = 2_048

    private enum Operand {
        case source(Int)
        /// A block of scratch memory.
        case scratch(Int)
    }

    private struct Addition {
        let left: Operand, right: Operand
        let target: Int
    }

    private let additions: [Addition]
    /// [target node]: where its sum is after the additions.
    private let results: [Operand]
    private let scratchCount: Int

    /// - Parameters:
    ///   - sources: the nodes that are there, from left to right.
    ///   - nodes: the nodes to compute, which cover the same shards.
    init(_ sources: [Range<Int>], nodes: [Range<Int>], shards: Int) {
        var additions: [Addition] = [], scratchCount = 0, depth = 0
        var stack: [(node: Range<Int>, operand: Operand)] = []
        for (number, node) in sources.enumerated() {
            stack.append((node, .source(number)))
            while stack.count > 1,
                PairwiseSummation.areSiblings(stack[stack.count - 2].node, stack[stack.count - 1].node, of: shards)
            {
                let right = stack.removeLast(), left = stack.removeLast()
                for operand in [left.operand, right.operand] {
                    if case .scratch = operand { depth -= 1 }
                }
                additions.append(Addition(left: left.operand, right: right.operand, target: depth))
                stack.append((left.node.lowerBound..<right.node.upperBound, .scratch(depth)))
                depth += 1
                scratchCount = max(scratchCount, depth)
            }
        }
        precondition(stack.map(\.node) == nodes, "the nodes \(stack.map(\.node)) instead of \(nodes)")
        self.additions = additions
        results = stack.map(\.operand)
        self.scratchCount = scratchCount
    }

    /// Adds `count` numbers. A target may be a source.
    func add(_ sources: [UnsafePointer<Float>], into targets: [UnsafeMutablePointer<Float>], count: Int) {
        if count == 0 { return }
        withUnsafeTemporaryAllocation(
            byteCount: max(scratchCount, 1) * Self.blockCount * MemoryLayout<Float>.stride, alignment: 64
        ) { memory in
            guard let scratch = memory.baseAddress?.assumingMemoryBound(to: Float.self) else { return }
            for start in stride(from: 0, to: count, by: Self.blockCount) {
                let length = min(Self.blockCount, count - start)
                let bytes = length * MemoryLayout<Float>.stride
                func pointer(_ operand: Operand) -> UnsafePointer<Float> {
                    switch operand {
                    case .source(let number): sources[number] + start
                    case .scratch(let number): UnsafePointer(scratch + number * Self.blockCount)
                    }
                }
                for addition in additions {
                    let target = scratch + addition.target * Self.blockCount
                    let left = pointer(addition.left), right = pointer(addition.right)
                    // The target may hold one of the two terms.
                    if right == UnsafePointer(target) {
                        couplet_add(length, left, target)
                    } else {
                        if left != UnsafePointer(target) { memcpy(target, left, bytes) }
                        couplet_add(length, right, target)
                    }
                }
                for (result, target) in zip(results, targets) { memmove(target + start, pointer(result), bytes) }
            }
        }
    }
}

// MARK: - All-gather

extension WorkerCommunicator {
    /// The stages of the routing backwards: holders give slices to the holders of smaller units. Nothing is copied
    /// between workers that share the buffer.
    ///
    /// *Why a buffer may be shared by the workers of a process.* They form a unit. In the stages before the last one a
    /// worker receives the slices of which it is the unit's holder, so the workers of a process write disjoint slices,
    /// and they send what is final. In the last stage, within the process, each waits for all others, which have ended
    /// the stages before. Nothing is written there, because the slices lie where they belong. Before the call, no
    /// worker of the process may still read the old numbers. A finished reduce-scatter guarantees it: it finishes only
    /// after every worker has started it.
    func allGatherByRouting(_ buffer: Tensor, shards: Int) throws {
        let call = MessageHeader.Operation.allGather.call, routing = routing(shards: shards)
        let header = MessageHeader(.allGather, count: buffer.count, worker: rank), channel = Channel.blocking
        let sharesUnit = processCount == 1 || workersPerProcess != nil
        func slices(_ owners: [Int]) -> [Tensor] { owners.map { buffer.flat(routing.slice($0, of: buffer.count)) } }
        for stage in routing.stages.reversed() {
            let incoming = try stage.outgoing.map { message in
                let slices = slices(message.owners)
                return (
                    message, slices,
                    try connection(to: message.peer).beginPartReceive(
                        header, count: slices.reduce(0) { $0 + $1.count }, channel: channel,
                        destination: slices.count == 1 ? slices[0] : nil)
                )
            }
            let outgoing = try stage.incoming.map { message in
                try connection(to: message.peer).beginPartSend(header, parts: slices(message.owners), channel: channel)
            }
            for (message, slices, receive) in incoming {
                try wait(call, for: message.peer) { try receive.hasArrived() }
                var reader = PartReader(receive.parts)
                for slice in slices where slice.count > 0 {
                    guard let source = reader.next(slice.count) else {
                        throw CollectiveError(
                            .workersDisagree, call: call, participants: "workers \(rank) and \(message.peer)",
                            reason: "worker \(message.peer) sent slices of other lengths",
                            remedy: "pass the same number of shards on all workers")
                    }
                    if source != UnsafePointer(slice.pointer) {
                        memcpy(slice.pointer, source, slice.count * MemoryLayout<Float>.stride)
                    } else if !sharesUnit, try !connection(to: message.peer).isRemote {
                        throw CollectiveError(
                            .workersDisagree, call: call, participants: "worker \(rank) of \(size)",
                            reason: "workers share a buffer, but are not as many in each process",
                            remedy: "give each worker its own buffer")
                    }
                }
                receive.giveBack()
            }
            for (message, send) in zip(stage.incoming, outgoing) {
                try wait(call, for: message.peer) { try send.isComplete() }
            }
        }
        withExtendedLifetime(buffer) {}
    }
}
