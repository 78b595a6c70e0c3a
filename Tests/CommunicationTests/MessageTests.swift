import CoupletCommunication
import CoupletTensors
import Synchronization
import Testing

@Suite struct MessageTests {
    /// No worker leaves a barrier before all have come to it.
    @Test(arguments: workerCounts + [3, 6, 64])
    func barrierWaitsForAll(workers: Int) throws {
        let arrived = Atomic<Int>(0)
        try onThreads(workers) { group in
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
        try onThreads(workers) { group in
            for root in 0..<workers {
                for length in [0, 1, 7, 100_000] {
                    let expected = (0..<length).map { UInt8(truncatingIfNeeded: mixed(root, $0)) }
                    if length == 7 { pause(group.rank, root) }
                    let mine: [UInt8] = group.rank == root ? expected : [UInt8](repeating: 9, count: group.rank)
                    let received = try group.broadcast(mine, from: root)
                    #expect(received == expected)
                }
            }
        }
    }

    @Test(arguments: workerCounts + [3, 5, 6, 7])
    func allGatherOfDifferingLengths(workers: Int) throws {
        try onThreads(workers) { group in
            for call in 0..<4 {
                func bytes(_ worker: Int) -> [UInt8] {
                    (0..<Int(mixed(worker, call) % 50) * (call == 3 ? 0 : 1)).map {
                        UInt8(truncatingIfNeeded: mixed(worker, call, $0))
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
        try onThreads(workers) { group in
            for count in [0, 1, 5] {
                let all = (0..<workers).flatMap { worker in (0..<count).map { Double(mixed(worker, $0)) } }
                let received = try group.allGather(
                    numbers: Array(all[(group.rank * count)..<((group.rank + 1) * count)]))
                #expect(received == all)
            }
        }
        guard workers > 1 else { return }
        let error = failure(CollectiveError.self) {
            try onThreads(workers) {
                _ = try $0.allGather(numbers: [Double](repeating: 0, count: $0.rank == 1 ? 4 : 3))
            }
        }
        #expect(error?.reason == "worker 0 passed 3 numbers, worker 1 4")
    }

    @Test(arguments: workerCounts + [3])
    func gatherOfDifferingShapes(workers: Int) throws {
        try onThreads(workers) { group in
            for root in [0, workers - 1] {
                let mine = Tensor([group.rank, 3], floats(group.rank * 3, worker: group.rank, call: root))
                pause(group.rank, root)
                let all = try group.gather(mine, to: root)
                mine.fill(-1)
                #expect((all != nil) == (group.rank == root))
                for (worker, tensor) in (all ?? []).enumerated() where worker != root {
                    #expect(tensor.shape == [worker, 3])
                    #expect(tensor.values == floats(worker * 3, worker: worker, call: root))
                }
            }
        }
    }

    /// Workers in different calls notice; nobody waits for ever.
    @Test func differentCallsAreNamed() {
        let error = failure(CollectiveError.self) {
            try onThreads(2) { group in
                if group.rank == 0 { try group.barrier() } else { _ = try group.broadcast([1], from: 1) }
            }
        }
        #expect(error?.kind == .workersDisagree)
    }
}
