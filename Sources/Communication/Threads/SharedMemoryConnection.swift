import CoupletTensors
import Synchronization

/// The connection between two threads of one process. Each reads the other's memory.
final class SharedMemoryConnection: PeerConnection {
    let isRemote = false
    /// Worker numbers of both in their group.
    fileprivate let rank: Int
    fileprivate let partner: Int
    /// By channel.
    fileprivate let outgoing: [Mailbox]
    fileprivate let incoming: [Mailbox]
    fileprivate let abortSignal: AbortSignal
    private let worker: Worker
    private let partnerID: WorkerID
    private let partnerEvents: EventCount
    /// By channel, whether the last message lends a tensor to the partner.
    private var lendsTensor = [Bool](repeating: false, count: Channel.count)
    private var exchangesStarted = 0
    private var exchangesFinished = 0

    init(worker: Worker, rank: Int, partner: Int, partnerID: WorkerID, context: Int, abortSignal: AbortSignal) {
        self.worker = worker
        self.rank = rank
        self.partner = partner
        self.abortSignal = abortSignal
        self.partnerID = partnerID
        let thread = worker.id.thread, state = worker.processState
        outgoing = state.mailboxes(context: context, from: thread, to: partnerID.thread)
        incoming = state.mailboxes(context: context, from: partnerID.thread, to: thread)
        partnerEvents = state.events[partnerID.thread]
    }

    private func wait(_ header: MessageHeader, until isDone: () -> Bool) throws {
        try worker.wait(
            pollsMPI: false, call: header.call, partner: partnerID,
            check: {
                try abortSignal.throwIfRaised(
                    call: header.call, participants: "worker \(rank), waiting for worker \(partner)")
            }, until: isDone)
    }

    func send(_ header: MessageHeader, bytes: [UInt8], channel: Int) throws {
        try wait(header) { outgoing[channel].isTaken }
        outgoing[channel].put(header, bytes: bytes)
        partnerEvents.notify()
        lendsTensor[channel] = false
    }

    func send(_ header: MessageHeader, tensor: Tensor, channel: Int) throws {
        try wait(header) { outgoing[channel].isTaken }
        outgoing[channel].put(header, tensor: tensor)
        partnerEvents.notify()
        lendsTensor[channel] = true
    }

    /// Returns at once after a byte message, because the mailbox owns the bytes.
    func completeSend(channel: Int) throws {
        if lendsTensor[channel] { try wait(outgoing[channel].header) { outgoing[channel].isTaken } }
    }

    func receive(_ expected: MessageHeader, channel: Int) throws -> (header: MessageHeader, bytes: [UInt8]) {
        let mailbox = incoming[channel]
        try wait(expected) { mailbox.isFull }
        let message = (mailbox.header, mailbox.bytes)
        try expected.validate(message.0, from: partner, to: rank, sameCount: false)
        take(channel: channel)
        return message
    }

    func receive(_ expected: MessageHeader, into tensor: Tensor, channel: Int) throws {
        let mailbox = incoming[channel]
        try wait(expected) { mailbox.isFull }
        try expected.validate(mailbox.header, from: partner, to: rank, sameCount: true)
        tensor.copy(from: partnerTensor(channel))
        take(channel: channel)
    }

    /// The tensor of the partner's message, if the mailbox is full.
    fileprivate func partnerTensor(_ channel: Int) -> Tensor {
        guard let tensor = incoming[channel].tensor else {
            preconditionFailure("worker \(partner) sent \(incoming[channel].header) without a tensor")
        }
        return tensor
    }

    /// Empties the mailbox and notifies the partner, which may then overwrite what it sent.
    fileprivate func take(channel: Int) {
        incoming[channel].take()
        partnerEvents.notify()
    }

    func beginTransfer(_ header: MessageHeader, channel: Int, outgoing: Tensor, destination: Tensor?) throws
        -> any Transfer
    {
        try send(header, tensor: outgoing, channel: channel)
        return SharedMemoryTransfer(connection: self, header: header, channel: channel)
    }

    func beginExchange(_ outgoing: Tensor, spare: Tensor) throws -> any PendingExchange {
        exchangesStarted += 1
        return SharedMemoryExchange(connection: self, outgoing: outgoing, spare: spare, number: exchangesStarted)
    }

    /// Swaps the tensors. A thread calls it when it no longer reads its own tensor, so it owns the partner's tensor
    /// from here on.
    fileprivate func finishExchange(_ tensor: Tensor, number: Int) throws -> Tensor {
        precondition(
            number == exchangesFinished + 1,
            "exchange \(number) with worker \(partner) finished after exchange \(exchangesFinished)")
        let header = MessageHeader(.exchange, count: tensor.count, worker: rank), channel = Channel.exchange
        try send(header, tensor: tensor, channel: channel)
        try wait(header) { incoming[channel].isFull }
        try header.validate(incoming[channel].header, from: partner, to: rank, sameCount: true)
        let received = partnerTensor(channel)
        take(channel: channel)
        exchangesFinished = number
        return received
    }
}

/// A transfer between two threads. All numbers of the partner arrive at once and are not copied.
private final class SharedMemoryTransfer: Transfer {
    private let connection: SharedMemoryConnection
    private let header: MessageHeader
    private let channel: Int
    private var hasArrived = false

    init(connection: SharedMemoryConnection, header: MessageHeader, channel: Int) {
        self.connection = connection
        self.header = header
        self.channel = channel
    }

    func advance(_ use: (UnsafePointer<Float>, Range<Int>) -> Void) throws -> Bool {
        if hasArrived { return true }
        let mailbox = connection.incoming[channel]
        guard mailbox.isFull else { return false }
        try header.validate(mailbox.header, from: connection.partner, to: connection.rank, sameCount: true)
        let numbers = connection.partnerTensor(channel)
        withExtendedLifetime(numbers) { use(numbers.pointer, 0..<numbers.count) }
        connection.take(channel: channel)
        hasArrived = true
        return true
    }

    func isSendComplete() throws -> Bool { connection.outgoing[channel].isTaken }
}

/// A swap of buffers between two threads. It happens in `finish`, because until then each thread reads its own buffer.
private final class SharedMemoryExchange: PendingExchange {
    private let connection: SharedMemoryConnection
    private let outgoing: Tensor
    private let spare: Tensor
    private let number: Int

    init(connection: SharedMemoryConnection, outgoing: Tensor, spare: Tensor, number: Int) {
        self.connection = connection
        self.outgoing = outgoing
        self.spare = spare
        self.number = number
    }

    func advance() throws {
        try connection.abortSignal.throwIfRaised(
            call: "advance", participants: "worker \(connection.rank), exchanging with worker \(connection.partner)")
    }

    func finish() throws -> (incoming: Tensor, spare: Tensor) {
        (try connection.finishExchange(outgoing, number: number), spare)
    }
}

/// One channel in one direction between two threads of a process. It holds one message: a header with bytes or a
/// tensor.
///
/// A tensor is not copied: the receiver reads the sender's memory, then takes the message. The message retains the
/// tensor, so the memory stays valid if the sender gives up because another worker failed.
///
/// `putCount` and `takenCount` count messages. The sender writes the message, then `putCount` (release). The receiver
/// sees it (acquire), reads the message and the tensor, then writes `takenCount` (release). The sender sees that
/// (acquire) and may overwrite its memory. The counters are in separate cache lines, because one side writes and the
/// other polls each.
final class Mailbox: @unchecked Sendable {
    private typealias CacheLine = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

    private let takenCount = Atomic<Int>(0)
    private let firstPadding: CacheLine = (0, 0, 0, 0, 0, 0, 0, 0)
    private let putCount = Atomic<Int>(0)
    private(set) var header = MessageHeader(.barrier, count: 0, worker: 0)
    private(set) var bytes: [UInt8] = []
    private(set) var tensor: Tensor?
    private let secondPadding: CacheLine = (0, 0, 0, 0, 0, 0, 0, 0)

    /// For the sender: whether the receiver has taken the last message.
    var isTaken: Bool { takenCount.load(ordering: .acquiring) == putCount.load(ordering: .relaxed) }

    /// For the receiver: whether the mailbox holds a message.
    var isFull: Bool { putCount.load(ordering: .acquiring) != takenCount.load(ordering: .relaxed) }

    /// For the sender, if `isTaken`.
    func put(_ header: MessageHeader, bytes: [UInt8] = [], tensor: Tensor? = nil) {
        self.header = header
        self.bytes = bytes
        self.tensor = tensor
        putCount.store(putCount.load(ordering: .relaxed) + 1, ordering: .releasing)
    }

    /// For the receiver, if `isFull`, after it has read the message.
    func take() {
        tensor = nil
        bytes = []
        takenCount.store(takenCount.load(ordering: .relaxed) + 1, ordering: .releasing)
    }
}
