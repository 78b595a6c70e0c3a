import CCoupletKernels
import CoupletNetworks
import CoupletTensors

/// The gradients of a worker's shards, added along the binary tree over shard numbers as the shards come, in log₂(shards) + 1 buffers.
///
/// Before shard t there is one partial sum for each 1 in the binary digits of t; shard t's gradient is made beside them, and then as many sums are
/// closed as t ends in ones. After the last shard the sum of all lies in `sum`.
package struct GradientAccumulator {
    /// One flat buffer a level, and its views by layer for the encoder.
    private let levels: [(flat: Tensor, views: [[Tensor]])]

    package init(_ encoder: Encoder, shards: Int) {
        precondition(shards.nonzeroBitCount == 1, "a tree over \(shards) shards")
        levels = (0...shards.trailingZeroBitCount).map { _ in
            let flat = Tensor([encoder.layout.count])
            return (flat, encoder.views(of: flat))
        }
    }

    /// Where the gradient of this shard is made.
    package func views(forShard shard: Int) -> [[Tensor]] { levels[shard.nonzeroBitCount].views }

    /// Closes the sums that this shard completes, over a range of the flat buffer.
    package func close(shard: Int, range: Range<Int>) {
        let depth = shard.nonzeroBitCount
        for level in 0..<(~shard).trailingZeroBitCount {
            let from = levels[depth - level].flat, to = levels[depth - level - 1].flat
            couplet_add(range.count, from.pointer + range.lowerBound, to.pointer + range.lowerBound)
        }
    }

    /// The sum over all shards, once the last is closed.
    package var sum: Tensor { levels[0].flat }
}
