import CoupletTensors
import Synchronization

/// The connection between two threads of one process. Each reads the other's memory.
final class SharedMemoryConnection: PeerConnection {
    let isRemote = false
    /// Worker numbers of both in their group.
    let rank: Int
    let partner: Int
    /// By channel.
    let outgoing: [Mailbox]
    let incoming: [Mailbox]
    let abortSignal: AbortSignal
    let worker: Worker
    private let partnerID: WorkerID
    let partnerEvents: EventCount
    /// By channel, whether the last message lends a tensor to the partner.
    private var lendsTensor = [Bool](repeating: false, count: Channel.count)
    /// By stream.
    private let outgoingStreams: [MessageQueue], incomingStreams: [MessageQueue]
    private var receivesStarted = [Int](repeating: 0, count: MessageStream.allCases.count)

    init(worker: Worker, rank: Int, partner: Int, partnerID: WorkerID, context: Int, abortSignal: AbortSignal) {
        self.worker = worker
        self.rank = rank
        self.partner = partner
        self.abortSignal = abortSignal
        self.partnerID = partnerID
        let thread = worker.id.thread, state = worker.processState
        outgoing = state.mailboxes(context: context, from: thread, to: partnerID.thread)
        incoming = state.mailboxes(context: context, from: partnerID.thread, to: thread)
        outgoingStreams = state.streams(context: context, from: thread, to: partnerID.thread)
        incomingStreams = state.streams(context: context, from: partnerID.thread, to: thread)
        partnerEvents = state.events[partnerID.thread]
    }

    func wait(_ header: MessageHeader, until isDone: () -> Bool) throws {
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
        worker.traffic.count(bytes)
        partnerEvents.notify()
        lendsTensor[channel] = false
    }

    func send(_ header: MessageHeader, tensor: Tensor, channel: Int) throws {
        try wait(header) { outgoing[channel].isTaken }
        outgoing[channel].put(header, tensor: tensor)
        worker.traffic.count([tensor])
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
    func partnerTensor(_ channel: Int) -> Tensor {
        guard let tensor = incoming[channel].tensor else {
            preconditionFailure("worker \(partner) sent \(incoming[channel].header) without a tensor")
        }
        return tensor
    }

    /// Empties the mailbox and notifies the partner, which may then overwrite what it sent.
    func take(channel: Int) {
        incoming[channel].take()
        partnerEvents.notify()
    }

    func beginTransfer(_ header: MessageHeader, channel: Int, outgoing: Tensor, destination: Tensor?) throws
        -> any Transfer
    {
        try send(header, tensor: outgoing, channel: channel)
        return SharedMemoryTransfer(connection: self, header: header, channel: channel)
    }

    func beginSend(_ tensors: [Tensor], channel: Int) throws -> any PendingSend {
        worker.traffic.count(tensors)
        outgoingStreams[channel - Channel.firstStream].put(
            MessageHeader(.send, count: tensors.reduce(0) { $0 + $1.count }, worker: rank), tensors)
        partnerEvents.notify()
        return CompleteSend()
    }

    func beginReceive(counts: [Int], channel: Int, into landing: () -> [Tensor]) throws -> any PendingReceive {
        let stream = channel - Channel.firstStream
        receivesStarted[stream] += 1
        return SharedMemoryReceive(
            connection: self, queue: incomingStreams[stream], counts: counts, number: receivesStarted[stream])
    }
}

/// A send within a process, which hands the memory over at once.
private final class CompleteSend: PendingSend {
    func isComplete() -> Bool { true }
    func finish() {}
}

/// A receive within a process.
private final class SharedMemoryReceive: PendingReceive {
    private let connection: SharedMemoryConnection
    private let queue: MessageQueue
    private let counts: [Int]
    /// The number of the message in its stream, from 1.
    private let number: Int
    private var tensors: [Tensor]?

    init(connection: SharedMemoryConnection, queue: MessageQueue, counts: [Int], number: Int) {
        self.connection = connection
        self.queue = queue
        self.counts = counts
        self.number = number
    }

    private var expected: MessageHeader { MessageHeader(.send, count: counts.reduce(0, +), worker: connection.rank) }

    func isComplete() throws -> Bool {
        try connection.abortSignal.throwIfRaised(
            call: "beginReceive", participants: "worker \(connection.rank), receiving from worker \(connection.partner)"
        )
        return tensors != nil || queue.isFull(number)
    }

    func finish() throws -> [Tensor] {
        if let tensors { return tensors }
        try connection.wait(expected) { queue.isFull(number) }
        let message = queue.take(number)
        try expected.validate(message.header, from: connection.partner, to: connection.rank, sameCount: true)
        tensors = message.tensors
        return message.tensors
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
    private(set) var parts: [Tensor] = []
    private let secondPadding: CacheLine = (0, 0, 0, 0, 0, 0, 0, 0)

    /// For the sender: whether the receiver has taken the last message.
    var isTaken: Bool { takenCount.load(ordering: .acquiring) == putCount.load(ordering: .relaxed) }

    /// For the receiver: whether the mailbox holds a message.
    var isFull: Bool { putCount.load(ordering: .acquiring) != takenCount.load(ordering: .relaxed) }

    /// For the sender, if `isTaken`.
    func put(_ header: MessageHeader, bytes: [UInt8] = [], tensor: Tensor? = nil, parts: [Tensor] = []) {
        self.header = header
        self.bytes = bytes
        self.tensor = tensor
        self.parts = parts
        putCount.store(putCount.load(ordering: .relaxed) + 1, ordering: .releasing)
    }

    /// For the receiver, if `isFull`, after it has read the message.
    func take() {
        tensor = nil
        bytes = []
        parts = []
        takenCount.store(takenCount.load(ordering: .relaxed) + 1, ordering: .releasing)
    }
}

/// One stream in one direction between two threads of a process: any number of messages, in order, so that a sender
/// never waits.
///
/// `putCount` is written (release) after the message, and read (acquire) by the receiver before it takes the message.
final class MessageQueue: Sendable {
    private struct Message: Sendable {
        let header: MessageHeader
        let tensors: [Tensor]
    }

    private let putCount = Atomic<Int>(0)
    private let contents = Mutex<(takenCount: Int, messages: [Message])>((0, []))

    /// For the sender.
    func put(_ header: MessageHeader, _ tensors: [Tensor]) {
        contents.withLock { $0.messages.append(Message(header: header, tensors: tensors)) }
        putCount.wrappingAdd(1, ordering: .releasing)
    }

    /// For the receiver: whether message `number`, counted from 1, has been put.
    func isFull(_ number: Int) -> Bool { putCount.load(ordering: .acquiring) >= number }

    /// For the receiver, if `isFull(number)`: removes message `number`, the first that is left.
    func take(_ number: Int) -> (header: MessageHeader, tensors: [Tensor]) {
        contents.withLock { contents in
            contents.takenCount += 1
            precondition(
                number == contents.takenCount, "message \(number) is taken as message \(contents.takenCount)")
            let message = contents.messages.removeFirst()
            return (message.header, message.tensors)
        }
    }
}
