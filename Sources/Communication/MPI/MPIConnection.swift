import CoupletTensors

/// The link between threads of two processes: MPI, with a tag for each pair of threads, lane and group. A message is an
/// envelope and then its
/// content, if it has any; MPI keeps messages of one tag in order.
final class MPIConnection: Link {
    let isRemote = true
    let rank: Int
    let partner: Int
    let signal: AbortSignal
    private let worker: Worker
    private let messagePassing: MPIContext
    private let member: WorkerID
    private let sendTags: [Int32]
    private let receiveTags: [Int32]
    /// By lane, what was posted last.
    private var posted: [(envelope: MessageHeader, requests: MPIRequests)?] = Array(repeating: nil, count: Lane.count)

    init(
        worker: Worker, messagePassing: MPIContext, tags: TagLayout, rank: Int, partner: Int, member: WorkerID,
        context: Int,
        signal: AbortSignal
    ) {
        self.worker = worker
        self.messagePassing = messagePassing
        self.rank = rank
        self.partner = partner
        self.signal = signal
        self.member = member
        let mine = worker.member.thread
        sendTags = (0..<Lane.count).map { tags.tag(context: context, lane: $0, sender: mine, receiver: member.thread) }
        receiveTags = (0..<Lane.count).map {
            tags.tag(context: context, lane: $0, sender: member.thread, receiver: mine)
        }
    }

    private func wait(_ envelope: MessageHeader, until isDone: () throws -> Bool) throws {
        try worker.wait(
            polls: true, call: envelope.call, partner: member,
            check: { try signal.check(call: envelope.call, place: "worker \(rank), waiting for worker \(partner)") },
            until: isDone)
    }

    func requests() -> MPIRequests {
        MPIRequests(messagePassing: messagePassing, communicator: messagePassing.communicator, partner: member.process)
    }

    func send(_ envelope: MessageHeader, lane: Int, in requests: MPIRequests) throws {
        let memory = MessageBuffer(envelope)
        try requests.send(UnsafeRawBufferPointer(memory.bytes), tag: sendTags[lane], owner: memory)
    }

    func receiveEnvelope(lane: Int, in requests: MPIRequests) throws -> MessageBuffer {
        let memory = MessageBuffer(count: MemoryLayout<MessageHeader>.size)
        try requests.receive(memory.bytes, tag: receiveTags[lane], owner: memory)
        return memory
    }

    func send(_ tensor: Tensor, lane: Int, in requests: MPIRequests) throws {
        try requests.send(
            UnsafeRawBufferPointer(UnsafeBufferPointer(start: tensor.pointer, count: tensor.count)),
            tag: sendTags[lane],
            owner: tensor.storage)
    }

    func receive(_ tensor: Tensor, lane: Int, in requests: MPIRequests) throws {
        try requests.receive(
            UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(start: tensor.pointer, count: tensor.count)),
            tag: receiveTags[lane], owner: tensor.storage)
    }

    func post(_ envelope: MessageHeader, bytes: [UInt8], lane: Int) throws {
        try reclaim(lane: lane)
        let requests = requests(), memory = MessageBuffer(bytes)
        try send(envelope, lane: lane, in: requests)
        try requests.send(UnsafeRawBufferPointer(memory.first(bytes.count)), tag: sendTags[lane], owner: memory)
        posted[lane] = (envelope, requests)
    }

    func post(_ envelope: MessageHeader, tensor: Tensor, lane: Int) throws {
        try reclaim(lane: lane)
        let requests = requests()
        try send(envelope, lane: lane, in: requests)
        try send(tensor, lane: lane, in: requests)
        posted[lane] = (envelope, requests)
    }

    func reclaim(lane: Int) throws {
        guard let last = posted[lane] else { return }
        try wait(last.envelope) { try last.requests.areDone() }
        posted[lane] = nil
    }

    private func receiveEnvelope(_ expected: MessageHeader, sameCount: Bool, lane: Int) throws -> MessageHeader {
        let requests = requests(), memory = try receiveEnvelope(lane: lane, in: requests)
        try wait(expected) { try requests.areDone() }
        try expected.expect(memory.envelope, from: partner, to: rank, sameCount: sameCount)
        return memory.envelope
    }

    func receive(_ expected: MessageHeader, lane: Int) throws -> (envelope: MessageHeader, bytes: [UInt8]) {
        let envelope = try receiveEnvelope(expected, sameCount: false, lane: lane)
        if envelope.isCheck || envelope.count == 0 { return (envelope, []) }
        let requests = requests(), memory = MessageBuffer(count: Int(envelope.count))
        try requests.receive(memory.bytes, tag: receiveTags[lane], owner: memory)
        try wait(expected) { try requests.areDone() }
        return (envelope, Array(memory.bytes))
    }

    func receive(_ expected: MessageHeader, into tensor: Tensor, lane: Int) throws {
        _ = try receiveEnvelope(expected, sameCount: true, lane: lane)
        let requests = requests()
        try receive(tensor, lane: lane, in: requests)
        try wait(expected) { try requests.areDone() }
    }

    func beginTransfer(_ envelope: MessageHeader, lane: Int, outgoing: Tensor, destination: Tensor?) throws
        -> any Transfer
    {
        try MPITransfer(
            link: self, scratch: worker.scratch, envelope: envelope, lane: lane, outgoing: outgoing,
            destination: destination)
    }

    func beginExchange(_ outgoing: Tensor, spare: Tensor) throws -> any PendingExchange {
        let envelope = MessageHeader(.exchange, count: outgoing.count, worker: rank)
        let transfer = try beginTransfer(envelope, lane: Lane.exchange, outgoing: outgoing, destination: spare)
        return MPIExchange(link: self, transfer: transfer, outgoing: outgoing, spare: spare)
    }

    func finish(_ transfer: any Transfer, _ envelope: MessageHeader) throws {
        try wait(envelope) { try transfer.advance { _, _ in } && transfer.isReclaimed() }
    }
}
