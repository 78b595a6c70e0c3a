import CoupletCommunication
import CoupletTensors
import Synchronization
import TestSupport
import Testing

/// The floating-point mode of workers.
@Suite struct WorkerModeTests {
    struct Broken: Error {}

    /// One worker runs on the calling thread, several on new ones. All flush subnormal numbers, whatever the caller's
    /// mode is, and the caller keeps its own.
    @Test(arguments: [1, 3], [false, true]) func everyWorkerFlushesSubnormals(workers: Int, callerFlushes: Bool) throws
    {
        func check() throws {
            let before = SubnormalTreatment.ofThisThread(), treatments = Mutex<[SubnormalTreatment]>([])
            try runWorkers(workers) { _ in treatments.withLock { $0.append(.ofThisThread()) } }
            #expect(treatments.withLock { $0 } == Array(repeating: .flushed, count: workers))
            #expect(SubnormalTreatment.ofThisThread() == before)
            #expect(before == (callerFlushes ? .flushed : .kept))
        }
        if callerFlushes { try FloatingPointMode.withFlushedSubnormals(check) } else { try check() }
    }

    @Test func aFailedWorkerLeavesTheCallersMode() {
        #expect(throws: Broken.self) { try runWorkers(1) { _ in throw Broken() } }
        #expect(SubnormalTreatment.ofThisThread() == .kept)
    }
}
