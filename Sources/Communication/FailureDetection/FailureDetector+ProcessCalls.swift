import CMPI

/// What all processes of a group do together, each by one of its threads. Whoever waits looks out meanwhile.
extension FailureDetector {
    /// Every process's bytes, by rank.
    func allGather(_ bytes: [UInt8], call: String) throws -> [[UInt8]] {
        guard let messagePassing else { return [bytes] }
        let lengths = try allGather(bytes.count, call: call)
        let starts = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
        let mine = MessageBuffer(bytes), all = MessageBuffer(count: starts[messagePassing.size])
        let counts = lengths.map(Int32.init), displacements = starts.map(Int32.init)
        try counts.withUnsafeBufferPointer { counts in
            try displacements.withUnsafeBufferPointer { displacements in
                try complete("MPI_Iallgatherv", for: call) {
                    MPI_Iallgatherv(
                        mine.bytes.baseAddress, Int32(bytes.count), couplet_mpi_byte(), all.bytes.baseAddress,
                        counts.baseAddress,
                        displacements.baseAddress, couplet_mpi_byte(), messagePassing.communicator, &$0)
                }
            }
        }
        return (0..<messagePassing.size).map { Array(all.bytes[starts[$0]..<starts[$0 + 1]]) }
    }

    /// Every process's number, by rank.
    func allGather(_ number: Int, call: String, meanwhile: (_ now: UInt64) -> Void = { _ in }) throws -> [Int] {
        guard let messagePassing else { return [number] }
        let mine = MessageBuffer(count: 8), all = MessageBuffer(count: 8 * messagePassing.size)
        mine.bytes.storeBytes(of: number, as: Int.self)
        try complete("MPI_Iallgather", for: call, meanwhile: meanwhile) {
            MPI_Iallgather(
                mine.bytes.baseAddress, 8, couplet_mpi_byte(), all.bytes.baseAddress, 8, couplet_mpi_byte(),
                messagePassing.communicator, &$0)
        }
        return (0..<messagePassing.size).map { all.bytes.load(fromByteOffset: 8 * $0, as: Int.self) }
    }

    /// Returns when all processes have come.
    func barrier(call: String) throws {
        guard let messagePassing else { return }
        try complete("MPI_Ibarrier", for: call) { MPI_Ibarrier(messagePassing.communicator, &$0) }
    }

    /// Begins a call of MPI and waits for its end: looks again and again for two milliseconds, then between sleeps that grow to half a
    /// millisecond, for threads may compute meanwhile.
    private func complete(
        _ function: String, for call: String, meanwhile: (_ now: UInt64) -> Void = { _ in },
        _ begin: (inout MPI_Request?) -> Int32
    ) throws {
        guard let messagePassing else { return }
        var request: MPI_Request?
        try MPIContext.checked(function, messagePassing.place) { begin(&request) }
        let point = BlockedCall(thread: nil, call: call, partner: nil, since: EventCount.now), doorbell = EventCount()
        var isTold = false
        defer { if isTold { leave(nil) } }
        while true {
            var isDone: Int32 = 0
            try MPIContext.checked("MPI_Test", "\(messagePassing.place), \(function)") {
                MPI_Test(&request, &isDone, couplet_mpi_status_ignore())
            }
            if isDone != 0 { return }
            let now = EventCount.now, waited = now - point.since
            if waited < 2_000_000 { continue }
            if !isTold {
                state.withLock { $0.processWait = point }
                isTold = true
            }
            try look(point, now: now)
            meanwhile(now)
            doorbell.sleep(after: 0, until: now + min(waited / 16, 500_000))
        }
    }
}
