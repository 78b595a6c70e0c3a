import CCoupletKernels
import CoupletCommunication
import CoupletNetworks
import CoupletTensors

/// One worker's part of the running statistics of an encoder, such as those of a batch normalisation.
///
/// In the forward pass each leaf (a shard of an input) writes its own statistics. They are added pairwise over the
/// leaves of all workers and divided by the number of leaves. Once a step, after all values have proved to be finite,
/// each layer moves its running statistics towards these means.
struct RunningStatistics {
    private let encoder: Encoder
    /// The flat running statistics. The workers of a process share them, and the first one writes them.
    private let running: Tensor
    private let leaves: LeafAccumulator
    /// Number of leaves of all workers.
    private let totalLeaves: Int
    private let communicator: any Communicator

    /// Nil if no layer of the encoder has statistics.
    /// - Parameters:
    ///   - order: the order of this worker's leaves.
    ///   - totalLeaves: number of leaves of all workers.
    init?(
        _ encoder: Encoder, running: Tensor, order: PairwiseAccumulation, totalLeaves: Int,
        communicator: any Communicator
    ) {
        guard encoder.statisticsLayout.count > 0 else { return nil }
        self.encoder = encoder
        self.running = running
        self.communicator = communicator
        leaves = LeafAccumulator(statisticsOf: encoder, order: order)
        self.totalLeaves = totalLeaves
    }

    /// The buffers for the statistics of a leaf, by layer. Leaves must come in ascending order.
    func views(forTurn turn: Int) -> [[Tensor]] { leaves.views(forTurn: turn) }

    /// Adds the statistics of a leaf.
    func close(turn: Int) { leaves.close(turn: turn, range: 0..<encoder.statisticsLayout.count) }

    /// Turns the sums over this worker's leaves into the means over the leaves of all workers. Every worker calls it.
    func computeMeans() throws {
        let means = leaves.sum, layout = encoder.statisticsLayout
        for bucket in layout.buckets {
            try communicator.beginReduceScatter(
                leaves.nodes.map { $0.flat(bucket.range) }, shards: layout.shards
            ).finish()
            try communicator.allGather(means.flat(bucket.range), shards: layout.shards)
        }
        couplet_scale(means.count, 1 / Float(totalLeaves), means.pointer)
    }

    /// Updates the running statistics by the means. Every worker calls it.
    func update() throws {
        if communicator.isFirstOfProcess { encoder.updateStatistics(running, means: leaves.sum) }
        // No worker of the process reads them before they are complete.
        try communicator.barrier()
    }
}
