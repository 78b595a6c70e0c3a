import CoupletTensors

/// The link between two threads of one process: each reads the other's memory.
final class SharedMemoryConnection: Link {
    let isRemote = false
    /// The worker numbers of both in their group.
    let rank: Int
    let partner: Int
    let outgoing: [Mailbox]
    let incoming: [Mailbox]
    let signal: AbortSignal
    private let worker: Worker
    private let member: WorkerID
    private let partnerDoorbell: EventCount
    /// By lane, whether the last message lends a tensor.
    private var isLent = [Bool](repeating: false, count: Lane.count)
    private var exchangesBegun = 0
    private var exchangesFinished = 0

    init(worker: Worker, rank: Int, partner: Int, member: WorkerID, context: Int, signal: AbortSignal) {
        self.worker = worker
        self.rank = rank
        self.partner = partner
        self.signal = signal
        self.member = member
        outgoing = worker.board.mailboxes(context: context, from: worker.member.thread, to: member.thread)
        incoming = worker.board.mailboxes(context: context, from: member.thread, to: worker.member.thread)
        partnerDoorbell = worker.board.doorbells[member.thread]
    }

    private func wait(_ envelope: MessageHeader, until isDone: () -> Bool) throws {
        try worker.wait(
            polls: false, call: envelope.call, partner: member,
            check: { try signal.check(call: envelope.call, place: "worker \(rank), waiting for worker \(partner)") },
            until: isDone)
    }

    func post(_ envelope: MessageHeader, bytes: [UInt8], lane: Int) throws {
        try wait(envelope) { outgoing[lane].isTaken }
        outgoing[lane].post(envelope, bytes: bytes)
        partnerDoorbell.ring()
        isLent[lane] = false
    }

    func post(_ envelope: MessageHeader, tensor: Tensor, lane: Int) throws {
        try wait(envelope) { outgoing[lane].isTaken }
        outgoing[lane].post(envelope, tensor: tensor)
        partnerDoorbell.ring()
        isLent[lane] = true
    }

    func reclaim(lane: Int) throws {
        if isLent[lane] { try wait(outgoing[lane].envelope) { outgoing[lane].isTaken } }
    }

    func receive(_ expected: MessageHeader, lane: Int) throws -> (envelope: MessageHeader, bytes: [UInt8]) {
        let mailbox = incoming[lane]
        try wait(expected) { mailbox.isFull }
        let message = (mailbox.envelope, mailbox.bytes)
        try expected.expect(message.0, from: partner, to: rank, sameCount: false)
        take(lane: lane)
        return message
    }

    func receive(_ expected: MessageHeader, into tensor: Tensor, lane: Int) throws {
        let mailbox = incoming[lane]
        try wait(expected) { mailbox.isFull }
        try expected.expect(mailbox.envelope, from: partner, to: rank, sameCount: true)
        tensor.copy(from: lent(lane))
        take(lane: lane)
    }

    /// The tensor that the partner lends, when the mailbox is full of one.
    func lent(_ lane: Int) -> Tensor {
        guard let tensor = incoming[lane].tensor else {
            preconditionFailure("a message without a tensor from worker \(partner)")
        }
        return tensor
    }

    /// Tells the partner that its message has been read.
    func take(lane: Int) {
        incoming[lane].take()
        partnerDoorbell.ring()
    }

    func beginTransfer(_ envelope: MessageHeader, lane: Int, outgoing: Tensor, destination: Tensor?) throws
        -> any Transfer
    {
        try post(envelope, tensor: outgoing, lane: lane)
        return SharedMemoryTransfer(link: self, envelope: envelope, lane: lane)
    }

    func beginExchange(_ outgoing: Tensor, spare: Tensor) throws -> any PendingExchange {
        exchangesBegun += 1
        return SharedMemoryExchange(link: self, outgoing: outgoing, spare: spare, number: exchangesBegun)
    }

    /// Swaps the tensors. Either thread comes here when it reads its own no more, so what it gets is its own from here on.
    func finishExchange(_ tensor: Tensor, number: Int) throws -> Tensor {
        precondition(
            number == exchangesFinished + 1,
            "exchange \(number) with worker \(partner) finished after \(exchangesFinished)")
        let envelope = MessageHeader(.exchange, count: tensor.count, worker: rank), lane = Lane.exchange
        try post(envelope, tensor: tensor, lane: lane)
        try wait(envelope) { incoming[lane].isFull }
        try envelope.expect(incoming[lane].envelope, from: partner, to: rank, sameCount: true)
        let received = lent(lane)
        take(lane: lane)
        exchangesFinished = number
        return received
    }
}
