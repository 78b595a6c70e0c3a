import CoupletCommunication
import CoupletTensors
import TestSupport
import Testing

/// Tree sums over any number of shards on any number of workers, by every algorithm.
@Suite struct ShardSumTests {
    /// Recursive halving where it can be; direct sends; two levels; three, as of processes with several threads.
    private static let algorithms = [
        SumAlgorithm(), SumAlgorithm(usesHalving: false), SumAlgorithm(usesHalving: false, directLimit: 2),
        SumAlgorithm(usesHalving: false, directLimit: 3, workersPerUnit: 2),
        SumAlgorithm(usesHalving: false, workersPerUnit: 3),
    ]

    /// The sums of the shards of a worker's nodes, from the numbers of the shards.
    private static func nodes(
        _ shards: Int, _ group: any Communicator, _ numbers: [[Float]], of range: Range<Int>? = nil
    ) -> [Tensor] {
        let own = ShardPartition(shards: shards, workers: group.size).range(of: group.rank)
        return PairwiseSummation.nodes(covering: own, of: shards).map { node in
            let sum = referenceTreeSum(Array(numbers[node]))
            return Tensor([sum.count], sum)
        }
    }

    /// For every W the bits are those of the tree over the shards, which no algorithm changes. All numbers are read
    /// after both halves, those of the owned blocks after the first.
    @Test(arguments: [1, 2, 3, 5, 8, 12, 16, 21], [1, 70])
    func hasTheBitsOfTheTree(shards: Int, perShard: Int) throws {
        let count = shards * perShard
        let numbers = (0..<shards).map { floats(count, worker: $0, call: shards) }
        let expected = Tensor([count], referenceTreeSum(numbers))
        for workers in 1...shards {
            for algorithm in Self.algorithms {
                try runWorkers(workers) { world in
                    let group = try world.withSums(by: algorithm)
                    let nodes = Self.nodes(shards, group, numbers)
                    pause(group.rank, workers)
                    try group.beginReduceScatter(nodes, shards: shards).finish()
                    let owned = group.ownedRange(of: count, shards: shards)
                    #expect(nodes[0].flat(owned).hasSameBits(as: expected.flat(owned)))
                    for index in 0..<count where !owned.contains(index) { nodes[0][index] = .nan }
                    try group.allGather(nodes[0], shards: shards)
                    #expect(nodes[0].hasSameBits(as: expected))
                    let all = (0..<workers).flatMap { Array(group.ownedBlocks(of: shards, worker: $0)) }
                    #expect(all.sorted() == Array(0..<shards))
                }
            }
        }
    }

    /// Many sums at a time, in buffers that the workers share between them, round after round, as training does.
    @Test(arguments: [3, 5, 6, 12]) func sumsOverlap(workers: Int) throws {
        let shards = 2 * workers + 3, sums = 11
        let counts = (0..<sums).map { shards * ($0 % 4 * 30 + 1) }
        let numbers = counts.enumerated().map { sum, count in
            (0..<shards).map { floats(count, worker: $0, call: sum) }
        }
        let expected = numbers.map { referenceTreeSum($0) }
        let shared = counts.map { Tensor([$0]) }
        for algorithm in Self.algorithms {
            try runWorkers(workers) { world in
                let group = try world.withSums(by: algorithm)
                for round in 0..<3 {
                    let nodes = numbers.map { Self.nodes(shards, group, $0) }
                    var pending: [any PendingReduceScatter] = []
                    for sum in 0..<sums {
                        pause(group.rank, sum + round)
                        pending.append(try group.beginReduceScatter(nodes[sum], shards: shards))
                        if sum % 3 == group.rank % 3 { try pending[sum / 2].advance() }
                    }
                    for sum in pending { try sum.finish() }
                    for sum in 0..<sums {
                        let owned = group.ownedRange(of: counts[sum], shards: shards)
                        shared[sum].flat(owned).copy(from: nodes[sum][0].flat(owned))
                    }
                    for sum in 0..<sums { try group.allGather(shared[sum], shards: shards) }
                    for sum in 0..<sums {
                        #expect(shared[sum].hasSameBits(as: Tensor([counts[sum]], expected[sum])))
                    }
                    // Nobody writes before all have read.
                    try group.barrier()
                }
            }
        }
    }

    /// Messages and bytes of a worker: recursive halving log₂ W and n (W - 1)/W; direct sends W - 1 and, for each node,
    /// what it does not own; the all-gather its slice to each other worker.
    @Test(arguments: [(16, 1), (16, 4), (16, 16), (12, 1), (12, 4), (12, 5), (21, 8), (48, 7)])
    func trafficIsThatOfTheFormula(shards: Int, workers: Int) throws {
        let count = shards * 20
        try runWorkers(workers) { group in
            let own = ShardPartition(shards: shards, workers: workers).range(of: group.rank)
            let nodes = PairwiseSummation.nodes(covering: own, of: shards).map { _ in Tensor([count]) }
            // The first calls check the count.
            try group.beginReduceScatter(nodes, shards: shards).finish()
            try group.allGather(nodes[0], shards: shards)
            let start = group.traffic
            try group.beginReduceScatter(nodes, shards: shards).finish()
            let middle = group.traffic
            try group.allGather(nodes[0], shards: shards)
            let end = group.traffic
            let isHalving = workers == 1 || workers.nonzeroBitCount == 1 && shards.nonzeroBitCount == 1
            let messages = isHalving ? workers.trailingZeroBitCount : workers - 1
            let slice = 4 * own.count * 20, others = 4 * count - slice
            #expect(middle.messages - start.messages == messages)
            #expect(middle.bytes - start.bytes == nodes.count * others)
            #expect(end.messages - middle.messages == messages)
            #expect(end.bytes - middle.bytes == (isHalving ? others : (workers - 1) * slice))
        }
    }

    /// In two levels of G groups, a worker sends to the others of its group, then to one worker of each other group.
    @Test func twoLevelsSendFewMessages() throws {
        let shards = 36, count = shards * 10
        try runWorkers(shards) { world in
            let group = try world.withSums(by: SumAlgorithm(usesHalving: false, directLimit: 35))
            let buffer = Tensor([count])
            for _ in 0..<2 {
                let start = group.traffic
                try group.beginReduceScatter([buffer], shards: shards).finish()
                let middle = group.traffic
                try group.allGather(buffer, shards: shards)
                let end = group.traffic
                if start.messages > 200 {
                    // 6 groups of 6: 5 messages of 6 slices of a node, then 5 of one slice of each node of the group.
                    let first = 6 * (group.rank / 6)
                    let nodes = PairwiseSummation.nodes(covering: first..<first + 6, of: shards).count
                    #expect(middle.messages - start.messages == 10 && end.messages - middle.messages == 10)
                    #expect(middle.bytes - start.bytes == 5 * 6 * 40 + 5 * nodes * 40)
                    #expect(end.bytes - middle.bytes == 5 * 40 + 5 * 6 * 40)
                }
                for _ in 0..<100 { try group.barrier() }
            }
        }
    }

    /// Above 64 workers a sum has two levels. A worker that fails in it wakes the others.
    @Test func manyWorkers() throws {
        let shards = 70, count = 2 * shards
        let numbers = (0..<shards).map { floats(count, worker: $0, call: 0) }
        let expected = Tensor([count], referenceTreeSum(numbers))
        try runWorkers(67) { group in
            let nodes = Self.nodes(shards, group, numbers)
            try group.beginReduceScatter(nodes, shards: shards).finish()
            try group.allGather(nodes[0], shards: shards)
            #expect(nodes[0].hasSameBits(as: expected))
        }
        struct Broken: Error {}
        let error = thrownError(Broken.self) {
            try runWorkers(67) { group in
                if group.rank == 40 { throw Broken() }
                try group.beginReduceScatter(Self.nodes(shards, group, numbers), shards: shards).finish()
            }
        }
        #expect(error != nil)
    }
}
