import CoupletTensors

/// A swap of a worker with itself: it keeps what it has.
final class SelfExchange: PendingExchange {
    private let outgoing: Tensor
    private let spare: Tensor

    init(outgoing: Tensor, spare: Tensor) {
        self.outgoing = outgoing
        self.spare = spare
    }

    func advance() {}

    func finish() -> (incoming: Tensor, spare: Tensor) { (outgoing, spare) }
}
