import CoupletCommunication
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// Groups of one process. Those of several are tested with the real mpirun, in CommandTests.
@Suite struct GroupTests {
    struct Broken: Error, Equatable { let lane: Int }

    /// Several groups of this process at the same time, as a sweep's lanes: one fails, the others finish.
    @Test func lanesAreIndependent() throws {
        let sums = Mutex([Int: [Double]]()), failures = Mutex([Int]())
        try onThreads(4) { lanes in
            let group = WorkerGroup.alone()
            #expect(group.processCount == 1 && group.processRank == 0 && group.environment.rank == nil)
            for round in 0..<20 {
                do {
                    let all = try group.run(threads: 2) { workers in
                        if lanes.rank == 2, workers.rank == 1 { throw Broken(lane: 2) }
                        try workers.barrier()
                        return try workers.allGather(numbers: [Double(10 * lanes.rank + workers.rank + 100 * round)])
                    }
                    sums.withLock { $0[lanes.rank, default: []] += all }
                } catch {
                    #expect(error as? Broken == Broken(lane: 2))
                    failures.withLock { $0.append(lanes.rank) }
                }
            }
            try group.finalize()
        }
        #expect(failures.withLock { $0 } == Array(repeating: 2, count: 20))
        func expected(_ lane: Int) -> [Double] {
            (0..<20).flatMap { round -> [Double] in
                let first = Double(10 * lane + 100 * round)
                return [first, first + 1]
            }
        }
        #expect(sums.withLock { $0 } == [0: expected(0), 1: expected(1), 3: expected(3)])
    }

    @Test func aPartOfOneProcessIsThatProcess() throws {
        let group = try WorkerGroup.launch()
        let part = try group.split(color: -7)
        #expect(part.processCount == 1 && part.processRank == 0)
        #expect(try part.run(threads: 2) { try $0.allGather(numbers: [Double($0.rank)]) } == [0, 1])
        try part.finalize()
        #expect(try group.run(threads: 2) { $0.size } == 2)
    }

    /// Every question gets its own answer, and the closure is never entered twice at a time.
    @Test func deskAnswersOneAtATime() throws {
        let inside = Atomic<Int>(0), overlaps = Atomic<Int>(0)
        // No lock of its own: the desk's must do.
        nonisolated(unsafe) var handedOut = 0
        let desk = try WorkQueue(group: WorkerGroup.launch()) { question, process in
            if inside.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue > 1 {
                overlaps.wrappingAdd(1, ordering: .relaxed)
            }
            defer { inside.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
            handedOut += 1
            if handedOut % 100 == 0 { usleep(100) }
            return question + [UInt8(process)] + withUnsafeBytes(of: handedOut) { Array($0) }
        }
        let numbers = Mutex([Int]())
        try onThreads(8) { group in
            for turn in 0..<200 {
                let answer = try desk.ask([UInt8(group.rank), UInt8(turn)])
                #expect(answer.prefix(3) == [UInt8(group.rank), UInt8(turn), 0])
                numbers.withLock {
                    $0.append(answer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 3, as: Int.self) })
                }
            }
        }
        #expect(numbers.withLock { $0.sorted() } == Array(1...1600))
        #expect(overlaps.load(ordering: .relaxed) == 0)
        try desk.close()
        #expect(failure(CollectiveError.self) { _ = try desk.ask([]) }?.description.contains("closed") == true)
    }
}
