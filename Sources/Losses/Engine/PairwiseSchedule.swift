import CoupletCommunication

/// The walk of the pairwise engine: every shard a of the first side meets every shard b of the second in the order a^0, a^1, …, a^(S-1),
/// whatever the number of workers. Blocks of the second side travel: at step k worker p holds the block of worker p XOR k.
///
/// Cost per worker: W - 1 messages each of what is read and of what is accumulated, and one to bring the accumulated home.
package struct PairwiseSchedule {
    package let communicator: any Communicator
    /// S, over all workers: a power of two, a multiple of the workers.
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

    /// Walks over all shard pairs.
    /// - Parameters:
    ///   - reading: this worker's block of the second side; the next block is under way while the present one is worked on.
    ///     Afterwards it holds another worker's block.
    ///   - accumulating: what a block gathers on its way; afterwards it is this worker's own again, complete.
    ///   - body: works off one pair, reading `reading.current` and adding to `accumulating.current`.
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
            // Swaps with one partner are finished in the order in which they were begun.
            if size > 1 { try accumulating?.beginSwap(with: isLast ? rank ^ step : next, over: communicator) }
            if !isLast { try reading.finishSwap() }
            if size > 1 { try accumulating?.finishSwap() }
        }
    }
}
