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

    // MARK: - Messages between two workers

    /// The ring of the pairwise engine: at step k worker p holds the block of worker p + k, with sums to which each
    /// worker adds. Within a process the memory itself goes around, and comes home.
    @Test(arguments: workerCounts + [3, 5, 7])
    func ringVisitsAllWorkers(workers: Int) throws {
        if workers == 1 { return }
        try runWorkers(workers) { group in
            let next = (group.rank + workers - 1) % workers, previous = (group.rank + 1) % workers
            let own = Tensor([3], [Float](repeating: Float(group.rank), count: 3)), ownPath = Tensor([workers])
            var block = own, path = ownPath
            #expect(group.sharesMemory(with: next))
            for step in 0..<workers {
                #expect(block.values == [Float](repeating: Float((group.rank + step) % workers), count: 3))
                path[step] = Float(group.rank)
                pause(group.rank, step)
                let send = try group.beginSend([block], to: next, stream: .data)
                let isSent = try send.isComplete()
                #expect(isSent)
                try send.finish()
                let data = try group.beginReceive(counts: [3], from: previous, stream: .data) {
                    Issue.record("memory for a message within a process")
                    return []
                }
                _ = try data.isComplete()
                let sums = try group.beginReceive(counts: [workers], from: previous, stream: .sums) { [] }
                try group.beginSend([path], to: next, stream: .sums).finish()
                path = try sums.finish()[0]
                block = try data.finish()[0]
            }
            #expect(block.isSameMemory(as: own) && path.isSameMemory(as: ownPath))
            #expect(path.values == (0..<workers).map { Float((group.rank + workers - $0) % workers) })
        }
    }

    /// A sender may be many messages ahead. Each message keeps its tensors, and streams do not wait for each other.
    @Test func messagesKeepTheirOrder() throws {
        try runWorkers(2) { group in
            let other = 1 - group.rank
            let receives = try (0..<100).map { _ in
                try group.beginReceive(counts: [2, 0, 1], from: other, stream: .data) { [] }
            }
            for number in 0..<100 {
                if number % 10 == group.rank { pause(group.rank, number) }
                let value = Float(2 * number + group.rank)
                try group.beginSend(
                    [Tensor([2], [value, -value]), Tensor([0]), Tensor([1], [0.5])], to: other, stream: .data
                ).finish()
            }
            try group.beginSend([Tensor([1], [7])], to: other, stream: .sums).finish()
            let received = try group.beginReceive(counts: [1], from: other, stream: .sums) { [] }.finish()
            #expect(received[0].values == [7])
            for (number, receive) in receives.enumerated() {
                let value = Float(2 * number + other), tensors = try receive.finish()
                #expect(tensors.map(\.values) == [[value, -value], [], [0.5]])
                // A finished receive keeps its tensors.
                let isComplete = try receive.isComplete(), again = try receive.finish()
                #expect(isComplete && again[0].isSameMemory(as: tensors[0]))
            }
        }
    }

    @Test func messageOfAnotherCountIsNamed() {
        let error = thrownError(CollectiveError.self) {
            try runWorkers(2) { group in
                let other = 1 - group.rank
                try group.beginSend([Tensor([4 + group.rank])], to: other, stream: .data).finish()
                _ = try group.beginReceive(counts: [4 + group.rank], from: other, stream: .data) { [] }.finish()
            }
        }
        #expect(error?.kind == .workersDisagree && error?.call == "beginReceive")
    }

    /// Every worker gets the numbers of all shards in their order, however many each worker has.
    @Test(arguments: [(1, 1), (5, 3), (8, 8), (12, 5), (15, 7)])
    func numbersOfShardsAreGathered(shards: Int, workers: Int) throws {
        try runWorkers(workers) { group in
            let partition = ShardPartition(shards: shards, workers: workers)
            let own = partition.range(of: group.rank).map { [Double($0), Double(-$0)] }
            let gathered = try group.allGather(shards: own, partition)
            #expect(gathered == (0..<shards).map { [Double($0), Double(-$0)] })
        }
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
                _ = try $0.beginReceive(counts: [1], from: $0.rank ^ 1, stream: .sums) { [Tensor([1])] }.finish()
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
