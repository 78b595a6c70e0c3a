import CMPI

/// A set of MPI requests, used by one thread at a time, with the objects that own their memory.
///
/// If unfinished requests are dropped because another worker has failed, their memory is leaked: MPI may read or write
/// it until the process ends.
final class MPIRequests: @unchecked Sendable {
    /// Largest message in bytes. MPI counts bytes in 31 bits.
    private static let largestMessage = 1 << 30

    private let mpi: MPIContext
    private let communicator: couplet_mpi_comm
    private let partner: Int
    private var requests: [couplet_mpi_request] = []
    private var owners: [AnyObject] = []

    init(mpi: MPIContext, communicator: couplet_mpi_comm, partner: Int) {
        self.mpi = mpi
        self.communicator = communicator
        self.partner = partner
    }

    deinit {
        if !requests.isEmpty { for owner in owners { _ = Unmanaged.passRetained(owner) } }
    }

    private var participants: String { "rank \(mpi.rank) to rank \(partner)" }

    /// Starts to send `bytes`, in messages of at most `largestMessage` bytes; sends no message for no bytes.
    func send(_ bytes: UnsafeRawBufferPointer, tag: Int32, owner: AnyObject) throws {
        owners.append(owner)
        for start in stride(from: 0, to: bytes.count, by: Self.largestMessage) {
            let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + Self.largestMessage, bytes.count)])
            var request = couplet_mpi_request()
            try MPIContext.checked("MPI_Isend", "\(participants), \(piece.count) bytes") {
                MPI_Isend(
                    piece.baseAddress, Int32(piece.count), couplet_mpi_byte(), Int32(partner), tag,
                    communicator.value, &request.value)
            }
            requests.append(request)
            mpi.sentMessages.add(bytes: piece.count, to: mpi.jobRanks[partner])
        }
    }

    /// Starts to receive `bytes.count` bytes, which the partner sends by one call of `send`.
    func receive(_ bytes: UnsafeMutableRawBufferPointer, tag: Int32, owner: AnyObject) throws {
        owners.append(owner)
        for start in stride(from: 0, to: bytes.count, by: Self.largestMessage) {
            let piece = UnsafeMutableRawBufferPointer(
                rebasing: bytes[start..<min(start + Self.largestMessage, bytes.count)])
            var request = couplet_mpi_request()
            try MPIContext.checked("MPI_Irecv", "\(participants), \(piece.count) bytes") {
                MPI_Irecv(
                    piece.baseAddress, Int32(piece.count), couplet_mpi_byte(), Int32(partner), tag,
                    communicator.value, &request.value)
            }
            requests.append(request)
        }
    }

    /// Whether all requests are complete. Does not wait.
    func areDone() throws -> Bool {
        while let last = requests.last {
            var request = last, isDone: Int32 = 0
            try MPIContext.checked("MPI_Test", participants) {
                MPI_Test(&request.value, &isDone, couplet_mpi_status_ignore())
            }
            if isDone == 0 { return false }
            requests.removeLast()
        }
        owners = []
        return true
    }
}

/// Bytes at a fixed address, which MPI may read or write during a call.
final class MessageBuffer {
    let bytes: UnsafeMutableRawBufferPointer

    init(count: Int) { bytes = .allocate(byteCount: max(count, 1), alignment: 64) }

    convenience init(_ content: [UInt8]) {
        self.init(count: content.count)
        bytes.copyBytes(from: content)
    }

    convenience init(_ header: MessageHeader) {
        self.init(count: MemoryLayout<MessageHeader>.size)
        bytes.storeBytes(of: header, as: MessageHeader.self)
    }

    deinit { bytes.deallocate() }

    /// The first `count` bytes. The buffer of an empty message has one byte more than its content.
    func prefix(_ count: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: bytes[0..<count])
    }

    var header: MessageHeader { bytes.load(as: MessageHeader.self) }
}
