import CoupletCommunication
import CoupletTensors
import Testing

@Suite struct ExchangeTests {
    /// The walk of the pairwise engine: at step k worker p holds the block of p xor k and passes it to p xor (k xor (k +
    /// 1)), with accumulators that each
    /// worker on the way adds to. Every block must have met every worker, in xor order.
    @Test(arguments: workerCounts)
    func walkMeetsAllInXorOrder(workers: Int) throws {
        try onThreads(workers) { group in
            var block = Tensor([3], [Float](repeating: Float(group.rank), count: 3)), blockSpare = Tensor([3])
            var path = Tensor([workers]), pathSpare = Tensor([workers])
            for step in 0..<workers {
                #expect(block.values == [Float](repeating: Float(group.rank ^ step), count: 3))
                path[step] = Float(group.rank)
                guard step + 1 < workers else { break }
                let partner = group.rank ^ (step ^ (step + 1))
                pause(group.rank, step)
                let first = try group.beginExchange(block, spare: blockSpare, with: partner)
                let second = try group.beginExchange(path, spare: pathSpare, with: partner)
                #expect(block[0] == Float(group.rank ^ step))
                try first.advance()
                (block, blockSpare) = try first.finish()
                (path, pathSpare) = try second.finish()
                #expect(!block.isSameMemory(as: blockSpare))
            }
            let owner = group.rank ^ (workers - 1)
            #expect(path.values == (0..<workers).map { Float(owner ^ $0) })
        }
    }

    /// What a worker gets is its own at once: it writes it while the partner is slow.
    @Test func incomingMayBeWritten() throws {
        try onThreads(2) { group in
            var mine = Tensor([1000]), spare = Tensor([1000])
            for round in 0..<200 {
                mine.fill(Float(2 * round + group.rank))
                let exchange = try group.beginExchange(mine, spare: spare, with: 1 - group.rank)
                if round % 10 == group.rank { pause(group.rank, round) }
                #expect(mine.values.allSatisfy { $0 == Float(2 * round + group.rank) })
                (mine, spare) = try exchange.finish()
                #expect(mine.values.allSatisfy { $0 == Float(2 * round + 1 - group.rank) })
            }
        }
    }

    @Test func withItself() throws {
        try onThreads(2) { group in
            let mine = Tensor([2], [1, 2]), spare = Tensor([2])
            let result = try group.beginExchange(mine, spare: spare, with: group.rank).finish()
            #expect(result.incoming.isSameMemory(as: mine) && result.spare.isSameMemory(as: spare))
        }
    }

    @Test func differingCountsAreNamed() {
        let error = failure(CollectiveError.self) {
            try onThreads(2) { group in
                let count = 4 + group.rank
                _ = try group.beginExchange(Tensor([count]), spare: Tensor([count]), with: 1 - group.rank).finish()
            }
        }
        #expect(error?.kind == .workersDisagree)
    }
}
