import CoupletTensors

/// A swap of buffers between two processes: the partner's numbers come into the spare, and what was sent is the next spare.
final class MPIExchange: PendingExchange {
    private let link: MPIConnection
    private let transfer: any Transfer
    private let outgoing: Tensor
    private let spare: Tensor

    init(link: MPIConnection, transfer: any Transfer, outgoing: Tensor, spare: Tensor) {
        self.link = link
        self.transfer = transfer
        self.outgoing = outgoing
        self.spare = spare
    }

    func advance() throws {
        try link.signal.check(call: "advance", place: "worker \(link.rank), exchanging with worker \(link.partner)")
        _ = try transfer.advance { _, _ in }
    }

    func finish() throws -> (incoming: Tensor, spare: Tensor) {
        try link.finish(transfer, MessageHeader(.exchange, count: outgoing.count, worker: link.rank))
        return (spare.reshaped(outgoing.shape), outgoing.reshaped(spare.shape))
    }
}
