import CoupletTensors

/// The connection between two threads of different processes: MPI messages, with a tag for each group, channel and pair
/// of threads.
///
/// A message is a header, then its content, if it has any. MPI keeps messages of one tag in order.
final class MPIConnection: PeerConnection {
    let isRemote = true
    let rank: Int
    let partner: Int
    let abortSignal: AbortSignal
    let worker: Worker
    private let mpi: MPIContext
    private let partnerID: WorkerID
    /// By channel.
    private let sendTags: [Int32]
    private let receiveTags: [Int32]
    /// By channel, the last message that may not be sent yet.
    private var pendingSends: [(header: MessageHeader, requests: MPIRequests)?] = Array(
        repeating: nil, count: Channel.count)

    init(
        worker: Worker, mpi: MPIContext, tags: TagLayout, rank: Int, partner: Int, partnerID: WorkerID, context: Int,
        abortSignal: AbortSignal
    ) {
        self.worker = worker
        self.mpi = mpi
        self.rank = rank
        self.partner = partner
        self.abortSignal = abortSignal
        self.partnerID = partnerID
        let thread = worker.id.thread
        sendTags = (0..<Channel.count).map {
            tags.tag(context: context, channel: $0, sender: thread, receiver: partnerID.thread)
        }
        receiveTags = (0..<Channel.count).map {
            tags.tag(context: context, channel: $0, sender: partnerID.thread, receiver: thread)
        }
    }

    func wait(_ header: MessageHeader, until isDone: () throws -> Bool) throws {
        try worker.wait(
            pollsMPI: true, call: header.call, partner: partnerID,
            check: {
                try abortSignal.throwIfRaised(
                    call: header.call, participants: "worker \(rank), waiting for worker \(partner)")
            }, until: isDone)
    }

    // MARK: - Start of sends and receives

    func newRequests() -> MPIRequests {
        MPIRequests(mpi: mpi, communicator: mpi.communicator, partner: partnerID.process)
    }

    func startSend(_ header: MessageHeader, channel: Int, in requests: MPIRequests) throws {
        let buffer = MessageBuffer(header)
        try requests.send(UnsafeRawBufferPointer(buffer.bytes), tag: sendTags[channel], owner: buffer)
    }

    func startSend(_ tensor: Tensor, channel: Int, in requests: MPIRequests) throws {
        try requests.send(
            UnsafeRawBufferPointer(UnsafeBufferPointer(start: tensor.pointer, count: tensor.count)),
            tag: sendTags[channel],
            owner: tensor.storage)
    }

    /// Returns the buffer that holds the header when the requests are complete.
    func startHeaderReceive(channel: Int, in requests: MPIRequests) throws -> MessageBuffer {
        let buffer = MessageBuffer(count: MemoryLayout<MessageHeader>.size)
        try requests.receive(buffer.bytes, tag: receiveTags[channel], owner: buffer)
        return buffer
    }

    func startReceive(_ tensor: Tensor, channel: Int, in requests: MPIRequests) throws {
        try requests.receive(
            UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(start: tensor.pointer, count: tensor.count)),
            tag: receiveTags[channel], owner: tensor.storage)
    }

    // MARK: - Messages

    func send(_ header: MessageHeader, bytes: [UInt8], channel: Int) throws {
        try completeSend(channel: channel)
        worker.traffic.count(bytes)
        let requests = newRequests(), buffer = MessageBuffer(bytes)
        try startSend(header, channel: channel, in: requests)
        try requests.send(UnsafeRawBufferPointer(buffer.prefix(bytes.count)), tag: sendTags[channel], owner: buffer)
        pendingSends[channel] = (header, requests)
    }

    func send(_ header: MessageHeader, tensor: Tensor, channel: Int) throws {
        try completeSend(channel: channel)
        worker.traffic.count([tensor])
        let requests = newRequests()
        try startSend(header, channel: channel, in: requests)
        try startSend(tensor, channel: channel, in: requests)
        pendingSends[channel] = (header, requests)
    }

    func completeSend(channel: Int) throws {
        guard let last = pendingSends[channel] else { return }
        try wait(last.header) { try last.requests.areDone() }
        pendingSends[channel] = nil
    }

    private func receiveHeader(_ expected: MessageHeader, sameCount: Bool, channel: Int) throws -> MessageHeader {
        let requests = newRequests(), buffer = try startHeaderReceive(channel: channel, in: requests)
        try wait(expected) { try requests.areDone() }
        try expected.validate(buffer.header, from: partner, to: rank, sameCount: sameCount)
        return buffer.header
    }

    func receive(_ expected: MessageHeader, channel: Int) throws -> (header: MessageHeader, bytes: [UInt8]) {
        let header = try receiveHeader(expected, sameCount: false, channel: channel)
        if header.isCountCheck || header.count == 0 { return (header, []) }
        let requests = newRequests(), buffer = MessageBuffer(count: Int(header.count))
        try requests.receive(buffer.bytes, tag: receiveTags[channel], owner: buffer)
        try wait(expected) { try requests.areDone() }
        return (header, Array(buffer.bytes))
    }

    func receive(_ expected: MessageHeader, into tensor: Tensor, channel: Int) throws {
        _ = try receiveHeader(expected, sameCount: true, channel: channel)
        let requests = newRequests()
        try startReceive(tensor, channel: channel, in: requests)
        try wait(expected) { try requests.areDone() }
    }

    // MARK: - Transfers

    func beginTransfer(_ header: MessageHeader, channel: Int, outgoing: Tensor, destination: Tensor?) throws
        -> any Transfer
    {
        worker.traffic.count([outgoing])
        return try MPITransfer(
            connection: self, bufferPool: worker.bufferPool, header: header, channel: channel, outgoing: outgoing,
            destination: destination)
    }

    func beginSend(_ tensors: [Tensor], channel: Int) throws -> any PendingSend {
        let header = MessageHeader(.send, count: tensors.reduce(0) { $0 + $1.count }, worker: rank)
        worker.traffic.count(tensors)
        let requests = newRequests()
        try startSend(header, channel: channel, in: requests)
        for tensor in tensors { try startSend(tensor, channel: channel, in: requests) }
        return MPISend(connection: self, header: header, requests: requests)
    }

    func beginReceive(counts: [Int], channel: Int, into landing: () -> [Tensor]) throws -> any PendingReceive {
        let tensors = landing()
        precondition(tensors.map(\.count) == counts, "memory of \(tensors.map(\.count)) numbers for \(counts)")
        return try MPIReceive(connection: self, tensors: tensors, channel: channel)
    }
}

/// A transfer between two processes. All numbers are sent at once. They are received in place, or, for a sum, in
/// pieces, so that one piece is added while the next ones arrive.
private final class MPITransfer: Transfer {
    /// Number of pieces that are received at the same time.
    private static let window = 3

    private let connection: MPIConnection
    private let bufferPool: BufferPool
    private let header: MessageHeader
    private let channel: Int
    private let count: Int
    private let destination: Tensor?
    private let sends: MPIRequests
    private let headerReceive: MPIRequests
    private let headerBuffer: MessageBuffer
    private var isHeaderValid = false
    /// Pieces that are being received, oldest first.
    private var receives: [(requests: MPIRequests, memory: Tensor, range: Range<Int>)] = []
    /// Offset of the next piece.
    private var nextStart = 0

    init(
        connection: MPIConnection, bufferPool: BufferPool, header: MessageHeader, channel: Int, outgoing: Tensor,
        destination: Tensor?
    ) throws {
        self.connection = connection
        self.bufferPool = bufferPool
        self.header = header
        self.channel = channel
        self.destination = destination
        count = outgoing.count
        precondition(
            destination == nil || destination?.count == count,
            "outgoing has \(count) numbers, destination \(destination?.count ?? 0)")
        headerReceive = connection.newRequests()
        headerBuffer = try connection.startHeaderReceive(channel: channel, in: headerReceive)
        sends = connection.newRequests()
        if destination != nil { try startNextReceive() }
        while destination == nil, nextStart < count, receives.count < Self.window { try startNextReceive() }
        try connection.startSend(header, channel: channel, in: sends)
        let step = destination == nil ? BufferPool.bufferCount : max(count, 1)
        for start in stride(from: 0, to: count, by: step) {
            try connection.startSend(outgoing.flat(start..<min(start + step, count)), channel: channel, in: sends)
        }
    }

    private func startNextReceive() throws {
        let requests = connection.newRequests()
        let end = destination == nil ? min(nextStart + BufferPool.bufferCount, count) : count
        let memory = destination ?? bufferPool.take()
        try connection.startReceive(memory.flat(0..<(end - nextStart)), channel: channel, in: requests)
        receives.append((requests, memory, nextStart..<end))
        nextStart = end
    }

    func advance(_ use: (UnsafePointer<Float>, Range<Int>) -> Void) throws -> Bool {
        if !isHeaderValid {
            guard try headerReceive.areDone() else { return false }
            try header.validate(headerBuffer.header, from: connection.partner, to: connection.rank, sameCount: true)
            isHeaderValid = true
        }
        while let oldest = receives.first {
            guard try oldest.requests.areDone() else { return false }
            receives.removeFirst()
            withExtendedLifetime(oldest.memory) { use(oldest.memory.pointer, oldest.range) }
            if destination == nil { bufferPool.put(oldest.memory) }
            if nextStart < count { try startNextReceive() }
        }
        return true
    }

    func isSendComplete() throws -> Bool { try sends.areDone() }
}

/// A send to another process.
private final class MPISend: PendingSend {
    private let connection: MPIConnection
    private let header: MessageHeader
    private let requests: MPIRequests

    init(connection: MPIConnection, header: MessageHeader, requests: MPIRequests) {
        self.connection = connection
        self.header = header
        self.requests = requests
    }

    func isComplete() throws -> Bool {
        try connection.abortSignal.throwIfRaised(
            call: header.call, participants: "worker \(connection.rank), sending to worker \(connection.partner)")
        return try requests.areDone()
    }

    func finish() throws { try connection.wait(header) { try requests.areDone() } }
}

/// A receive from another process: its header, then its tensors.
private final class MPIReceive: PendingReceive {
    private let connection: MPIConnection
    private let header: MessageHeader
    private let tensors: [Tensor]
    private let headerReceive: MPIRequests, tensorReceives: MPIRequests
    private let headerBuffer: MessageBuffer
    private var isHeaderValid = false

    init(connection: MPIConnection, tensors: [Tensor], channel: Int) throws {
        self.connection = connection
        self.tensors = tensors
        header = MessageHeader(.send, count: tensors.reduce(0) { $0 + $1.count }, worker: connection.rank)
        headerReceive = connection.newRequests()
        headerBuffer = try connection.startHeaderReceive(channel: channel, in: headerReceive)
        tensorReceives = connection.newRequests()
        for tensor in tensors { try connection.startReceive(tensor, channel: channel, in: tensorReceives) }
    }

    private func areDone() throws -> Bool {
        if !isHeaderValid {
            guard try headerReceive.areDone() else { return false }
            try header.validate(headerBuffer.header, from: connection.partner, to: connection.rank, sameCount: true)
            isHeaderValid = true
        }
        return try tensorReceives.areDone()
    }

    func isComplete() throws -> Bool {
        try connection.abortSignal.throwIfRaised(
            call: header.call, participants: "worker \(connection.rank), receiving from worker \(connection.partner)")
        return try areDone()
    }

    func finish() throws -> [Tensor] {
        try connection.wait(header) { try areDone() }
        return tensors
    }
}

/// Receive buffers that a worker reuses.
final class BufferPool {
    /// Number of floats of a buffer, 1 MiB: long enough for full bandwidth, short enough to stay in the cache until it
    /// is added.
    static let bufferCount = 256 << 10

    private var free: [Tensor] = []

    func take() -> Tensor { free.popLast() ?? Tensor([Self.bufferCount]) }

    func put(_ buffer: Tensor) { free.append(buffer) }
}

/// Computes the tag of a message from its group, channel, sending thread and receiving thread. Each combination has its
/// own tag.
package struct TagLayout {
    private let threadBits: Int
    /// Number of groups with distinct tags. Group number c > 0 shares its tags with group c + groups - 1; group 0
    /// shares its tags with none.
    private let groups: Int

    /// - Throws: `CollectiveError` (`launch`) if the tags up to `largestTag` are not enough for two groups.
    package init(threads: Int, largestTag: Int) throws {
        threadBits = Int.bitWidth - (threads - 1).leadingZeroBitCount
        groups = (largestTag + 1) / (Channel.count << (2 * threadBits))
        guard groups >= 2 else {
            throw CollectiveError(
                .launch, call: "run", participants: "this process",
                reason: "\(threads) threads per process need more message tags than this MPI has (\(largestTag))",
                remedy: "take fewer threads and more ranks")
        }
    }

    package func tag(context: Int, channel: Int, sender: Int, receiver: Int) -> Int32 {
        let group = context == 0 ? 0 : 1 + (context - 1) % (groups - 1)
        return Int32((((group * Channel.count + channel) << threadBits) | sender) << threadBits | receiver)
    }
}
