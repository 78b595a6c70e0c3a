import CMPI

/// MPI, initialised: the one place that calls it. Every return code goes through `checked`.
final class MessagePassing: @unchecked Sendable {
    let rank: Int
    let size: Int
    /// Whether several threads may call at a time.
    let allowsThreads: Bool
    /// The largest tag that a message may have.
    let largestTag: Int
    /// Copies of MPI_COMM_WORLD, so that nobody else's messages meet ours, and no call made after a failure meets one of a process that has not failed.
    let communicator: MPI_Comm
    private let failureCommunicator: MPI_Comm

    /// Calls MPI_Init_thread. The level is MULTIPLE where several threads will communicate, else SERIALIZED.
    init(severalThreads: Bool) throws {
        var granted: Int32 = 0
        try Self.checked("MPI_Init_thread", "this process") {
            MPI_Init_thread(nil, nil, severalThreads ? Int32(MPI_THREAD_MULTIPLE) : Int32(MPI_THREAD_SERIALIZED), &granted)
        }
        allowsThreads = granted >= Int32(MPI_THREAD_MULTIPLE)
        let world = couplet_mpi_comm_world()
        try Self.checked("MPI_Comm_set_errhandler", "this process") { MPI_Comm_set_errhandler(world, couplet_mpi_errors_return()) }
        var rank: Int32 = 0, size: Int32 = 0
        try Self.checked("MPI_Comm_rank", "this process") { MPI_Comm_rank(world, &rank) }
        try Self.checked("MPI_Comm_size", "this process") { MPI_Comm_size(world, &size) }
        self.rank = Int(rank)
        self.size = Int(size)
        func duplicate() throws -> MPI_Comm {
            var copy: MPI_Comm?
            try Self.checked("MPI_Comm_dup", "rank \(rank)") { MPI_Comm_dup(world, &copy) }
            guard let copy else { preconditionFailure("MPI_Comm_dup gave no communicator") }
            try Self.checked("MPI_Comm_set_errhandler", "rank \(rank)") { MPI_Comm_set_errhandler(copy, couplet_mpi_errors_return()) }
            return copy
        }
        communicator = try duplicate()
        failureCommunicator = try duplicate()
        var value: UnsafeMutableRawPointer?
        var isSet: Int32 = 0
        let communicator = self.communicator
        try Self.checked("MPI_Comm_get_attr", "rank \(rank)") {
            MPI_Comm_get_attr(communicator, Int32(MPI_TAG_UB), &value, &isSet)
        }
        // 32,767 is what the standard guarantees.
        largestTag = isSet != 0 ? value.map { Int($0.load(as: Int32.self)) } ?? 32_767 : 32_767
    }

    /// The library's own name and version; needs no initialisation.
    static var libraryVersion: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(MPI_MAX_LIBRARY_VERSION_STRING) + 1) { text in
            var length: Int32 = 0
            guard MPI_Get_library_version(text.baseAddress, &length) == 0 else { return "unknown" }
            text[Int(length)] = 0
            return text.baseAddress.map { String(cString: $0) } ?? "unknown"
        }
    }

    /// Makes a call of MPI; throws what its return code says, with the call's name and who was involved.
    static func checked(_ call: String, _ place: @autoclosure () -> String, _ body: () -> Int32) throws {
        let code = body()
        guard code != 0 else { return }
        let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(MPI_MAX_ERROR_STRING) + 1) { text in
            var length: Int32 = 0
            guard MPI_Error_string(code, text.baseAddress, &length) == 0 else { return "error code \(code)" }
            text[Int(length)] = 0
            return text.baseAddress.map { String(cString: $0) } ?? "error code \(code)"
        }
        throw CollectiveError(.messagePassing(code: code), call: call, place: place(), reason: text)
    }

    // MARK: - Between processes

    /// Every process's bytes, by rank.
    func allGather(_ bytes: [UInt8]) throws -> [[UInt8]] {
        let lengths = try allGather(Int32(bytes.count))
        let starts = lengths.reduce(into: [Int32(0)]) { $0.append($0[$0.count - 1] + $1) }
        var all = [UInt8](repeating: 0, count: Int(starts[size]))
        try Self.checked("MPI_Allgatherv", "rank \(rank) of \(size)") {
            MPI_Allgatherv(bytes, Int32(bytes.count), couplet_mpi_byte(), &all, lengths, starts, couplet_mpi_byte(), communicator)
        }
        return (0..<size).map { Array(all[Int(starts[$0])..<Int(starts[$0 + 1])]) }
    }

    /// Every process's number, by rank.
    func allGather(_ number: Int32) throws -> [Int32] {
        var all = [Int32](repeating: 0, count: size)
        try Self.checked("MPI_Allgather", "rank \(rank) of \(size)") {
            withUnsafeBytes(of: number) { MPI_Allgather($0.baseAddress, 4, couplet_mpi_byte(), &all, 4, couplet_mpi_byte(), communicator) }
        }
        return all
    }

    /// Whether all processes come here within `nanoseconds`: a process that has failed asks whether the others have as well.
    func allFail(within nanoseconds: UInt64) throws -> Bool {
        var request: MPI_Request?
        try Self.checked("MPI_Ibarrier", "rank \(rank) of \(size)") { MPI_Ibarrier(failureCommunicator, &request) }
        let deadline = Doorbell.now + nanoseconds, doorbell = Doorbell()
        while true {
            var isDone: Int32 = 0
            try Self.checked("MPI_Test", "rank \(rank) of \(size)") { MPI_Test(&request, &isDone, couplet_mpi_status_ignore()) }
            if isDone != 0 { return true }
            let now = Doorbell.now
            if now >= deadline { return false }
            doorbell.sleep(after: 0, until: now + 500_000)
        }
    }

    func finalize() throws {
        try Self.checked("MPI_Finalize", "rank \(rank) of \(size)") { MPI_Finalize() }
    }

    func abort(exitCode: Int32) {
        _ = MPI_Abort(couplet_mpi_comm_world(), exitCode)
    }
}
