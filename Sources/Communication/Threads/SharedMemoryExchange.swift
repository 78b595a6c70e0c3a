import CoupletTensors

/// A swap of buffers between two threads. Nothing can happen before both are in `finish`, for until then each reads its own.
final class SharedMemoryExchange: PendingExchange {
    private let link: SharedMemoryConnection
    private let outgoing: Tensor
    private let spare: Tensor
    private let number: Int

    init(link: SharedMemoryConnection, outgoing: Tensor, spare: Tensor, number: Int) {
        self.link = link
        self.outgoing = outgoing
        self.spare = spare
        self.number = number
    }

    func advance() throws {
        try link.signal.check(call: "advance", place: "worker \(link.rank), exchanging with worker \(link.partner)")
    }

    func finish() throws -> (incoming: Tensor, spare: Tensor) {
        (try link.finishExchange(outgoing, number: number), spare)
    }
}
