import CMPI

#if canImport(Glibc)
    import Glibc
#endif

/// MPI among the processes of a group: the whole job, or a part of it. With `WorkQueue` and `MPIRequests` the one place that calls
/// MPI; every return code goes through `checked`.
final class MPIContext: @unchecked Sendable {
    let rank: Int
    let size: Int
    /// Each process's rank in the whole job, by its rank here.
    let jobRanks: [Int]
    /// The name of each process's host, by its rank in the whole job.
    let jobHosts: [String]
    /// Whether several threads may call at a time.
    let allowsThreads: Bool
    /// The largest tag that a message may have.
    let largestTag: Int
    /// The workers' messages, and what all processes do together. A copy of MPI_COMM_WORLD or of its part, so that nobody else's messages
    /// meet ours.
    let communicator: MPI_Comm
    /// What processes tell each other beside that: failures and roll calls.
    let failureCommunicator: MPI_Comm

    /// The whole job: calls MPI_Init_thread. The level is MULTIPLE where several threads will communicate, else SERIALIZED.
    convenience init(severalThreads: Bool) throws {
        var granted: Int32 = 0
        try Self.checked("MPI_Init_thread", "this process") {
            MPI_Init_thread(
                nil, nil, severalThreads ? Int32(MPI_THREAD_MULTIPLE) : Int32(MPI_THREAD_SERIALIZED), &granted)
        }
        guard let world = couplet_mpi_comm_world() else { preconditionFailure("MPI without MPI_COMM_WORLD") }
        try Self.checked("MPI_Comm_set_errhandler", "this process") {
            MPI_Comm_set_errhandler(world, couplet_mpi_errors_return())
        }
        var size: Int32 = 0
        try Self.checked("MPI_Comm_size", "this process") { MPI_Comm_size(world, &size) }
        try self.init(
            communicator: Self.duplicate(world), allowsThreads: granted >= Int32(MPI_THREAD_MULTIPLE),
            jobRanks: Array(0..<Int(size)), jobHosts: Self.hosts(world, count: Int(size)))
    }

    /// Of a communicator that becomes this one's own.
    private init(communicator: MPI_Comm, allowsThreads: Bool, jobRanks: [Int], jobHosts: [String]) throws {
        var rank: Int32 = 0
        try Self.checked("MPI_Comm_rank", "this process") { MPI_Comm_rank(communicator, &rank) }
        self.rank = Int(rank)
        self.jobRanks = jobRanks
        self.jobHosts = jobHosts
        self.allowsThreads = allowsThreads
        self.communicator = communicator
        size = jobRanks.count
        failureCommunicator = try Self.duplicate(communicator)
        var value: UnsafeMutableRawPointer?
        var isSet: Int32 = 0
        try Self.checked("MPI_Comm_get_attr", "rank \(rank)") {
            MPI_Comm_get_attr(communicator, Int32(MPI_TAG_UB), &value, &isSet)
        }
        // 32,767 is what the standard guarantees.
        largestTag = isSet != 0 ? value.map { Int($0.load(as: Int32.self)) } ?? 32_767 : 32_767
    }

    /// The names of the hosts, in at most 64 bytes.
    private static func hosts(_ world: MPI_Comm, count: Int) throws -> [String] {
        let mine = MessageBuffer(count: Int(MPI_MAX_PROCESSOR_NAME) + 64), all = MessageBuffer(count: 64 * count)
        mine.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        var length: Int32 = 0
        try checked("MPI_Get_processor_name", "this process") {
            MPI_Get_processor_name(mine.bytes.baseAddress?.assumingMemoryBound(to: CChar.self), &length)
        }
        try checked("MPI_Allgather", "\(count) ranks") {
            MPI_Allgather(
                mine.bytes.baseAddress, 64, couplet_mpi_byte(), all.bytes.baseAddress, 64, couplet_mpi_byte(), world)
        }
        return (0..<count).map {
            String(decoding: all.bytes[(64 * $0)..<(64 * $0 + 64)].prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// A communicator of the same processes, which its messages do not share with any other. All of them call it.
    static func duplicate(_ communicator: MPI_Comm) throws -> MPI_Comm {
        var copy: MPI_Comm?
        try checked("MPI_Comm_dup", "this process") { MPI_Comm_dup(communicator, &copy) }
        guard let copy else { preconditionFailure("MPI_Comm_dup gave no communicator") }
        try checked("MPI_Comm_set_errhandler", "this process") {
            MPI_Comm_set_errhandler(copy, couplet_mpi_errors_return())
        }
        return copy
    }

    /// The processes that pass the same color, numbered by their rank here. All processes of this group call it. Nil for a process alone
    /// with its color.
    func split(colors: [Int]) throws -> MPIContext? {
        let members = colors.indices.filter { colors[$0] == colors[rank] }
        var part: MPI_Comm?
        try Self.checked("MPI_Comm_split", place) {
            MPI_Comm_split(
                communicator, members.count > 1 ? Int32(members[0]) : Int32(MPI_UNDEFINED), Int32(rank), &part)
        }
        guard members.count > 1, let part else { return nil }
        try Self.checked("MPI_Comm_set_errhandler", place) {
            MPI_Comm_set_errhandler(part, couplet_mpi_errors_return())
        }
        return try MPIContext(
            communicator: part, allowsThreads: allowsThreads, jobRanks: members.map { jobRanks[$0] }, jobHosts: jobHosts
        )
    }

    /// The same processes with communicators that no message of before can meet. All of them call it. The former ones stay, for what was
    /// sent and never received is still in them.
    func renewed() throws -> MPIContext {
        try MPIContext(
            communicator: Self.duplicate(communicator), allowsThreads: allowsThreads, jobRanks: jobRanks,
            jobHosts: jobHosts)
    }

    /// Who this is in the group, and in the whole job.
    var place: String { "rank \(rank) of \(size)" }
    var jobPlace: String { "rank \(jobRanks[rank]) of \(jobHosts.count)" }

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

    // MARK: - Beside the collectives

    /// Sends a notice to another process; does not wait.
    func sendNotice(_ bytes: [UInt8], to receiver: Int) throws -> MPIRequests {
        let requests = MPIRequests(messagePassing: self, communicator: failureCommunicator, partner: receiver)
        let memory = MessageBuffer(bytes)
        try requests.send(UnsafeRawBufferPointer(memory.first(bytes.count)), tag: 0, owner: memory)
        return requests
    }

    /// A notice, if one has come.
    func takeNotice() throws -> (bytes: [UInt8], sender: Int)? {
        var message: MPI_Message?
        var status = MPI_Status()
        var hasCome: Int32 = 0, count: Int32 = 0
        try Self.checked("MPI_Improbe", place) {
            MPI_Improbe(Int32(MPI_ANY_SOURCE), Int32(MPI_ANY_TAG), failureCommunicator, &hasCome, &message, &status)
        }
        guard hasCome != 0 else { return nil }
        try Self.checked("MPI_Get_count", place) { MPI_Get_count(&status, couplet_mpi_byte(), &count) }
        let memory = MessageBuffer(count: Int(count))
        try Self.checked("MPI_Mrecv", "rank \(status.MPI_SOURCE) to \(place), \(count) bytes") {
            MPI_Mrecv(memory.bytes.baseAddress, count, couplet_mpi_byte(), &message, couplet_mpi_status_ignore())
        }
        return (Array(memory.first(Int(count))), Int(status.MPI_SOURCE))
    }

    /// Gives a part's communicators back. All its processes call it.
    func free() throws {
        for own in [communicator, failureCommunicator] {
            var communicator: MPI_Comm? = own
            try Self.checked("MPI_Comm_free", place) { MPI_Comm_free(&communicator) }
        }
    }

    /// Ends MPI in this process, of all groups.
    func finalize() throws {
        try Self.checked("MPI_Finalize", place) { MPI_Finalize() }
    }

    /// Ends all processes of the job, where MPI is in use.
    static func abort(exitCode: Int32) {
        var isBegun: Int32 = 0, isEnded: Int32 = 0
        guard MPI_Initialized(&isBegun) == 0, isBegun != 0, MPI_Finalized(&isEnded) == 0, isEnded == 0 else { return }
        // The launcher drops what it has not yet read of a process that ends this way: time for the message that says why.
        usleep(200_000)
        _ = MPI_Abort(couplet_mpi_comm_world(), exitCode)
    }
}
