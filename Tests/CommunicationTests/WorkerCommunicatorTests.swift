import CoupletCommunication
import CoupletTensors
import Synchronization
import TestSupport
import Testing

@Suite struct WorkerCommunicatorTests {
    // MARK: - Messages

    /// No worker leaves a barrier before all have arrived.
    @Test(arguments: workerCounts + [3, 6, 64])
    func barrierWaitsForAll(workers: Int) throws {
        let arrived = Atomic<Int>(0)
        try runWorkers(workers) { group in
            for round in 1...20 {
                pause(group.rank, round)
                arrived.wrappingAdd(1, ordering: .sequentiallyConsistent)
                try group.barrier()
                #expect(arrived.load(ordering: .sequentiallyConsistent) >= round * workers)
            }
        }
    }

    @Test(arguments: workerCounts + [3, 5, 7])
    func broadcastOfAnyLength(workers: Int) throws {
        try runWorkers(workers) { group in
            for root in 0..<workers {
                for length in [0, 1, 7, 100_000] {
                    let expected = (0..<length).map { UInt8(truncatingIfNeeded: hash(root, $0)) }
                    if length == 7 { pause(group.rank, root) }
                    let local: [UInt8] = group.rank == root ? expected : [UInt8](repeating: 9, count: group.rank)
                    let received = try group.broadcast(local, from: root)
                    #expect(received == expected)
                }
            }
        }
    }

    @Test(arguments: workerCounts + [3, 5, 6, 7])
    func allGatherOfDifferingLengths(workers: Int) throws {
        try runWorkers(workers) { group in
            for call in 0..<4 {
                func bytes(_ worker: Int) -> [UInt8] {
                    (0..<Int(hash(worker, call) % 50) * (call == 3 ? 0 : 1)).map {
                        UInt8(truncatingIfNeeded: hash(worker, call, $0))
                    }
                }
                pause(group.rank, call)
                let received = try group.allGather(bytes: bytes(group.rank))
                #expect(received == (0..<workers).map(bytes))
            }
        }
    }

    @Test(arguments: workerCounts + [3])
    func allGatherOfNumbers(workers: Int) throws {
        try runWorkers(workers) { group in
            for count in [0, 1, 5] {
                let all = (0..<workers).flatMap { worker in (0..<count).map { Double(hash(worker, $0)) } }
                let received = try group.allGather(
                    numbers: Array(all[(group.rank * count)..<((group.rank + 1) * count)]))
                #expect(received == all)
            }
        }
        guard workers > 1 else { return }
        let error = thrownError(CollectiveError.self) {
            try runWorkers(workers) {
                _ = try $0.allGather(numbers: [Double](repeating: 0, count: $0.rank == 1 ? 4 : 3))
            }
        }
        #expect(error?.reason == "worker 0 passed 3 numbers, worker 1 passed 4")
    }

    @Test(arguments: workerCounts + [3])
    func gatherOfDifferingShapes(workers: Int) throws {
        try runWorkers(workers) { group in
            for root in [0, workers - 1] {
                let local = Tensor([group.rank, 3], floats(group.rank * 3, worker: group.rank, call: root))
                pause(group.rank, root)
                let all = try group.gather(local, to: root)
                local.fill(-1)
                #expect((all != nil) == (group.rank == root))
                for (worker, tensor) in (all ?? []).enumerated() where worker != root {
                    #expect(tensor.shape == [worker, 3])
                    #expect(tensor.values == floats(worker * 3, worker: worker, call: root))
                }
            }
        }
    }

    /// Workers in different calls get an error; none waits forever.
    @Test func differentCallsAreNamed() {
        let error = thrownError(CollectiveError.self) {
            try runWorkers(2) { group in
                if group.rank == 0 { try group.barrier() } else { _ = try group.broadcast([1], from: 1) }
            }
        }
        #expect(error?.kind == .workersDisagree)
    }

    // MARK: - Exchange

    /// The xor path of the pairwise engine: at step k worker p holds the block of worker p xor k and passes it to
    /// worker p xor (k xor (k + 1)), together with an accumulator. Every block visits every worker, in xor order.
    @Test(arguments: workerCounts)
    func exchangeAlongTheXorPathVisitsAllWorkers(workers: Int) throws {
        try runWorkers(workers) { group in
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

    /// A worker may write the buffer it receives at once, even if the partner is slow.
    @Test func incomingBufferMayBeWritten() throws {
        try runWorkers(2) { group in
            var local = Tensor([1000]), spare = Tensor([1000])
            for round in 0..<200 {
                local.fill(Float(2 * round + group.rank))
                let exchange = try group.beginExchange(local, spare: spare, with: 1 - group.rank)
                if round % 10 == group.rank { pause(group.rank, round) }
                #expect(local.values.allSatisfy { $0 == Float(2 * round + group.rank) })
                (local, spare) = try exchange.finish()
                #expect(local.values.allSatisfy { $0 == Float(2 * round + 1 - group.rank) })
            }
        }
    }

    @Test func exchangeWithItself() throws {
        try runWorkers(2) { group in
            let local = Tensor([2], [1, 2]), spare = Tensor([2])
            let result = try group.beginExchange(local, spare: spare, with: group.rank).finish()
            #expect(result.incoming.isSameMemory(as: local) && result.spare.isSameMemory(as: spare))
        }
    }

    @Test func exchangeOfDifferingCountsIsNamed() {
        let error = thrownError(CollectiveError.self) {
            try runWorkers(2) { group in
                let count = 4 + group.rank
                _ = try group.beginExchange(Tensor([count]), spare: Tensor([count]), with: 1 - group.rank).finish()
            }
        }
        #expect(error?.kind == .workersDisagree)
    }

    // MARK: - Split and abort

    /// Parts by color, numbered by (key, rank), work at the same time as each other and as the whole group.
    @Test(arguments: workerCounts)
    func splitGroupsAreIndependent(workers: Int) throws {
        try runWorkers(workers) { group in
            let odd = group.rank % 2
            let part = try group.split(color: odd, key: -group.rank)
            let ranks = (0..<workers).filter { $0 % 2 == odd }.reversed().map { $0 }
            #expect(part.size == ranks.count && ranks[part.rank] == group.rank)
            let received = try part.allGather(numbers: [Double(group.rank)])
            #expect(received == ranks.map(Double.init))
            let whole = try group.beginReduceScatter(Tensor([workers], floats(workers, worker: group.rank, call: 1)))
            let buffer = Tensor([part.size], floats(part.size, worker: group.rank, call: 2))
            pause(group.rank, 0)
            try part.beginReduceScatter(buffer).finish()
            try part.allGather(buffer)
            #expect(buffer.values == referenceTreeSum(ranks.map { floats(part.size, worker: $0, call: 2) }))
            try whole.finish()
            let again = try part.split(color: 0, key: 0)
            #expect(again.rank == part.rank)
            try again.barrier()
            try group.barrier()
        }
    }

    /// The failure of a part does not affect the others.
    @Test func abortStaysInItsPart() throws {
        try runWorkers(4) { group in
            let part = try group.split(color: group.rank / 2, key: 0)
            if group.rank == 0 {
                part.abort(because: CancellationError())
            } else if group.rank == 1 {
                #expect(thrownError(CollectiveError.self) { try part.barrier() } != nil)
            } else {
                try part.barrier()
            }
            try group.barrier()
        }
    }

    struct Broken: Error, Equatable { let worker: Int }

    /// A failing worker wakes the others within a second, whatever call they wait in, and `run` throws its error.
    @Test(arguments: [2, 4, 16], [0, 1])
    func abortWakesAllWorkers(workers: Int, failing: Int) throws {
        let calls: [@Sendable (any Communicator) throws -> Void] = [
            { try $0.barrier() },
            {
                _ = try $0.broadcast([1], from: 0); _ = try $0.broadcast([1], from: 1)
            },
            { _ = try $0.allGather(numbers: [1]) },
            {
                _ = try $0.gather(Tensor([1]), to: 0); _ = try $0.gather(Tensor([1]), to: 1)
            },
            { try $0.beginReduceScatter(Tensor([$0.size])).finish() },
            { try $0.allGather(Tensor([$0.size])) },
            {
                _ = try $0.beginExchange(Tensor([1]), spare: Tensor([1]), with: $0.rank ^ 1).finish(); try $0.barrier()
            },
            { _ = try $0.split(color: 0, key: 0) },
        ]
        for call in calls {
            let secondary = Atomic<Int>(0)
            let start = ContinuousClock.now
            let error = thrownError(Broken.self) {
                try runWorkers(workers) { group in
                    if group.rank == failing {
                        pause(3, workers)
                        throw Broken(worker: failing)
                    }
                    do {
                        try call(group)
                        try group.barrier()
                    } catch let error as CollectiveError {
                        if error.kind == .otherWorkerFailed, "\(error)".contains("Broken") {
                            secondary.wrappingAdd(1, ordering: .relaxed)
                        }
                        #expect(thrownError(CollectiveError.self) { try group.barrier() } != nil)
                        throw error
                    }
                }
            }
            #expect(error == Broken(worker: failing))
            #expect(secondary.load(ordering: .relaxed) == workers - 1)
            #expect(ContinuousClock.now - start < .seconds(1))
        }
    }
}
