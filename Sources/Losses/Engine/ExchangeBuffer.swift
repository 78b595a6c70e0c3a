import CoupletCommunication
import CoupletTensors

/// A buffer that goes from worker to worker. In one process buffers change hands, so who holds which memory differs from step to step; between
/// processes there is a spare to receive into, made at the first swap.
package final class ExchangeBuffer {
    package private(set) var current: Tensor
    private var spare: Tensor
    private var pending: (any PendingExchange)?

    package init(count: Int) {
        current = Tensor([count])
        spare = Tensor([0])
    }

    /// Begins to swap with a partner; until `finishSwap`, `current` may be read and not written.
    package func beginSwap(with partner: Int, over communicator: any Communicator) throws {
        if spare.count == 0, communicator.processCount > 1 { spare = Tensor(current.shape) }
        pending = try communicator.beginExchange(current, spare: spare, with: partner)
    }

    package func advance() throws { try pending?.advance() }

    /// Waits until `current` is what the partner held.
    package func finishSwap() throws {
        guard let exchange = pending else { return }
        pending = nil
        (current, spare) = try exchange.finish()
    }
}
