import CoupletCommunication
import CoupletEvaluation
import CoupletTensors
import Testing

@Suite struct SampleShardsTests {
    @Test(arguments: [(1, 1), (16, 16), (37, 4), (512, 1), (513, 1), (10_000, 16), (100_001, 8), (9_000, 12), (40, 3)])
    func everySampleIsInOneShard(_ sizes: (samples: Int, minimum: Int)) {
        let shards = SampleShards(samples: sizes.samples, minimum: sizes.minimum)
        #expect(shards.count % sizes.minimum == 0 && (shards.count / sizes.minimum).nonzeroBitCount == 1)
        #expect(shards.size % 16 == 0 && shards.size <= SampleShards.largestSize)
        #expect((0..<shards.count).flatMap { Array(shards.samples(of: $0)) } == Array(0..<sizes.samples))
        // Workers have consecutive shards, in the proportions of the shards of a batch. Those beyond S have none.
        for workers in [1, 2, 3, 5, sizes.minimum, sizes.minimum + 2] {
            let ranges = (0..<workers).map { shards.shards(of: $0, workers: workers) }
            #expect(ranges.flatMap { Array($0) } == Array(0..<shards.count))
            if workers > sizes.minimum { continue }
            let partition = ShardPartition(shards: sizes.minimum, workers: workers)
            for (worker, range) in ranges.enumerated() {
                #expect(range.count * sizes.minimum == partition.range(of: worker).count * shards.count)
            }
        }
    }

    @Test func lastShardIsPadded() throws {
        let shards = SampleShards(samples: 37, minimum: 4)
        #expect(shards.size == 16)
        let last = try #require(shards.filledNumbers(of: 2))
        #expect(last == [32, 33, 34, 35, 36] + [UInt64](repeating: 36, count: 11))
        #expect(shards.filledNumbers(of: 3) == nil)
    }

    @Test(arguments: [1, 2, 3, 4])
    func shardedEncodingEncodesEachShardOnce(_ workers: Int) {
        let shards = SampleShards(samples: 37, minimum: 4), encoding = ShardedEncoding(shards)
        var rows: [Float] = []
        for rank in 0..<workers {
            let output = encoding.run(rank: rank, workers: workers, widths: [1, 2]) { numbers, outputs in
                #expect(numbers.count == 16 && outputs[0].shape == [16, 1] && outputs[1].shape == [16, 2])
                outputs[0].copy(from: Tensor([16], numbers.map { Float($0) + 1 }))
            }
            rows += output[0].values
        }
        #expect(rows.count == 64)
        #expect(Array(rows[..<37]) == (1...37).map(Float.init))
        #expect(Array(rows[48...]) == [Float](repeating: 0, count: 16))
    }
}
