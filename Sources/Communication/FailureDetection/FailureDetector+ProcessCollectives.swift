import CMPI

/// Collective operations of the processes of a group, each called by one thread per process. A process that waits polls
/// for failures.
extension FailureDetector {
    /// Returns the bytes of every process, by rank.
    func allGather(_ bytes: [UInt8], call: String) throws -> [[UInt8]] {
        guard let mpi else { return [bytes] }
        let lengths = try allGather(bytes.count, call: call)
        let starts = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
        let outgoing = MessageBuffer(bytes), all = MessageBuffer(count: starts[mpi.size])
        let counts = lengths.map(Int32.init), displacements = starts.map(Int32.init)
        try counts.withUnsafeBufferPointer { counts in
            try displacements.withUnsafeBufferPointer { displacements in
                try complete("MPI_Iallgatherv", for: call) {
                    MPI_Iallgatherv(
                        outgoing.bytes.baseAddress, Int32(bytes.count), couplet_mpi_byte(), all.bytes.baseAddress,
                        counts.baseAddress, displacements.baseAddress, couplet_mpi_byte(), mpi.communicator.value,
                        &$0.value)
                }
            }
        }
        return (0..<mpi.size).map { Array(all.bytes[starts[$0]..<starts[$0 + 1]]) }
    }

    /// Returns the number of every process, by rank.
    ///
    /// - Parameter whileWaiting: Called repeatedly after the first two milliseconds of the wait, with the monotonic
    ///   time in nanoseconds.
    func allGather(_ number: Int, call: String, whileWaiting: (_ now: UInt64) -> Void = { _ in }) throws -> [Int] {
        guard let mpi else { return [number] }
        let outgoing = MessageBuffer(count: 8), all = MessageBuffer(count: 8 * mpi.size)
        outgoing.bytes.storeBytes(of: number, as: Int.self)
        try complete("MPI_Iallgather", for: call, whileWaiting: whileWaiting) {
            MPI_Iallgather(
                outgoing.bytes.baseAddress, 8, couplet_mpi_byte(), all.bytes.baseAddress, 8, couplet_mpi_byte(),
                mpi.communicator.value, &$0.value)
        }
        return (0..<mpi.size).map { all.bytes.load(fromByteOffset: 8 * $0, as: Int.self) }
    }

    /// Returns after all processes have called it.
    func barrier(call: String) throws {
        guard let mpi else { return }
        try complete("MPI_Ibarrier", for: call) { MPI_Ibarrier(mpi.communicator.value, &$0.value) }
    }

    /// Starts a nonblocking MPI call and waits for its completion: tests it without a break for two milliseconds, then
    /// between sleeps that grow to half a millisecond, so that other threads can compute.
    private func complete(
        _ function: String, for call: String, whileWaiting: (_ now: UInt64) -> Void = { _ in },
        _ start: (inout couplet_mpi_request) -> Int32
    ) throws {
        guard let mpi else { return }
        var request = couplet_mpi_request()
        try MPIContext.checked(function, mpi.rankOfGroup) { start(&request) }
        let blockedCall = BlockedCall(thread: nil, name: call, partner: nil, since: monotonicNanoseconds())
        let events = EventCount()
        var isRecorded = false
        defer { if isRecorded { callReturned(thread: nil) } }
        while true {
            var isDone: Int32 = 0
            try MPIContext.checked("MPI_Test", "\(mpi.rankOfGroup), \(function)") {
                MPI_Test(&request.value, &isDone, couplet_mpi_status_ignore())
            }
            if isDone != 0 { return }
            let now = monotonicNanoseconds(), waited = now - blockedCall.since
            if waited < 2_000_000 { continue }
            if !isRecorded {
                state.withLock { $0.processCall = blockedCall }
                isRecorded = true
            }
            try poll(blockedCall, now: now)
            whileWaiting(now)
            events.wait(since: 0, until: now + min(waited / 16, 500_000))
        }
    }
}
