import CoupletCommunication
import CoupletTensors

/// A pair of shards whose scores are computed together.
package struct ShardPair {
    /// The shard of the first set, counted within this worker.
    package let first: Int
    /// The shard of the second set, counted within the block that this worker holds.
    package let second: Int
    /// Whether both are the same shard of the batch, so that positives lie on the diagonal.
    package let isDiagonal: Bool
}

/// The order in which the pairwise engine computes all S × S shard pairs.
///
/// Shard a of the first set is paired with the shards of the second set in the order a^0, a^1, …, a^(S-1), whatever the
/// number of workers. Blocks of the second set move between workers: at step k worker p holds the block of worker p XOR
/// k.
///
/// Cost per worker: W - 1 messages for the data that are read, W - 1 messages for the data that are accumulated, and
/// one message that returns the accumulated data.
package struct PairwiseSchedule {
    package let communicator: any Communicator
    /// S, over all workers: a power of two and a multiple of the number of workers.
    package let shards: Int

    package init(communicator: any Communicator, shards: Int) {
        precondition(
            shards.nonzeroBitCount == 1 && shards % communicator.size == 0,
            "\(shards) shards over \(communicator.size) workers")
        self.communicator = communicator
        self.shards = shards
    }

    /// S / W.
    package var localShards: Int { shards / communicator.size }

    /// Processes all shard pairs of this worker's first set. Every worker must call it.
    /// - Parameters:
    ///   - reading: this worker's block of the second set. The next block is received while the current one is
    ///     processed. Afterwards the buffer holds another worker's block.
    ///   - accumulating: the sums of a block, which move with the block. Afterwards the buffer holds the complete sums
    ///     of this worker's own block.
    ///   - body: processes one shard pair: reads `reading.current` and adds to `accumulating.current`.
    package func run(
        reading: ExchangeBuffer, accumulating: ExchangeBuffer?, _ body: (ShardPair) throws -> Void
    ) throws {
        let rank = communicator.rank, size = communicator.size, local = localShards
        for step in 0..<size {
            let next = rank ^ step ^ (step + 1), isLast = step + 1 == size
            if !isLast { try reading.beginSwap(with: next, over: communicator) }
            for offset in 0..<local {
                for first in 0..<local {
                    let second = first ^ offset
                    try body(ShardPair(first: first, second: second, isDiagonal: step == 0 && offset == 0))
                    try reading.advance()
                }
            }
            // Swaps with one partner must finish in the order in which they began.
            if size > 1 { try accumulating?.beginSwap(with: isLast ? rank ^ step : next, over: communicator) }
            if !isLast { try reading.finishSwap() }
            if size > 1 { try accumulating?.finishSwap() }
        }
    }
}

/// A buffer whose contents are swapped between workers.
///
/// Within one process the workers swap the memory itself, so `current` may be different memory after each swap. Between
/// processes the data are received into a spare buffer, which is allocated at the first swap.
package final class ExchangeBuffer {
    package private(set) var current: Tensor
    private var spare: Tensor
    private var pending: (any PendingExchange)?

    package init(count: Int) {
        current = Tensor([count])
        spare = Tensor([0])
    }

    /// Starts to swap with a partner. Until `finishSwap` returns, `current` may be read but not written.
    package func beginSwap(with partner: Int, over communicator: any Communicator) throws {
        if spare.count == 0, communicator.processCount > 1 { spare = Tensor(current.shape) }
        pending = try communicator.beginExchange(current, spare: spare, with: partner)
    }

    /// Progresses a pending swap without waiting.
    package func advance() throws { try pending?.advance() }

    /// Waits until `current` holds the partner's data.
    package func finishSwap() throws {
        guard let exchange = pending else { return }
        pending = nil
        (current, spare) = try exchange.finish()
    }
}
