import CoupletCommunication
import Synchronization
import TestSupport
import Testing

/// Groups of one process. Tests/CommandTests tests groups of several processes with mpirun.
@Suite struct WorkerGroupTests {
    struct Broken: Error, Equatable { let number: Int }

    @Test func firstWorkersResultIsReturned() throws {
        let received = try runWorkers(4) { 10 + $0.rank }
        #expect(received == 10)
        #expect(throws: CollectiveError.self) { try runWorkers(0) { _ in } }
    }

    /// With one process, `agree` throws the error of the set-up itself.
    @Test func oneProcessAgreesWithItself() throws {
        let group = try WorkerGroup.launch()
        try group.agree(.success(()))
        #expect(thrownError(Broken.self) { try group.agree(.failure(Broken(number: 3))) } == Broken(number: 3))
        try group.finalize()
    }

    /// Several groups of this process run at the same time, as the trials of a sweep do: one fails, the others finish.
    @Test func groupsOfOneProcessAreIndependent() throws {
        let sums = Mutex([Int: [Double]]()), failures = Mutex([Int]())
        try runWorkers(4) { trials in
            let group = WorkerGroup.alone()
            #expect(group.processCount == 1 && group.processRank == 0 && group.environment.rank == nil)
            for round in 0..<20 {
                do {
                    let all = try group.run(threads: 2) { workers in
                        if trials.rank == 2, workers.rank == 1 { throw Broken(number: 2) }
                        try workers.barrier()
                        return try workers.allGather(numbers: [Double(10 * trials.rank + workers.rank + 100 * round)])
                    }
                    sums.withLock { $0[trials.rank, default: []] += all }
                } catch {
                    #expect(error as? Broken == Broken(number: 2))
                    failures.withLock { $0.append(trials.rank) }
                }
            }
            try group.finalize()
        }
        #expect(failures.withLock { $0 } == Array(repeating: 2, count: 20))
        func expected(_ trial: Int) -> [Double] {
            (0..<20).flatMap { round -> [Double] in
                let first = Double(10 * trial + 100 * round)
                return [first, first + 1]
            }
        }
        #expect(sums.withLock { $0 } == [0: expected(0), 1: expected(1), 3: expected(3)])
    }

    @Test func splitOfOneProcess() throws {
        let group = try WorkerGroup.launch()
        let part = try group.split(color: -7)
        #expect(part.processCount == 1 && part.processRank == 0)
        #expect(try part.run(threads: 2) { try $0.allGather(numbers: [Double($0.rank)]) } == [0, 1])
        try part.finalize()
        #expect(try group.run(threads: 2) { $0.size } == 2)
    }
}
