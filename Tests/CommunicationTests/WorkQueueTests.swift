import CoupletCommunication
import Glibc
import Synchronization
import TestSupport
import Testing

/// The work queue of one process. Tests/CommandTests tests it with several processes.
@Suite struct WorkQueueTests {
    /// Every request gets its own reply, and the handler never runs twice at a time.
    @Test func repliesOneAtATime() throws {
        let inside = Atomic<Int>(0), overlaps = Atomic<Int>(0)
        // No lock guards this variable: the queue must serialise the handler.
        nonisolated(unsafe) var repliesSent = 0
        let queue = try WorkQueue(group: WorkerGroup.launch()) { request, process in
            if inside.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue > 1 {
                overlaps.wrappingAdd(1, ordering: .relaxed)
            }
            defer { inside.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
            repliesSent += 1
            if repliesSent % 100 == 0 { usleep(100) }
            return request + [UInt8(process)] + withUnsafeBytes(of: repliesSent) { Array($0) }
        }
        let numbers = Mutex([Int]())
        try runWorkers(8) { group in
            for turn in 0..<200 {
                let reply = try queue.request([UInt8(group.rank), UInt8(turn)])
                #expect(reply.prefix(3) == [UInt8(group.rank), UInt8(turn), 0])
                numbers.withLock {
                    $0.append(reply.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 3, as: Int.self) })
                }
            }
        }
        #expect(numbers.withLock { $0.sorted() } == Array(1...1600))
        #expect(overlaps.load(ordering: .relaxed) == 0)
        try queue.close()
        #expect(thrownError(CollectiveError.self) { _ = try queue.request([]) }?.description.contains("closed") == true)
    }
}
