import CCoupletKernels
import CoupletCommunication
import CoupletNetworks
import CoupletTensors

/// Pairwise sum of the flat buffers of a worker's leaves (gradients or statistics), computed while the leaves arrive in
/// the order of a `PairwiseAccumulation`.
///
/// The numbers of a leaf go to the buffer above the partial sums. Then the newest buffer is added to the one below it
/// as long as both are children of one node of the tree. After the last leaf `nodes` holds the sums of this worker's
/// leaves.
package struct LeafAccumulator {
    private let order: PairwiseAccumulation
    /// The flat buffers from the bottom up, and their views by layer.
    private let buffers: [(flat: Tensor, views: [[Tensor]])]

    /// The sum of the gradients of an encoder's parameters, without a sparse table (`TableGradients`).
    package init(gradientsOf encoder: Encoder, order: PairwiseAccumulation) {
        self.init(count: encoder.layout.denseCount, order) { encoder.gradientViews(of: $0) }
    }

    /// The sum of the statistics that an encoder's layers write for each shard.
    package init(statisticsOf encoder: Encoder, order: PairwiseAccumulation) {
        self.init(count: encoder.statisticsLayout.count, order, views: encoder.statisticsViews)
    }

    private init(count: Int, _ order: PairwiseAccumulation, views: (Tensor) -> [[Tensor]]) {
        self.order = order
        buffers = (0..<order.bufferCount).map { _ in
            let flat = Tensor([count])
            return (flat, views(flat))
        }
    }

    /// The buffer for the numbers of a leaf, as views by layer.
    /// - Parameter turn: number of leaves that came before.
    package func views(forTurn turn: Int) -> [[Tensor]] { buffers[order.buffers[turn]].views }

    /// Closes the partial sums that a leaf completes, over a range of the flat buffer.
    package func close(turn: Int, range: Range<Int>) {
        for step in 0..<order.additions[turn] {
            let top = order.buffers[turn] - step
            couplet_add(
                range.count, buffers[top].flat.pointer + range.lowerBound,
                buffers[top - 1].flat.pointer + range.lowerBound)
        }
    }

    /// The sums of this worker's leaves once the last one is closed, one for each node, from left to right.
    package var nodes: [Tensor] { order.nodeBuffers.map { buffers[$0].flat } }

    /// The buffer that receives the sum over all workers (`Communicator.beginReduceScatter`).
    package var sum: Tensor { buffers[order.nodeBuffers[0]].flat }
}

extension PairwiseAccumulation {
    /// The order of a worker's leaves. The inputs of a shard are adjacent leaves, so they are added first.
    /// - Parameter inputs: number of inputs of each shard, a power of two.
    init(_ partition: ShardPartition, worker: Int, inputs: Int, descending: Bool) {
        precondition(inputs.nonzeroBitCount == 1, "\(inputs) inputs of a shard, not a power of two")
        let shards = partition.range(of: worker)
        self.init(
            shards.lowerBound * inputs..<shards.upperBound * inputs, of: partition.shards * inputs,
            descending: descending)
    }

    /// The most buffers that a worker needs.
    static func bufferCount(_ partition: ShardPartition, inputs: Int) -> Int {
        (0..<partition.workers).reduce(0) {
            max($0, PairwiseAccumulation(partition, worker: $1, inputs: inputs, descending: true).bufferCount)
        }
    }
}
