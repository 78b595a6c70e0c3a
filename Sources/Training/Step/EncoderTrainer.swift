import CCoupletKernels
import CoupletCommunication
import CoupletNetworks
import CoupletOptimizers
import CoupletPairs
import CoupletTensors

/// Trains one encoder on one worker. It encodes the worker's shards, backpropagates the gradient of the encodings, sums
/// the gradient of the parameters over all shards and workers, and updates the slices of the parameters that the worker
/// owns. A frozen encoder only encodes.
///
/// A step can have several inputs for one encoder: a second batch, or both modalities where they share the encoder.
/// Each pair of a shard and an input is one leaf of the pairwise sum over shards.
package final class EncoderTrainer {
    package let encoder: Encoder
    package let isFrozen: Bool
    /// The modalities that this encoder encodes: one, or both where they share it.
    let modalities: [Modality]
    private let communicator: any Communicator
    private let optimizer: Optimizer
    let parameters: Tensor
    let parameterViews: [[Tensor]]
    let workspace: EncoderWorkspace
    private let shardRows: Int
    /// Number of shards of this worker.
    let localShards: Int
    /// Number of inputs of each modality: 2 if the loss takes a second batch, otherwise 1.
    private let batchCount: Int
    /// This worker's encodings of each input, B/W × e, shard after shard. The inputs of a modality are adjacent.
    let outputs: [Tensor]
    /// Nil if the encoder is frozen.
    private let gradients: GradientAccumulator?
    /// The reduce-scatters of this step, in the order in which they began.
    private var pending: [any PendingReduceScatter] = []
    /// [bucket][moment]: the optimizer's moments of the slices that this worker owns.
    private(set) var moments: [[Tensor]]

    /// - Parameter modality: selects the encoder of the model.
    init(
        _ modality: Modality, of model: Model, _ configuration: Configuration, optimizer: Optimizer,
        communicator: any Communicator
    ) {
        let encoder = model.encoders[modality], isFrozen = model.frozen.contains(modality)
        let shards = configuration.batch.shards, shardRows = configuration.batch.size / shards
        let localShards = shards / communicator.size
        modalities = model.modalities(sharingEncoderOf: modality)
        batchCount = configuration.objective.loss.batchCount
        let inputCount = modalities.count * batchCount
        self.encoder = encoder
        self.isFrozen = isFrozen
        self.communicator = communicator
        self.optimizer = optimizer
        self.shardRows = shardRows
        self.localShards = localShards
        parameters = model.parameters[modality]
        parameterViews = encoder.views(of: parameters)
        let savesActivations = configuration.batch.activations == .keep && !isFrozen
        workspace = EncoderWorkspace(
            encoder, rows: shardRows, slots: savesActivations ? localShards * inputCount : 1, backward: !isFrozen)
        outputs = (0..<inputCount).map { _ in Tensor([localShards * shardRows, encoder.outputCount]) }
        gradients = isFrozen ? nil : GradientAccumulator(encoder, leaves: localShards * inputCount)
        moments = (isFrozen ? [] : encoder.layout.buckets).map { bucket in
            optimizer.momentNames.map { _ in Tensor([bucket.range.count / communicator.size]) }
        }
    }

    // MARK: - Inputs and leaves

    /// Index among the encoder's inputs of one batch of a modality.
    func inputIndex(of modality: Modality, batch: Int) -> Int {
        modalities.firstIndex(of: modality)! * batchCount + batch
    }

    /// This worker's encodings of a modality, B/W × e, one tensor per batch.
    func encodings(of modality: Modality) -> [Tensor] {
        (0..<batchCount).map { outputs[inputIndex(of: modality, batch: $0)] }
    }

    /// One shard of one input: a leaf of the pairwise sum over shards.
    struct Leaf {
        let shard: Int
        let input: Int
    }

    private var leafCount: Int { localShards * outputs.count }

    /// The leaf with this number in the pairwise sum. The inputs of a shard are adjacent.
    private func leaf(_ number: Int) -> Leaf { Leaf(shard: number / outputs.count, input: number % outputs.count) }

    /// The rows of a shard in this worker's part of a batch.
    func rows(of shard: Int) -> Range<Int> { shard * shardRows..<(shard + 1) * shardRows }

    /// Whether the forward pass saves the activations of all leaves. Otherwise it saves those of the last leaf only.
    var savesActivations: Bool { workspace.slots == leafCount }

    /// Index in the workspace of the saved activations of a leaf.
    func slot(of leaf: Leaf) -> Int { savesActivations ? leaf.shard * outputs.count + leaf.input : 0 }

    // MARK: - Forward and backward

    /// Encodes this worker's samples, shard by shard, into `outputs`.
    /// - Parameter samples: the tensors of each modality, one per batch.
    func forward(_ samples: PerModality<[Tensor]>) {
        let inputs = modalities.flatMap { samples[$0] }
        for leaf in (0..<leafCount).map(leaf) { forward(inputs[leaf.input], leaf) }
    }

    func forward(_ samples: Tensor, _ leaf: Leaf) {
        let rows = rows(of: leaf.shard)
        encoder.forward(
            samples.rows(rows), parameters: parameterViews, workspace: workspace, slot: slot(of: leaf),
            output: outputs[leaf.input].rows(rows))
    }

    /// Backpropagates the gradient of the encodings to the parameters, and begins to sum it over the workers. The
    /// reduce-scatter of a bucket begins as soon as the last shard has passed the bucket's layers.
    ///
    /// Shards run from last to first. The forward pass has left the activations of the last shard, so only the others
    /// are recomputed if activations are not saved. The pairwise sum is symmetric, so this order gives the same bits.
    /// - Parameters:
    ///   - samples: the tensors of each modality, one per batch.
    ///   - outputGradients: ∂ loss / ∂ encodings: the tensors of each modality, one per batch.
    func backward(_ samples: PerModality<[Tensor]>, outputGradients: PerModality<[Tensor]>) throws {
        guard let gradients else { return }
        let inputs = modalities.flatMap { samples[$0] }, outputGradients = modalities.flatMap { outputGradients[$0] }
        let buckets = encoder.layout.buckets
        for number in 0..<leafCount {
            let leaf = leaf(leafCount - 1 - number), rows = rows(of: leaf.shard), isLast = number == leafCount - 1
            if !savesActivations, number > 0 { forward(inputs[leaf.input], leaf) }
            try encoder.backward(
                input: inputs[leaf.input].rows(rows), output: outputs[leaf.input].rows(rows),
                outputGradient: outputGradients[leaf.input].rows(rows), parameters: parameterViews,
                workspace: workspace, slot: slot(of: leaf), gradients: gradients.views(forLeaf: number)
            ) { layer in
                guard let bucket = buckets.first(where: { $0.layers.lowerBound == layer }) else { return }
                gradients.close(leaf: number, range: bucket.range)
                if isLast {
                    for reduction in pending { try reduction.advance() }
                    pending.append(try communicator.beginReduceScatter(gradients.sum.flat(bucket.range)))
                }
            }
        }
    }

    // MARK: - Sum over workers and update

    /// Waits for the sum of the gradient over the workers.
    /// - Returns: [bucket][block]: Σ gradient² of each block that this worker owns; empty if the encoder is frozen.
    func finishGradientSum() throws -> [[Double]] {
        for reduction in pending { try reduction.finish() }
        pending.removeAll(keepingCapacity: true)
        guard let gradients else { return [] }
        return encoder.layout.buckets.map { bucket in
            let owned = communicator.ownedRange(in: bucket.range), block = bucket.range.count / encoder.layout.shards
            return stride(from: owned.lowerBound, to: owned.upperBound, by: block).map {
                couplet_squared_norm(block, gradients.sum.pointer + $0)
            }
        }
    }

    /// The slices of the summed gradient that this worker owns, one per bucket. They are valid until the next backward
    /// pass.
    package var gradientSlices: [Tensor] {
        guard let gradients else { return [] }
        return encoder.layout.buckets.map { gradients.sum.flat(communicator.ownedRange(in: $0.range)) }
    }

    /// Updates the owned slices of the parameters with the gradient scale · g, then gathers all slices on every worker.
    /// A frozen encoder updates nothing.
    /// - Parameters:
    ///   - rate: learning rate of this step.
    ///   - t: number of the update, counted from 1.
    ///   - scale: factor of the gradient that clips it.
    func update(rate: Double, t: Int, scale: Double) throws {
        guard let gradients else { return }
        for (bucket, moments) in zip(encoder.layout.buckets, moments) {
            let owned = communicator.ownedRange(in: bucket.range)
            optimizer.update(
                parameters.flat(owned), gradient: gradients.sum.flat(owned), moments: moments, rate: rate, t: t,
                scale: scale)
            try communicator.allGather(parameters.flat(bucket.range))
        }
    }
}

/// Pairwise sum of the gradients of a worker's leaves, computed while the leaves arrive, in log₂(leaves) + 1 buffers.
///
/// Before leaf t there is one partial sum for each 1 in the binary representation of t. The gradient of leaf t goes to
/// the next buffer. Then, for each trailing 1 of t, the newest buffer is added to the one before it. After the last
/// leaf `sum` holds the sum of all leaves.
package struct GradientAccumulator {
    /// One flat buffer per level, and its views by layer.
    private let levels: [(flat: Tensor, views: [[Tensor]])]

    package init(_ encoder: Encoder, leaves: Int) {
        precondition(
            leaves.nonzeroBitCount == 1, "pairwise sum of \(leaves) gradients: the number must be a power of two")
        levels = (0...leaves.trailingZeroBitCount).map { _ in
            let flat = Tensor([encoder.layout.count])
            return (flat, encoder.views(of: flat))
        }
    }

    /// The buffer for the gradient of a leaf, as views by layer.
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
