import Collectives
import Tensors

/// A buffer that goes from worker to worker, with a spare to receive into. In one process the two change hands, so who holds which memory
/// differs from step to step; a worker always holds two.
package final class TravellingBuffer {
    package private(set) var current: Tensor
    private var spare: Tensor
    private var pending: (any PendingExchange)?

    package init(count: Int) {
        current = Tensor([count])
        spare = Tensor([count])
    }

    /// Begins to swap with a partner; until `finishSwap`, `current` may be read and not written.
    package func beginSwap(with partner: Int, over communicator: any Communicator) throws {
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
