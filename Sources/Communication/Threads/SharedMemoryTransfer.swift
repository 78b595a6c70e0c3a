/// A transfer between two threads: the partner's numbers are used where they lie, all at once.
final class SharedMemoryTransfer: Transfer {
    private let link: SharedMemoryConnection
    private let envelope: MessageHeader
    private let lane: Int
    private var hasArrived = false

    init(link: SharedMemoryConnection, envelope: MessageHeader, lane: Int) {
        self.link = link
        self.envelope = envelope
        self.lane = lane
    }

    func advance(_ use: (UnsafePointer<Float>, Range<Int>) -> Void) throws -> Bool {
        if hasArrived { return true }
        let mailbox = link.incoming[lane]
        guard mailbox.isFull else { return false }
        try envelope.expect(mailbox.envelope, from: link.partner, to: link.rank, sameCount: true)
        let numbers = link.lent(lane)
        withExtendedLifetime(numbers) { use(numbers.pointer, 0..<numbers.count) }
        link.take(lane: lane)
        hasArrived = true
        return true
    }

    func isReclaimed() throws -> Bool { link.outgoing[lane].isTaken }
}
