import CoupletTensors

extension SharedMemoryConnection {
    func beginPartSend(_ header: MessageHeader, parts: [Tensor], channel: Int) throws -> any PartSend {
        try wait(header) { outgoing[channel].isTaken }
        outgoing[channel].put(header, parts: parts)
        partnerEvents.notify()
        worker.traffic.count(parts)
        return SharedMemoryPartSend(mailbox: outgoing[channel])
    }

    func beginPartReceive(_ header: MessageHeader, count: Int, channel: Int, destination: Tensor?)
        -> any PartReceive
    {
        SharedMemoryPartReceive(connection: self, header: header, channel: channel)
    }
}

/// Parts that another thread reads.
private final class SharedMemoryPartSend: PartSend {
    private let mailbox: Mailbox

    init(mailbox: Mailbox) { self.mailbox = mailbox }

    func isComplete() -> Bool { mailbox.isTaken }
}

/// Parts of another thread, read where they lie.
private final class SharedMemoryPartReceive: PartReceive {
    private let connection: SharedMemoryConnection
    private let header: MessageHeader
    private let channel: Int
    private(set) var parts: [Tensor] = []
    private var isValid = false

    init(connection: SharedMemoryConnection, header: MessageHeader, channel: Int) {
        self.connection = connection
        self.header = header
        self.channel = channel
    }

    func hasArrived() throws -> Bool {
        if isValid { return true }
        let mailbox = connection.incoming[channel]
        guard mailbox.isFull else { return false }
        try header.validate(mailbox.header, from: connection.partner, to: connection.rank, sameCount: true)
        parts = mailbox.parts
        isValid = true
        return true
    }

    func giveBack() {
        parts = []
        connection.take(channel: channel)
    }
}
