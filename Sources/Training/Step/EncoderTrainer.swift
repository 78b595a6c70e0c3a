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
///
/// The encoder of the first modality may have T pairs for each of its samples (`batch.second_per_first`). It encodes
/// B/T samples and repeats each encoding T times; backward adds the gradients of these T rows, in ascending order.
package final class EncoderTrainer {
    package let encoder: Encoder
    package let isFrozen: Bool
    /// The modalities that this encoder encodes: one, or both where they share it.
    let modalities: [Modality]
    private let communicator: any Communicator
    /// Moments, moving average and update of the owned slices; nil if the encoder is frozen.
    package let optimizer: EncoderOptimizer?
    let parameters: Tensor
    let parameterViews: [[Tensor]]
    /// Nil if the encoder is frozen or has no layer with running statistics.
    private let statistics: RunningStatistics?
    private let statisticsViews: [[Tensor]]
    private let philox: Philox
    private let encoderNumber: Int
    /// Draw number of this worker's first pair in the current step, one for each batch.
    private var firstDraws: [UInt64] = []
    let workspace: EncoderWorkspace
    private let shardRows: Int
    /// Number of shards of this worker.
    let localShards: Int
    /// Number of inputs of each modality: 2 if the loss takes a second batch, otherwise 1.
    private let batchCount: Int
    /// T: number of pairs of each sample.
    let pairsPerSample: Int
    /// This worker's encodings of each input, rows/T × e, shard after shard. The inputs of a modality are adjacent.
    let outputs: [Tensor]
    /// The encodings of the pairs, rows × e, of each input: each of `outputs` T times; nil for T = 1.
    private let repeatedOutputs: [Tensor]?
    /// Gradients of the encodings of a shard's samples, B/(S T) × e; nil for T = 1.
    private let sampleGradient: Tensor?
    /// Nil if the encoder is frozen.
    private let gradients: LeafAccumulator?
    /// The gradient of the sparse table; nil if the encoder is frozen or has none.
    private let tableGradients: TableGradients?
    /// Σ gradient² of the sparse table over all workers, after `finishGradientSum`; nil without such a table.
    private(set) var tableSquare: Double?
    /// The reduce-scatters of this step, in the order in which they began.
    private var pending: [any PendingReduceScatter] = []

    /// - Parameter modality: selects the encoder of the model.
    init(
        _ modality: Modality, of model: Model, _ configuration: Configuration, communicator: any Communicator
    ) {
        let encoder = model.encoders[modality], isFrozen = model.frozen.contains(modality)
        let factors = configuration.optimizer.learningRateFactors
        let shards = configuration.batch.shards, shardRows = configuration.batch.shardSamples(modality)
        let partition = ShardPartition(shards: shards, workers: communicator.size)
        let localShards = partition.range(of: communicator.rank).count
        modalities = model.modalities(sharingEncoderOf: modality)
        batchCount = configuration.objective.loss.batchCount
        let inputCount = modalities.count * batchCount
        func order(descending: Bool) -> PairwiseAccumulation {
            PairwiseAccumulation(
                partition, worker: communicator.rank, inputs: inputCount, descending: descending)
        }
        self.encoder = encoder
        self.isFrozen = isFrozen
        self.communicator = communicator
        self.shardRows = shardRows
        self.localShards = localShards
        parameters = model.parameters[modality]
        parameterViews = encoder.views(of: parameters)
        workspace = EncoderWorkspace(
            encoder, rows: shardRows, slots: localShards * inputCount, backward: !isFrozen,
            recomputes: configuration.batch.activations == .recompute)
        outputs = (0..<inputCount).map { _ in Tensor([localShards * shardRows, encoder.outputCount]) }
        let pairsPerSample = modality == .first ? configuration.batch.secondPerFirst : 1
        self.pairsPerSample = pairsPerSample
        repeatedOutputs =
            pairsPerSample == 1
            ? nil
            : (0..<inputCount).map { _ in Tensor([localShards * shardRows * pairsPerSample, encoder.outputCount]) }
        sampleGradient = pairsPerSample == 1 || isFrozen ? nil : Tensor([shardRows, encoder.outputCount])
        gradients = isFrozen ? nil : LeafAccumulator(gradientsOf: encoder, order: order(descending: true))
        tableGradients =
            isFrozen
            ? nil
            : encoder.sparseTable.map {
                TableGradients(
                    $0, order: order(descending: true), shards: shards, communicator: communicator)
            }
        optimizer =
            isFrozen
            ? nil
            : EncoderOptimizer(
                configuration.optimizer, layout: encoder.layout, parameters: parameters,
                learningRateFactor: modality == .first ? factors.first : factors.second, communicator: communicator)
        statistics =
            isFrozen
            ? nil
            : RunningStatistics(
                encoder, running: model.statistics[modality], order: order(descending: false),
                totalLeaves: shards * inputCount, communicator: communicator)
        statisticsViews = encoder.statisticsViews(of: model.statistics[modality])
        philox = Philox(seed: configuration.seed)
        encoderNumber = modality == .first ? 0 : 1
    }

    // MARK: - Inputs and leaves

    /// Index among the encoder's inputs of one batch of a modality.
    func inputIndex(of modality: Modality, batch: Int) -> Int {
        modalities.firstIndex(of: modality)! * batchCount + batch
    }

    /// This worker's encodings of the pairs of a modality, rows × e, one tensor per batch.
    func encodings(of modality: Modality) -> [Tensor] {
        (0..<batchCount).map { (repeatedOutputs ?? outputs)[inputIndex(of: modality, batch: $0)] }
    }

    /// One shard of one input: a leaf of the pairwise sum over shards.
    struct Leaf {
        let shard: Int
        let input: Int
    }

    private var leafCount: Int { localShards * outputs.count }

    /// The leaf with this number in the pairwise sum. The inputs of a shard are adjacent.
    private func leaf(_ number: Int) -> Leaf { Leaf(shard: number / outputs.count, input: number % outputs.count) }

    /// The rows of a shard in this worker's samples of a batch.
    func rows(of shard: Int) -> Range<Int> { shard * shardRows..<(shard + 1) * shardRows }

    /// The rows of a shard in this worker's pairs of a batch.
    private func pairs(of shard: Int) -> Range<Int> {
        let count = shardRows * pairsPerSample
        return shard * count..<(shard + 1) * count
    }

    /// Index in the workspace of the activations of a leaf.
    func slot(of leaf: Leaf) -> Int { leaf.shard * outputs.count + leaf.input }

    // MARK: - Forward and backward

    /// Encodes this worker's samples, shard by shard, into `outputs`.
    /// - Parameters:
    ///   - samples: the tensors of each modality, one per batch.
    ///   - firstDraws: draw number of this worker's first pair, one for each batch.
    func forward(_ samples: PerModality<[Tensor]>, firstDraws: [UInt64]) {
        self.firstDraws = firstDraws
        let inputs = modalities.flatMap { samples[$0] }
        for number in 0..<leafCount {
            let leaf = leaf(number)
            forward(inputs[leaf.input], leaf, shardStatistics: statistics?.views(forTurn: number) ?? [])
            statistics?.close(turn: number)
        }
    }

    /// - Parameters:
    ///   - shardStatistics: receives the statistics of the leaf; empty if the pass repeats another.
    ///   - afterLayer: as for `Encoder.forward`.
    func forward(
        _ samples: Tensor, _ leaf: Leaf, shardStatistics: [[Tensor]] = [], afterLayer: ((Int, Tensor) -> Void)? = nil
    ) {
        let rows = rows(of: leaf.shard)
        encoder.forward(
            samples.rows(rows), parameters: parameterViews, workspace: workspace, slot: slot(of: leaf),
            output: outputs[leaf.input].rows(rows), context: context(of: leaf, shardStatistics: shardStatistics),
            afterLayer: afterLayer)
        if let repeatedOutputs {
            RepeatedRows.copy(
                outputs[leaf.input].rows(rows), count: pairsPerSample,
                into: repeatedOutputs[leaf.input].rows(pairs(of: leaf.shard)))
        }
    }

    /// The gradient of a shard's encodings: that of the pairs, or for T pairs a sample the sum of each T rows. It is
    /// valid until the next call.
    /// - Parameter gradient: ∂ loss / ∂ encodings of this worker's pairs, rows × e.
    func outputGradient(_ gradient: Tensor, of shard: Int) -> Tensor {
        let pairGradient = gradient.rows(pairs(of: shard))
        guard let sampleGradient else { return pairGradient }
        RepeatedRows.sum(pairGradient, count: pairsPerSample, into: sampleGradient)
        return sampleGradient
    }

    /// The context of a pass over a leaf. A frozen encoder works as in an evaluation.
    /// - Parameter touchedRows: for a backward pass.
    func context(
        of leaf: Leaf, shardStatistics: [[Tensor]] = [], touchedRows: Int? = nil
    ) -> EncoderContext {
        if isFrozen { return .evaluation(statistics: statisticsViews) }
        return .training(
            philox: philox, encoderNumber: encoderNumber, input: leaf.input,
            firstDraw: firstSample(ofBatch: leaf.input % batchCount) + UInt64(rows(of: leaf.shard).lowerBound),
            statistics: statisticsViews, shardStatistics: shardStatistics, touchedRows: touchedRows)
    }

    /// The number of this worker's first sample of a batch, for dropout: n of its pair's draw, or n div T.
    private func firstSample(ofBatch batch: Int) -> UInt64 {
        Sampler.sample(ofDraw: firstDraws[batch], pairsPerSample: pairsPerSample)
    }

    /// Backpropagates the gradient of the encodings to the parameters, and begins to sum it over the workers. The
    /// reduce-scatter of a bucket begins as soon as the last shard has passed the bucket's layers.
    ///
    /// Shards run from last to first: if activations are not kept, the forward pass has left those of the last shard's
    /// last layers. A sum of two has the same bits in both orders, so the tree gives the same bits.
    /// - Parameters:
    ///   - samples: the tensors of each modality, one per batch.
    ///   - outputGradients: ∂ loss / ∂ encodings: the tensors of each modality, one per batch.
    func backward(_ samples: PerModality<[Tensor]>, outputGradients: PerModality<[Tensor]>) throws {
        guard let gradients else { return }
        let inputs = modalities.flatMap { samples[$0] }, outputGradients = modalities.flatMap { outputGradients[$0] }
        let buckets = encoder.layout.buckets
        try tableGradients?.begin(inputs)
        for turn in 0..<leafCount {
            let leaf = leaf(leafCount - 1 - turn), rows = rows(of: leaf.shard), isLast = turn == leafCount - 1
            let tableInput = tableInput(inputs[leaf.input].rows(rows))
            var views = gradients.views(forTurn: turn)
            if let tableGradients, let tableInput { views[0] = [tableGradients.view(forTurn: turn, tableInput)] }
            try encoder.backward(
                input: inputs[leaf.input].rows(rows), tableInput: tableInput, output: outputs[leaf.input].rows(rows),
                outputGradient: outputGradient(outputGradients[leaf.input], of: leaf.shard), parameters: parameterViews,
                workspace: workspace, slot: slot(of: leaf), gradients: views,
                context: context(of: leaf, touchedRows: touchedRows), followsForward: turn == 0
            ) { layer in
                guard let bucket = buckets.first(where: { $0.layers.lowerBound == layer }) else { return }
                if bucket.isSparse, let tableGradients {
                    tableGradients.close(turn: turn)
                    if isLast { try tableGradients.beginReduction() }
                    return
                }
                gradients.close(turn: turn, range: bucket.range)
                if isLast {
                    for reduction in pending { try reduction.advance() }
                    pending.append(
                        try communicator.beginReduceScatter(
                            gradients.nodes.map { $0.flat(bucket.range) }, shards: encoder.layout.shards))
                }
            }
        }
    }

    // MARK: - Sum over workers and update

    /// Waits for the sum of the gradient over the workers, and averages the statistics of the shards.
    /// - Returns: [bucket][block]: Σ gradient² of each block that this worker owns, without a sparse table; empty if
    ///   the encoder is frozen.
    func finishGradientSum() throws -> [[Double]] {
        for reduction in pending { try reduction.finish() }
        pending.removeAll(keepingCapacity: true)
        tableSquare = try tableGradients?.finishReduction()
        try statistics?.computeMeans()
        guard let gradients else { return [] }
        return encoder.layout.buckets.filter { !$0.isSparse }.map { bucket in
            let owned = communicator.ownedRange(in: bucket.range, shards: encoder.layout.shards)
            let block = bucket.range.count / encoder.layout.shards
            return stride(from: owned.lowerBound, to: owned.upperBound, by: block).map {
                couplet_squared_norm(block, gradients.sum.pointer + $0)
            }
        }
    }

    /// The slices of the summed gradient that this worker owns, one per bucket. They are valid until the next backward
    /// pass. That of a sparse table is made anew, with all its rows.
    package var gradientSlices: [Tensor] {
        guard let gradients else { return [] }
        return encoder.layout.buckets.map { bucket in
            let owned = ownedRange(of: bucket)
            guard bucket.isSparse, let tableGradients, let table = encoder.sparseTable else {
                return gradients.sum.flat(owned)
            }
            let slice = Tensor([owned.count]), firstRow = (owned.lowerBound - bucket.range.lowerBound) / table.width
            let ownedRows = firstRow..<(firstRow + owned.count / table.width)
            for (position, row) in tableGradients.rows.rows.enumerated() where ownedRows.contains(Int(row)) {
                let start = (Int(row) - firstRow) * table.width
                slice.flat(start..<(start + table.width)).copy(
                    from: tableGradients.sum.rows(position..<(position + 1)))
            }
            return slice
        }
    }

    /// The parameters of a bucket that this worker owns.
    func ownedRange(of bucket: ParameterLayout.Bucket) -> Range<Int> {
        communicator.ownedRange(in: bucket.range, shards: encoder.layout.shards)
    }

    /// A part of the summed gradient that this worker owns; nil if the encoder is frozen. The same as of
    /// `gradientSlices`, but for a sparse table, of which it has nothing.
    func gradient(_ range: Range<Int>) -> Tensor? { gradients?.sum.flat(range) }

    /// Number of rows of the sparse table that this step touches, from the backward pass on; nil without such a table.
    var touchedRows: Int? { tableGradients?.rows.count }

    /// The samples of a leaf for the backward pass of a sparse table: its rows have their numbers in the gradient. Nil
    /// without such a table.
    func tableInput(_ samples: Tensor) -> Tensor? { tableGradients?.input(samples) }

    /// Memory for the gradient of these rows: touched rows × width; nil without such a table.
    func newTableGradient() -> Tensor? {
        guard let tableGradients, let table = encoder.sparseTable else { return nil }
        return Tensor([tableGradients.rows.count, table.width])
    }

    /// Updates the owned slices of the parameters, gathers all slices on every worker, and updates the running
    /// statistics. A frozen encoder updates nothing.
    func update(_ step: OptimizerStep) throws {
        guard let gradients, let optimizer else { return }
        try optimizer.update(
            gradient: gradients.sum, table: tableGradients.map { ($0.rows, gradient: $0.sum) }, step)
        try statistics?.update()
    }

    /// The moving average of the parameters; the parameters if there is none. Every worker calls it.
    func averageParameters() throws -> Tensor {
        guard let optimizer, optimizer.arrayNames.contains(OptimizerSpecification.averageName) else {
            return parameters
        }
        let average = Tensor([encoder.layout.count])
        try optimizer.gatherAverage(into: average)
        return average
    }
}
