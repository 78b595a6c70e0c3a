import CoupletCommunication
import CoupletTensors
import TestSupport
import Testing

@Suite struct TreeSumTests {
    /// The owned range after the first half, and the whole buffer after both, have the bits of the reference.
    @Test(arguments: workerCounts, [0, 1, 5, 16, 1000])
    func hasTheBitsOfTheTree(workers: Int, perWorker: Int) throws {
        let count = workers * perWorker
        let expected = referenceTreeSum((0..<workers).map { floats(count, worker: $0, call: 0) })
        try runWorkers(workers) { group in
            let buffer = Tensor([count], floats(count, worker: group.rank, call: 0))
            pause(group.rank, 0)
            try group.beginReduceScatter(buffer).finish()
            let owned = group.ownedRange(of: count)
            #expect(owned.count == perWorker)
            #expect(owned.allSatisfy { buffer[$0].bitPattern == expected[$0].bitPattern })
            for index in 0..<count where !owned.contains(index) { buffer[index] = .nan }
            pause(group.rank, 1)
            try group.allGather(buffer)
            #expect((0..<count).allSatisfy { buffer[$0].bitPattern == expected[$0].bitPattern })
        }
    }

    /// Another order of addition gives other bits, so the test above can fail.
    @Test func testDataDistinguishesOrders() {
        let buffers = (0..<4).map { floats(1000, worker: $0, call: 0) }
        let chain = buffers.dropFirst().reduce(buffers[0]) { sum, next in zip(sum, next).map { $0 + $1 } }
        #expect(zip(chain, referenceTreeSum(buffers)).contains { $0 != $1 })
    }

    /// More sums than channels run at the same time. They have different sizes and finish in order, with pauses, as the
    /// buckets of an encoder do.
    @Test(arguments: workerCounts)
    func manyConcurrentSums(workers: Int) throws {
        let sums = 21
        let counts = (0..<sums).map { workers * ($0 % 5 * 100 + 1) }
        let expected = (0..<sums).map { sum in
            referenceTreeSum((0..<workers).map { floats(counts[sum], worker: $0, call: sum) })
        }
        try runWorkers(workers) { group in
            for _ in 0..<3 {
                var pending: [(any PendingReduceScatter, Tensor)] = []
                for sum in 0..<sums {
                    let buffer = Tensor([counts[sum]], floats(counts[sum], worker: group.rank, call: sum))
                    pause(group.rank, sum)
                    pending.append((try group.beginReduceScatter(buffer), buffer))
                    if sum % 3 == group.rank % 3 { try pending[sum / 2].0.advance() }
                    if sum % 7 == 6 { try group.barrier() }
                }
                for (sum, (reduction, buffer)) in pending.enumerated() {
                    try reduction.finish()
                    let owned = group.ownedRange(of: counts[sum])
                    #expect(owned.allSatisfy { buffer[$0].bitPattern == expected[sum][$0].bitPattern })
                }
            }
        }
    }

    /// Threads that share the buffer write their owned ranges, in many rounds without further barriers, as a training
    /// step does.
    @Test(arguments: workerCounts)
    func sharedBuffer(workers: Int) throws {
        let count = workers * 64
        let shared = Tensor([count])
        try runWorkers(workers) { group in
            for round in 0..<50 {
                let gradient = Tensor([count], floats(count, worker: group.rank, call: round))
                try group.beginReduceScatter(gradient).finish()
                for index in group.ownedRange(of: count) { shared[index] = gradient[index] }
                if round % 4 == 0 { pause(group.rank, round) }
                try group.allGather(shared)
                let expected = referenceTreeSum((0..<workers).map { floats(count, worker: $0, call: round) })
                #expect((0..<count).allSatisfy { shared[$0].bitPattern == expected[$0].bitPattern })
            }
        }
    }

    /// A worker may write its buffer as soon as the all-gather returns, even if slower partners have not returned.
    @Test(arguments: workerCounts)
    func bufferMayBeWrittenAfterAllGather(workers: Int) throws {
        let count = workers * 512
        try runWorkers(workers) { group in
            let buffer = Tensor([count])
            for round in 0..<30 {
                buffer.fill(-1)
                for index in group.ownedRange(of: count) { buffer[index] = Float(round * count + index) }
                pause(group.rank, round)
                try group.allGather(buffer)
                #expect((0..<count).allSatisfy { buffer[$0] == Float(round * count + $0) })
            }
        }
    }

    @Test func differingCountsAreNamed() {
        for (workers, isVerified) in [(4, false), (4, true), (5, false), (5, true)] {
            let error = thrownError(CollectiveError.self) {
                try runWorkers(workers) { group in
                    let count = 2 * workers
                    if isVerified { try group.beginReduceScatter(Tensor([count])).finish() }
                    try group.beginReduceScatter(Tensor([group.rank == 2 ? 2 * count : count])).finish()
                }
            }
            #expect(error?.kind == .workersDisagree)
            #expect(
                error.map {
                    "\($0)".contains("\(4 * workers)") && "\($0)".contains("\(2 * workers)")
                        && "\($0)".contains("worker 2")
                } == true)
            let gathering = thrownError(CollectiveError.self) {
                try runWorkers(workers) { group in
                    if isVerified { try group.allGather(Tensor([2 * workers])) }
                    try group.allGather(Tensor([group.rank == 1 ? 4 * workers : 2 * workers]))
                }
            }
            #expect(gathering?.kind == .workersDisagree)
        }
    }

    @Test func unsupportedSizesAreNamed() {
        for workers in [3, 4] {
            let odd = thrownError(CollectiveError.self) {
                try runWorkers(workers) { try $0.beginReduceScatter(Tensor([10])).finish() }
            }
            #expect(odd?.kind == .badSize)
            #expect(odd?.description.contains("pad to 12") == true)
        }
    }
}
