import CMPI

/// Requests of MPI that belong together, used by one thread at a time, and what their memory belongs to. If they are given up unfinished
/// (another worker failed), the memory is never freed: MPI may read or write it until the process ends.
final class MPIRequests: @unchecked Sendable {
    private let messagePassing: MPIContext
    private let communicator: MPI_Comm
    private let partner: Int
    private var requests: [MPI_Request?] = []
    private var memory: [AnyObject] = []

    init(messagePassing: MPIContext, communicator: MPI_Comm, partner: Int) {
        self.messagePassing = messagePassing
        self.communicator = communicator
        self.partner = partner
    }

    deinit {
        if !requests.isEmpty { for object in memory { _ = Unmanaged.passRetained(object) } }
    }

    /// The largest message; MPI counts bytes in 31 bits.
    static let largestMessage = 1 << 30

    private var place: String { "rank \(messagePassing.rank) to rank \(partner)" }

    /// Sends in messages of at most `largestMessage` bytes; none for no bytes.
    func send(_ bytes: UnsafeRawBufferPointer, tag: Int32, owner: AnyObject) throws {
        memory.append(owner)
        for start in stride(from: 0, to: bytes.count, by: Self.largestMessage) {
            let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + Self.largestMessage, bytes.count)])
            var request: MPI_Request?
            try MPIContext.checked("MPI_Isend", "\(place), \(piece.count) bytes") {
                MPI_Isend(
                    piece.baseAddress, Int32(piece.count), couplet_mpi_byte(), Int32(partner), tag, communicator,
                    &request)
            }
            requests.append(request)
        }
    }

    /// Receives what `send` sends with as many bytes.
    func receive(_ bytes: UnsafeMutableRawBufferPointer, tag: Int32, owner: AnyObject) throws {
        memory.append(owner)
        for start in stride(from: 0, to: bytes.count, by: Self.largestMessage) {
            let piece = UnsafeMutableRawBufferPointer(
                rebasing: bytes[start..<min(start + Self.largestMessage, bytes.count)])
            var request: MPI_Request?
            try MPIContext.checked("MPI_Irecv", "\(place), \(piece.count) bytes") {
                MPI_Irecv(
                    piece.baseAddress, Int32(piece.count), couplet_mpi_byte(), Int32(partner), tag, communicator,
                    &request)
            }
            requests.append(request)
        }
    }

    /// Whether all have ended. Does not wait.
    func areDone() throws -> Bool {
        while let last = requests.last {
            var request = last, isDone: Int32 = 0
            try MPIContext.checked("MPI_Test", place) { MPI_Test(&request, &isDone, couplet_mpi_status_ignore()) }
            if isDone == 0 { return false }
            requests.removeLast()
        }
        memory = []
        return true
    }
}
