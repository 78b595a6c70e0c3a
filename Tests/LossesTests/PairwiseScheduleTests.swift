import CoupletCommunication
import CoupletLosses
import CoupletTensors
import TestSupport
import Testing

/// The ring of the pairwise engine: its order, and what it sends.
@Suite struct PairwiseScheduleTests {
    /// S and W: everything small, and larger numbers with ranges of one length, of two lengths, and of one shard.
    static let sizes =
        (1...9).flatMap { shards in (1...shards).map { (shards, $0) } } + [
            (12, 5), (15, 15), (16, 7), (48, 10), (96, 11), (17, 16),
        ]

    /// Row shard a meets a, a + 1, …, and column shard b meets b, b - 1, …: each worker adds what it meets to the sums
    /// of a column, which travel. Columns are cut in two, and a block's number is read from its data.
    @Test(arguments: sizes) func ordersAreCyclic(shards: Int, workers: Int) throws {
        let shardRows = 3, width = shards + 1
        try runWorkers(workers) { communicator in
            let schedule = PairwiseSchedule(
                communicator: communicator, shards: shards, shardRows: shardRows, columnRanges: [0..<2, 2..<3])
            let local = schedule.localShards
            let data = RingBlock(largestShards: schedule.largestShards, largestFloats: 1)
            data.setOwn([Tensor([local.count], local.map { Float($0) })], shards: local.count)
            let sums = RingSums(
                widths: [width, 1], columns: schedule.rows, largestColumns: schedule.largestRows)
            // Twice, because the memory of a second run is that of the first one.
            for _ in 0..<2 {
                sums.clear()
                var met = [[[Int]]](
                    repeating: [[Int]](repeating: [], count: 2), count: local.count)
                var begun = 0
                try schedule.run(reading: data, accumulating: sums) { pair in
                    if pair.beginsColumns { begun += 1 }
                    #expect(data.current[0][pair.second] == Float(pair.secondShard))
                    #expect(pair.firstShard == local.lowerBound + pair.first)
                    met[pair.first][pair.columnRange].append(pair.secondShard)
                    for column in pair.columns {
                        // How many shards the column has met, then which; a second field counts again.
                        let list = sums.pointer(0, column: pair.second * shardRows + column)
                        list[0] += 1
                        list[Int(list[0])] = Float(pair.firstShard)
                        sums.pointer(1, column: pair.second * shardRows + column)[0] += 1
                    }
                }
                for (first, shard) in local.enumerated() {
                    let expected = (0..<shards).map { (shard + $0) % shards }
                    #expect(met[first] == [expected, expected])
                }
                for (column, list) in stride(from: 0, to: schedule.rows * width, by: width).enumerated() {
                    let shard = local.lowerBound + column / shardRows
                    #expect(
                        sums.field(0).values[list..<list + width].map { Int($0) }
                            == [shards] + (0..<shards).map { (shard + shards - $0) % shards })
                    #expect(sums.field(1)[column] == Float(shards))
                }
                // Columns begin once a step, twice for the own block unless its last shard has no rows left.
                #expect(begun == 2 * (shards + local.count - 1))
            }
        }
    }

    /// Units of shards stay together.
    @Test func unitsStayTogether() throws {
        try runWorkers(3) { communicator in
            let schedule = PairwiseSchedule(communicator: communicator, shards: 20, unit: 4, shardRows: 1)
            #expect(schedule.localShards == [0..<4, 4..<12, 12..<20][communicator.rank])
            #expect(schedule.largestShards == 8)
        }
    }

    /// Losses move what the formulas say, and nothing else. With B pairs, d numbers and r pairs of the receiver
    ///
    ///     data: W - 1 messages a pass, (B - r)(d + 1) floats in the first and (B - r)(d + 3) in the second one
    ///     sums: 2 B floats in the first pass, B d in the second one; each block in messages of 512 columns
    @Test(arguments: [(6, 1), (6, 2), (7, 3), (8, 8)]) func trafficIsAsComputed(shards: Int, workers: Int) throws {
        // A shard of 300 columns has one range of 304, so that each shard is a message.
        let shardRows = 300, batchSize = shards * shardRows
        for (dimension, loss, similarity) in [
            (20, .conditional(first: 0.5, second: 0.5), .innerProduct), (10, .sigmoid, .quadratic),
            (12, .conditional(first: 0, second: 1), .innerProduct),
        ] as [(Int, any Loss, Similarity)] {
            try runWorkers(workers) { communicator in
                let counting = CountingCommunicator(communicator)
                let engine = PairwiseEngine(
                    communicator: counting, shards: shards, batchSize: batchSize, dimension: dimension,
                    similarity: similarity, loss: loss, tileMemory: 0)
                let partition = ShardPartition(shards: shards, workers: workers)
                let rows = partition.range(of: communicator.rank).count * shardRows
                let (first, second) = PairwiseEngineTests.encodings(rows, dimension, seed: 3)
                _ = try engine.evaluate(first: first, second: second, temperature: 1)
                if workers == 1 {
                    #expect(counting.messages == [0, 0] && counting.floats == [0, 0])
                    return
                }
                let receiver = (communicator.rank + workers - 1) % workers
                let d = dimension, visiting = batchSize - partition.range(of: receiver).count * shardRows
                let isOnePass = loss is SigmoidLoss, isOneSided = loss.weights?.first == 0
                let passes = isOnePass ? [(d + 1, d + 1)] : [(d + 1, isOneSided ? 0 : 2), (d + 3, d)]
                #expect(counting.messages[0] == passes.count * (workers - 1))
                #expect(counting.messages[1] == passes.count { $0.1 > 0 } * shards)
                #expect(counting.floats[0] == passes.reduce(0) { $0 + visiting * $1.0 })
                #expect(counting.floats[1] == passes.reduce(0) { $0 + batchSize * $1.1 })
            }
        }
    }
}

/// Counts the messages and floats that a worker sends, by stream.
private final class CountingCommunicator: Communicator, @unchecked Sendable {
    private let group: any Communicator
    private(set) var messages = [0, 0], floats = [0, 0]

    init(_ group: any Communicator) { self.group = group }

    var rank: Int { group.rank }
    var size: Int { group.size }
    var processRank: Int { group.processRank }
    var processCount: Int { group.processCount }
    func barrier() throws { try group.barrier() }
    func broadcast(_ bytes: [UInt8], from root: Int) throws -> [UInt8] { try group.broadcast(bytes, from: root) }
    func allGather(bytes: [UInt8]) throws -> [[UInt8]] { try group.allGather(bytes: bytes) }
    func allGather(numbers: [Double]) throws -> [Double] { try group.allGather(numbers: numbers) }
    func gather(_ tensor: Tensor, to root: Int) throws -> [Tensor]? { try group.gather(tensor, to: root) }
    func sharesMemory(with worker: Int) -> Bool { group.sharesMemory(with: worker) }
    func beginSend(_ tensors: [Tensor], to receiver: Int, stream: MessageStream) throws -> any PendingSend {
        #expect(receiver == (rank + size - 1) % size)
        messages[stream.rawValue] += 1
        floats[stream.rawValue] += tensors.reduce(0) { $0 + $1.count }
        return try group.beginSend(tensors, to: receiver, stream: stream)
    }
    func beginReceive(
        counts: [Int], from sender: Int, stream: MessageStream, into landing: () -> [Tensor]
    ) throws -> any PendingReceive {
        #expect(sender == (rank + 1) % size)
        return try group.beginReceive(counts: counts, from: sender, stream: stream, into: landing)
    }
    var traffic: MessageCount { group.traffic }
    func ownedBlocks(of shards: Int, worker: Int) -> Range<Int> { group.ownedBlocks(of: shards, worker: worker) }
    func beginReduceScatter(_ nodes: [Tensor], shards: Int) throws -> any PendingReduceScatter {
        try group.beginReduceScatter(nodes, shards: shards)
    }
    func allGather(_ buffer: Tensor, shards: Int) throws { try group.allGather(buffer, shards: shards) }
    func split(color: Int, key: Int) throws -> any Communicator { try group.split(color: color, key: key) }
    func abort(because error: any Error) { group.abort(because: error) }
}
