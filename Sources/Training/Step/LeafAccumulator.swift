import CCoupletKernels
import CoupletNetworks
import CoupletTensors

/// Pairwise sum of the flat buffers of a worker's leaves (gradients or statistics), computed while the leaves arrive,
/// in log₂(leaves) + 1 buffers.
///
/// Before leaf t there is one partial sum for each 1 in the binary representation of t. The numbers of leaf t go to the
/// next buffer. Then, for each trailing 1 of t, the newest buffer is added to the one before it. After the last leaf
/// `sum` holds the sum of all leaves.
package struct LeafAccumulator {
    /// One flat buffer per level, and its views by layer.
    private let levels: [(flat: Tensor, views: [[Tensor]])]

    /// The sum of the gradients of an encoder's parameters, without a sparse table (`TableGradients`).
    package init(gradientsOf encoder: Encoder, leaves: Int) {
        self.init(count: encoder.layout.denseCount, leaves: leaves) { encoder.gradientViews(of: $0) }
    }

    /// The sum of the statistics that an encoder's layers write for each shard.
    package init(statisticsOf encoder: Encoder, leaves: Int) {
        self.init(count: encoder.statisticsLayout.count, leaves: leaves, views: encoder.statisticsViews)
    }

    private init(count: Int, leaves: Int, views: (Tensor) -> [[Tensor]]) {
        precondition(
            leaves.nonzeroBitCount == 1, "pairwise sum of \(leaves) buffers: the number must be a power of two")
        levels = (0...leaves.trailingZeroBitCount).map { _ in
            let flat = Tensor([count])
            return (flat, views(flat))
        }
    }

    /// The buffer for the numbers of a leaf, as views by layer.
    package func views(forLeaf leaf: Int) -> [[Tensor]] { levels[leaf.nonzeroBitCount].views }

    /// Closes the partial sums that a leaf completes, over a range of the flat buffer.
    package func close(leaf: Int, range: Range<Int>) {
        let depth = leaf.nonzeroBitCount
        for level in 0..<(~leaf).trailingZeroBitCount {
            let from = levels[depth - level].flat, to = levels[depth - level - 1].flat
            couplet_add(range.count, from.pointer + range.lowerBound, to.pointer + range.lowerBound)
        }
    }

    /// The sum over all leaves, once the last leaf is closed.
    package var sum: Tensor { levels[0].flat }
}
