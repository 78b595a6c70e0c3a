import CMPI
import Glibc

/// MPI among the processes of a group: the whole job, or a part of it.
///
/// Every MPI call goes through `checked`, which turns its return code into an error.
final class MPIContext: @unchecked Sendable {
    let rank: Int
    let size: Int
    /// By rank in this group, the rank in the whole job.
    let jobRanks: [Int]
    /// By rank in the whole job.
    let hostNames: [String]
    /// Whether several threads may call MPI at the same time.
    let allowsThreads: Bool
    /// Largest tag of a message.
    let largestTag: Int
    /// What this process has sent, over all its groups.
    let sentMessages: SentMessages
    /// Carries the workers' messages and the collective operations of the processes. A duplicate of MPI_COMM_WORLD or
    /// of a part of it, so that no other library receives the messages.
    let communicator: couplet_mpi_comm
    /// Carries `ControlMessage`s.
    private let controlCommunicator: couplet_mpi_comm

    /// Initialises MPI for the whole job, with thread level MULTIPLE if several threads communicate, otherwise
    /// SERIALIZED.
    convenience init(severalThreads: Bool) throws {
        let level = severalThreads ? Int32(MPI_THREAD_MULTIPLE) : Int32(MPI_THREAD_SERIALIZED)
        var granted: Int32 = 0
        try Self.checked("MPI_Init_thread", "this process") { MPI_Init_thread(nil, nil, level, &granted) }
        let world = couplet_mpi_comm_world()
        try Self.returnErrors(of: world, "this process")
        var size: Int32 = 0
        try Self.checked("MPI_Comm_size", "this process") { MPI_Comm_size(world.value, &size) }
        try self.init(
            communicator: Self.duplicate(world), allowsThreads: granted >= Int32(MPI_THREAD_MULTIPLE),
            jobRanks: Array(0..<Int(size)), hostNames: Self.hostNames(world, count: Int(size)),
            sentMessages: SentMessages(processes: Int(size)))
    }

    /// Takes ownership of a communicator.
    private init(
        communicator: couplet_mpi_comm, allowsThreads: Bool, jobRanks: [Int], hostNames: [String],
        sentMessages: SentMessages
    ) throws {
        var rank: Int32 = 0
        try Self.checked("MPI_Comm_rank", "this process") { MPI_Comm_rank(communicator.value, &rank) }
        self.rank = Int(rank)
        self.jobRanks = jobRanks
        self.hostNames = hostNames
        self.sentMessages = sentMessages
        self.allowsThreads = allowsThreads
        self.communicator = communicator
        size = jobRanks.count
        controlCommunicator = try Self.duplicate(communicator)
        var value: UnsafeMutableRawPointer?
        var isSet: Int32 = 0
        try Self.checked("MPI_Comm_get_attr", "rank \(rank)") {
            MPI_Comm_get_attr(communicator.value, Int32(MPI_TAG_UB), &value, &isSet)
        }
        // The MPI standard guarantees tags up to 32,767.
        largestTag = isSet != 0 ? value.map { Int($0.load(as: Int32.self)) } ?? 32_767 : 32_767
    }

    /// The host name of each process, cut to 64 bytes.
    private static func hostNames(_ world: couplet_mpi_comm, count: Int) throws -> [String] {
        let length = 64
        let localName = MessageBuffer(count: Int(MPI_MAX_PROCESSOR_NAME) + length),
            names = MessageBuffer(count: length * count)
        localName.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        var localLength: Int32 = 0
        try checked("MPI_Get_processor_name", "this process") {
            MPI_Get_processor_name(localName.bytes.baseAddress?.assumingMemoryBound(to: CChar.self), &localLength)
        }
        try checked("MPI_Allgather", "\(count) ranks") {
            MPI_Allgather(
                localName.bytes.baseAddress, Int32(length), couplet_mpi_byte(), names.bytes.baseAddress, Int32(length),
                couplet_mpi_byte(), world.value)
        }
        return (0..<count).map { rank in
            String(decoding: names.bytes[(length * rank)..<(length * (rank + 1))].prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// A new communicator of the same processes; its messages are separate. All processes call it.
    static func duplicate(_ communicator: couplet_mpi_comm) throws -> couplet_mpi_comm {
        var copy = couplet_mpi_comm()
        try checked("MPI_Comm_dup", "this process") { MPI_Comm_dup(communicator.value, &copy.value) }
        try returnErrors(of: copy, "this process")
        return copy
    }

    /// Makes MPI return error codes for this communicator instead of ending the job.
    private static func returnErrors(of communicator: couplet_mpi_comm, _ participants: String) throws {
        try checked("MPI_Comm_set_errhandler", participants) {
            MPI_Comm_set_errhandler(communicator.value, couplet_mpi_errors_return())
        }
    }

    /// The group of the processes with the same color as this one, numbered by their rank here; nil if there is only
    /// one. All processes of this group call it.
    ///
    /// - Parameter colors: by rank.
    func split(colors: [Int]) throws -> MPIContext? {
        let ranks = colors.indices.filter { colors[$0] == colors[rank] }
        var part = couplet_mpi_comm()
        try Self.checked("MPI_Comm_split", rankOfGroup) {
            MPI_Comm_split(
                communicator.value, ranks.count > 1 ? Int32(ranks[0]) : Int32(MPI_UNDEFINED), Int32(rank), &part.value)
        }
        guard ranks.count > 1 else { return nil }
        try Self.returnErrors(of: part, rankOfGroup)
        return try MPIContext(
            communicator: part, allowsThreads: allowsThreads, jobRanks: ranks.map { jobRanks[$0] },
            hostNames: hostNames,
            sentMessages: sentMessages)
    }

    /// The same processes with new communicators, which no earlier message can reach. All processes call it. The old
    /// communicators are not freed, because they still hold messages that were never received.
    func renewed() throws -> MPIContext {
        try MPIContext(
            communicator: Self.duplicate(communicator), allowsThreads: allowsThreads, jobRanks: jobRanks,
            hostNames: hostNames, sentMessages: sentMessages)
    }

    /// "rank 1 of 4", in the group.
    var rankOfGroup: String { "rank \(rank) of \(size)" }
    /// "rank 5 of 8", in the whole job.
    var rankOfJob: String { "rank \(jobRanks[rank]) of \(hostNames.count)" }
    /// By rank in this group: "rank 5 on node7", with the rank in the whole job.
    var processNames: [String] { jobRanks.map { "rank \($0) on \(hostNames[$0])" } }

    /// What the MPI library that runs says of itself; needs no initialisation.
    static var libraryVersion: String {
        text(capacity: MPI_MAX_LIBRARY_VERSION_STRING) { MPI_Get_library_version($0, &$1) } ?? "unknown"
    }

    /// Name and version of the MPI whose header the program is built with.
    static var headerVersion: String { String(cString: couplet_mpi_header()) }

    /// Makes an MPI call.
    ///
    /// - Throws: `CollectiveError` (`mpi`) with the name of the call, its participants and MPI's text, if the return
    ///   code is not 0.
    static func checked(_ call: String, _ participants: @autoclosure () -> String, _ body: () -> Int32) throws {
        let code = body()
        guard code != 0 else { return }
        let reason = text(capacity: MPI_MAX_ERROR_STRING) { MPI_Error_string(code, $0, &$1) } ?? "error code \(code)"
        throw CollectiveError(.mpi(code: code), call: call, participants: participants(), reason: reason)
    }

    /// The text that an MPI call writes; nil if the call fails.
    private static func text(
        capacity: Int32, _ write: (UnsafeMutablePointer<CChar>?, inout Int32) -> Int32
    ) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(capacity) + 1) { text in
            var length: Int32 = 0
            guard write(text.baseAddress, &length) == 0 else { return nil }
            text[Int(length)] = 0
            return text.baseAddress.map { String(cString: $0) }
        }
    }

    // MARK: - Messages outside the collective operations

    /// A message that `matchedProbe` has found. Exactly one receive must follow.
    struct MatchedMessage {
        var handle: couplet_mpi_message
        let source: Int
        let count: Int32
    }

    /// Finds an incoming message without receiving it; nil if there is none. Does not wait.
    static func matchedProbe(
        source: Int32, tag: Int32, on communicator: couplet_mpi_comm, _ participants: @autoclosure () -> String
    ) throws -> MatchedMessage? {
        var message = couplet_mpi_message()
        var status = MPI_Status()
        var isFound: Int32 = 0, count: Int32 = 0
        try checked("MPI_Improbe", participants()) {
            MPI_Improbe(source, tag, communicator.value, &isFound, &message.value, &status)
        }
        guard isFound != 0 else { return nil }
        try checked("MPI_Get_count", participants()) { MPI_Get_count(&status, couplet_mpi_byte(), &count) }
        return MatchedMessage(handle: message, source: Int(status.MPI_SOURCE), count: count)
    }

    /// Starts to send a control message; does not wait.
    func sendControlMessage(_ message: ControlMessage, to receiver: Int) throws -> MPIRequests {
        let requests = MPIRequests(mpi: self, communicator: controlCommunicator, partner: receiver)
        let bytes = message.bytes, buffer = MessageBuffer(bytes)
        try requests.send(UnsafeRawBufferPointer(buffer.prefix(bytes.count)), tag: 0, owner: buffer)
        return requests
    }

    /// Receives one control message, if one has arrived.
    func receiveControlMessage() throws -> (bytes: [UInt8], sender: Int)? {
        let found = try Self.matchedProbe(
            source: Int32(MPI_ANY_SOURCE), tag: Int32(MPI_ANY_TAG), on: controlCommunicator, rankOfGroup)
        guard var message = found else { return nil }
        let buffer = MessageBuffer(count: Int(message.count))
        try Self.checked("MPI_Mrecv", "rank \(message.source) to \(rankOfGroup), \(message.count) bytes") {
            MPI_Mrecv(
                buffer.bytes.baseAddress, message.count, couplet_mpi_byte(), &message.handle.value,
                couplet_mpi_status_ignore())
        }
        return (Array(buffer.prefix(Int(message.count))), message.source)
    }

    // MARK: - End

    /// Frees the communicators of a part of a job. All its processes call it.
    func free() throws {
        for communicator in [communicator, controlCommunicator] {
            var freed = communicator
            try Self.checked("MPI_Comm_free", rankOfGroup) { MPI_Comm_free(&freed.value) }
        }
    }

    /// Ends the use of MPI in this process, for all groups.
    func finalize() throws {
        try Self.checked("MPI_Finalize", rankOfGroup) { MPI_Finalize() }
    }

    /// Ends all processes of the job, if MPI is in use.
    static func abort(exitCode: Int32) {
        var isInitialized: Int32 = 0, isFinalized: Int32 = 0
        guard MPI_Initialized(&isInitialized) == 0, isInitialized != 0, MPI_Finalized(&isFinalized) == 0,
            isFinalized == 0
        else { return }
        // After MPI_Abort, the launcher drops output that it has not read yet. This gives it time to read the error
        // message.
        usleep(200_000)
        _ = MPI_Abort(couplet_mpi_comm_world().value, exitCode)
    }
}
