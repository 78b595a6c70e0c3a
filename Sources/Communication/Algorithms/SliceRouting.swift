import CoupletTensors

/// The way of the slices of a buffer from all workers to their owners and back, where recursive halving does not apply.
///
/// Worker q owns slice q, the blocks of its own shards. The workers form **units** on levels: single workers, then the
/// workers of a process, then, above 64 processes, groups of about √P processes, then all. In a unit one worker, the
/// **holder**, has the partial sums of a slice over the shards of the unit: the owner if it belongs to the unit,
/// otherwise the worker with the owner's index within the owner's unit. A stage of a reduce-scatter takes the partial
/// sums from the holders of the units of a level to the holders of the units of the next level, which add them along
/// the tree. The last holder of a slice is its owner. An all-gather takes the same way back.
///
/// One stage, W ≤ 64 workers in as many processes: W - 1 messages of a worker. Two stages above: about 2 √W. Where
/// processes have several threads, the first stage stays within the process and copies nothing, and each slice crosses
/// the network once a process.
struct SliceRouting {
    /// The slices that this worker exchanges with another one in a stage.
    struct Message {
        let peer: Int
        /// Owners of the slices, ascending.
        let owners: [Int]
    }

    struct Stage {
        /// In a reduce-scatter; an all-gather sends them the other way.
        let outgoing: [Message]
        let incoming: [Message]
        /// The nodes of this worker's unit before the stage.
        let ownNodes: [Range<Int>]
        /// The parts of the tree that the stage brings together, from left to right: the workers of a unit of the
        /// level below, and its nodes.
        let parts: [(unit: Range<Int>, nodes: [Range<Int>])]
        /// [part]: the message in `incoming` that has it, by owner; nil: this worker has it. One entry per result.
        let results: [(owner: Int, sources: [Int?])]
        /// The nodes of this worker's unit after the stage.
        let nodes: [Range<Int>]
    }

    let partition: ShardPartition
    let stages: [Stage]

    /// - Parameters:
    ///   - workersPerUnit: consecutive workers that form the units of the first level, such as those of a process;
    ///     1 leaves this level out.
    ///   - directLimit: the most units that exchange messages in one stage.
    init(_ partition: ShardPartition, rank: Int, workersPerUnit: Int, directLimit: Int) {
        let size = partition.workers
        var levels = [(0..<size).map { $0..<$0 + 1 }]
        if workersPerUnit > 1, workersPerUnit < size {
            levels.append(
                stride(from: 0, to: size, by: workersPerUnit).map { $0..<min($0 + workersPerUnit, size) })
        }
        let units = levels[levels.count - 1]
        if units.count > max(directLimit, 1) {
            var perGroup = 1
            while perGroup * perGroup < units.count { perGroup += 1 }
            let groups = ShardPartition(shards: units.count, workers: (units.count + perGroup - 1) / perGroup)
            levels.append(
                (0..<groups.workers).map {
                    let range = groups.range(of: $0)
                    return units[range.lowerBound].lowerBound..<units[range.upperBound - 1].upperBound
                })
        }
        if size > 1 { levels.append([0..<size]) }
        self.partition = partition
        stages = levels.indices.dropFirst().map { level in
            Self.stage(from: levels[level - 1], to: levels[level], partition, rank: rank)
        }
    }

    /// The nodes over the shards of some workers.
    private static func nodes(_ workers: Range<Int>, _ partition: ShardPartition) -> [Range<Int>] {
        let first = partition.range(of: workers.lowerBound), last = partition.range(of: workers.upperBound - 1)
        return PairwiseSummation.nodes(covering: first.lowerBound..<last.upperBound, of: partition.shards)
    }

    /// The number of the unit of each worker.
    private static func unitNumbers(_ units: [Range<Int>]) -> [Int] {
        units.enumerated().flatMap { number, unit in [Int](repeating: number, count: unit.count) }
    }

    private static func stage(
        from below: [Range<Int>], to above: [Range<Int>], _ partition: ShardPartition, rank: Int
    ) -> Stage {
        let numbersBelow = unitNumbers(below), numbersAbove = unitNumbers(above)
        func holder(of owner: Int, in unit: Range<Int>, _ ownerUnit: Range<Int>) -> Int {
            unit.contains(owner) ? owner : unit.lowerBound + (owner - ownerUnit.lowerBound) % unit.count
        }
        let ownUnit = above[numbersAbove[rank]]
        let parts = below[numbersBelow[ownUnit.lowerBound]...numbersBelow[ownUnit.upperBound - 1]]
        var outgoing = [[Int]](repeating: [], count: partition.workers), incoming = outgoing
        var results: [(owner: Int, holders: [Int])] = []
        for owner in 0..<partition.workers {
            let target = holder(of: owner, in: ownUnit, above[numbersAbove[owner]])
            let holders = parts.map { holder(of: owner, in: $0, below[numbersBelow[owner]]) }
            for source in holders where source != target {
                if source == rank { outgoing[target].append(owner) }
                if target == rank { incoming[source].append(owner) }
            }
            if target == rank { results.append((owner, holders)) }
        }
        // A worker begins with the peer after it, so that not all send to one worker at a time.
        func messages(_ owners: [[Int]]) -> [Message] {
            owners.indices.map { (rank + 1 + $0) % owners.count }.filter { !owners[$0].isEmpty }
                .map { Message(peer: $0, owners: owners[$0]) }
        }
        let received = messages(incoming)
        var messageOfPeer = [Int?](repeating: nil, count: partition.workers)
        for (index, message) in received.enumerated() { messageOfPeer[message.peer] = index }
        return Stage(
            outgoing: messages(outgoing), incoming: received,
            ownNodes: nodes(below[numbersBelow[rank]], partition),
            parts: parts.map { ($0, nodes($0, partition)) },
            results: results.map { ($0.owner, $0.holders.map { $0 == rank ? nil : messageOfPeer[$0] }) },
            nodes: nodes(ownUnit, partition))
    }

    /// The range of slice `owner` in a buffer with `count` numbers.
    func slice(_ owner: Int, of count: Int) -> Range<Int> {
        let blocks = partition.range(of: owner), block = count / partition.shards
        return blocks.lowerBound * block..<blocks.upperBound * block
    }
}
