import CoupletTensors

/// A transfer between two processes. All is sent at once; what comes is received in place, or, for a sum, in pieces: while
/// one is added the
/// next ones are on their way.
final class MPITransfer: Transfer {
    /// Pieces that are on their way at a time.
    private static let window = 3

    private let link: MPIConnection
    private let scratch: BufferPool
    private let envelope: MessageHeader
    private let lane: Int
    private let count: Int
    private let destination: Tensor?
    private let sends: MPIRequests
    private let header: MPIRequests
    private let headerMemory: MessageBuffer
    private var isChecked = false
    /// Pieces whose receipt has begun and not ended, the oldest first, and where they come.
    private var coming: [(requests: MPIRequests, memory: Tensor, range: Range<Int>)] = []
    private var nextStart = 0

    init(
        link: MPIConnection, scratch: BufferPool, envelope: MessageHeader, lane: Int, outgoing: Tensor,
        destination: Tensor?
    ) throws {
        self.link = link
        self.scratch = scratch
        self.envelope = envelope
        self.lane = lane
        self.destination = destination
        count = outgoing.count
        precondition(
            destination == nil || destination?.count == count,
            "\(count) numbers out, room for \(destination?.count ?? 0)")
        header = link.requests()
        headerMemory = try link.receiveEnvelope(lane: lane, in: header)
        sends = link.requests()
        if destination != nil { try receiveNext() }
        while destination == nil, nextStart < count, coming.count < Self.window { try receiveNext() }
        try link.send(envelope, lane: lane, in: sends)
        let step = destination == nil ? BufferPool.pieceCount : max(count, 1)
        for start in stride(from: 0, to: count, by: step) {
            try link.send(outgoing.flat(start..<min(start + step, count)), lane: lane, in: sends)
        }
    }

    private func receiveNext() throws {
        let requests = link.requests()
        let end = destination == nil ? min(nextStart + BufferPool.pieceCount, count) : count
        let memory = destination ?? scratch.take()
        try link.receive(memory.flat(0..<(end - nextStart)), lane: lane, in: requests)
        coming.append((requests, memory, nextStart..<end))
        nextStart = end
    }

    func advance(_ use: (UnsafePointer<Float>, Range<Int>) -> Void) throws -> Bool {
        if !isChecked {
            guard try header.areDone() else { return false }
            try envelope.expect(headerMemory.envelope, from: link.partner, to: link.rank, sameCount: true)
            isChecked = true
        }
        while let oldest = coming.first {
            guard try oldest.requests.areDone() else { return false }
            coming.removeFirst()
            withExtendedLifetime(oldest.memory) { use(oldest.memory.pointer, oldest.range) }
            if destination == nil { scratch.put(oldest.memory) }
            if nextStart < count { try receiveNext() }
        }
        return true
    }

    func isReclaimed() throws -> Bool { try sends.areDone() }
}
