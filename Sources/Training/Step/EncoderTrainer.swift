import CCoupletKernels
import CoupletCommunication
import CoupletNetworks
import CoupletOptimizers
import CoupletTensors

/// One encoder in one worker's hands: it encodes the worker's shards, turns the gradient of the encodings into that of the parameters summed over all
/// workers, and updates the slices that the worker owns. A frozen one encodes, and no more.
///
/// A step may have several inputs for it: a second batch, the other modality where both share the encoder. Then a shard has a leaf of the tree over
/// shards for each.
package final class EncoderTrainer {
    package let encoder: Encoder
    package let isFrozen: Bool
    private let communicator: any Communicator
    private let rule: Optimizer
    package let parameters: Tensor
    package let parameterViews: [[Tensor]]
    package let workspace: EncoderWorkspace
    private let shardRows: Int
    package let localShards: Int
    /// The encodings of each input's samples of this worker, shard after shard.
    package let outputs: [Tensor]
    /// Nil where the encoder is frozen.
    private let gradients: GradientAccumulator?
    private var pending: [any PendingReduceScatter] = []
    /// [bucket][moment]: the moments of the slices that this worker owns; over all workers they exist once.
    private(set) var moments: [[Tensor]]

    /// - Parameter inputs: how many inputs a step has, a power of two.
    package init(
        _ encoder: Encoder, inputs: Int = 1, isFrozen: Bool, parameters: Tensor, communicator: any Communicator,
        rule: Optimizer, shards: Int, shardRows: Int,
        activations: Configuration.Batch.Activations
    ) {
        self.encoder = encoder
        self.isFrozen = isFrozen
        self.parameters = parameters
        self.communicator = communicator
        self.rule = rule
        self.shardRows = shardRows
        localShards = shards / communicator.size
        parameterViews = encoder.views(of: parameters)
        workspace = EncoderWorkspace(
            encoder, rows: shardRows, slots: activations == .keep && !isFrozen ? localShards * inputs : 1,
            backward: !isFrozen)
        outputs = (0..<inputs).map { [localShards] _ in Tensor([localShards * shardRows, encoder.outputCount]) }
        gradients = isFrozen ? nil : GradientAccumulator(encoder, shards: localShards * inputs)
        moments = (isFrozen ? [] : encoder.layout.buckets).map { bucket in
            rule.momentNames.map { _ in Tensor([bucket.range.count / communicator.size]) }
        }
    }

    /// What is trained of the parameters: all of their buckets, or none.
    package var trainedBuckets: [ParameterLayout.Bucket] { isFrozen ? [] : encoder.layout.buckets }

    package func rows(of shard: Int) -> Range<Int> { shard * shardRows..<(shard + 1) * shardRows }

    /// One shard of one input: a leaf of the gradient's tree.
    package struct Leaf {
        let shard: Int
        let input: Int
    }

    private var leafCount: Int { localShards * outputs.count }

    /// In the order of the tree: a shard's inputs are neighbours.
    package func leaf(_ number: Int) -> Leaf { Leaf(shard: number / outputs.count, input: number % outputs.count) }

    /// Encodes all of this worker's samples, shard after shard, to `outputs`.
    package func forward(_ inputs: [Tensor]) {
        for leaf in (0..<leafCount).map(leaf) { forward(inputs[leaf.input], leaf) }
    }

    package func forward(_ samples: Tensor, _ leaf: Leaf) {
        let rows = rows(of: leaf.shard)
        encoder.forward(
            samples.rows(rows), parameters: parameterViews, workspace: workspace, slot: slot(of: leaf),
            output: outputs[leaf.input].rows(rows))
    }

    /// Whether forward leaves the activations of all leaves, and not of the last alone.
    package var keepsActivations: Bool { workspace.slots == leafCount }

    /// Where the activations of a leaf are kept.
    package func slot(of leaf: Leaf) -> Int { keepsActivations ? leaf.shard * outputs.count + leaf.input : 0 }

    /// From the gradient of the encodings to that of the parameters. The sum of a bucket over the workers begins as soon as the last shard in work
    /// has left it.
    ///
    /// Shards are worked off from the last to the first: the last one's activations are still there where only one shard's are kept (and in the
    /// caches otherwise), so forward is made again for all others alone. The tree over shards is its own mirror image, so the bits stay.
    /// - Parameter outputGradients: of each input's encodings.
    package func backward(_ inputs: [Tensor], outputGradients: [Tensor]) throws {
        guard let gradients else { return }
        let buckets = encoder.layout.buckets
        for turn in 0..<leafCount {
            let leaf = leaf(leafCount - 1 - turn), rows = rows(of: leaf.shard), isLast = turn == leafCount - 1
            if !keepsActivations, turn > 0 { forward(inputs[leaf.input], leaf) }
            try encoder.backward(
                input: inputs[leaf.input].rows(rows), output: outputs[leaf.input].rows(rows),
                outputGradient: outputGradients[leaf.input].rows(rows), parameters: parameterViews,
                workspace: workspace, slot: slot(of: leaf),
                gradients: gradients.views(forShard: turn)
            ) { layer in
                guard let bucket = buckets.first(where: { $0.layers.lowerBound == layer }) else { return }
                gradients.close(shard: turn, range: bucket.range)
                if isLast {
                    for reduction in pending { try reduction.advance() }
                    pending.append(try communicator.beginReduceScatter(gradients.sum.flat(bucket.range)))
                }
            }
        }
    }

    /// Waits for the sums over the workers.
    /// - Returns: Σ gradient² of each of the blocks that this worker owns, bucket after bucket.
    package func finishSums() throws -> [Double] {
        for reduction in pending { try reduction.finish() }
        pending.removeAll(keepingCapacity: true)
        guard let gradients else { return [] }
        return encoder.layout.buckets.flatMap { bucket -> [Double] in
            let owned = ownedRange(of: bucket), block = bucket.range.count / encoder.layout.shards
            return stride(from: owned.lowerBound, to: owned.upperBound, by: block).map {
                couplet_squared_norm(block, gradients.sum.pointer + $0)
            }
        }
    }

    /// The slices of the summed gradient that this worker owns, bucket after bucket; valid until the next backward.
    package var gradientSlices: [Tensor] {
        gradients.map { tree in encoder.layout.buckets.map { tree.sum.flat(ownedRange(of: $0)) } } ?? []
    }

    /// Updates the owned slices and shares the parameters.
    package func update(rate: Double, t: Int, scale: Double) throws {
        guard let gradients else { return }
        for (bucket, moments) in zip(encoder.layout.buckets, moments) {
            let owned = ownedRange(of: bucket)
            rule.update(
                parameters.flat(owned), gradient: gradients.sum.flat(owned), moments: moments, rate: rate, t: t,
                scale: scale)
            try communicator.allGather(parameters.flat(bucket.range))
        }
    }

    /// Where this worker's slice of a bucket lies in the flat buffer.
    private func ownedRange(of bucket: ParameterLayout.Bucket) -> Range<Int> {
        let owned = communicator.ownedRange(of: bucket.range.count)
        return bucket.range.lowerBound + owned.lowerBound..<bucket.range.lowerBound + owned.upperBound
    }
}
