import CoupletCommunication
import CoupletLosses
import CoupletOptimizers
import CoupletPairs
import CoupletTensors

/// One training step on one worker: from sample numbers to updated parameters θ. All W workers run the same program,
/// each on the pairs of its shards.
///
///     sampler → source → encoders → loss            → gradient sum → optimizer
///     numbers   pairs    U, V       L, ∂L/∂U, ∂L/∂V   g = ∂L/∂θ      θ
///
/// `run` has one paragraph for each stage:
///
/// 1. The worker reads its samples and encodes them, without communication: U and V.
/// 2. The engine evaluates the loss L over all pairs of the batch, and ∂L/∂U and ∂L/∂V for this worker's rows. The
///    workers exchange blocks of encodings and of their gradients.
/// 3. The encoders backpropagate, shard by shard. A reduce-scatter of each bucket of g starts during the backward pass
///    and leaves each worker with the slices of g that it owns.
/// 4. An all-gather of squared norms gives ‖g‖ on every worker, learned scalars included, and the factor that clips g,
///    c = min(1, clip_norm / ‖g‖).
/// 5. The optimizer updates the owned slices of θ with c · g, and an all-gather distributes them. Every worker updates
///    the learned scalars.
///
/// The workers add the gradients of the S shards pairwise, in an order that does not depend on W. So the parameters
/// after a step have the same bits for every number of workers.
package final class TrainingStep {
    private let communicator: any Communicator
    private let sampler: Sampler
    /// S.
    private let shards: Int
    /// Positions in the global batch of this worker's pairs.
    private let positions: Range<Int>
    private let reader: BatchReader
    /// The batches of a step: two if the loss takes a second one.
    private let batches: [Sampler.Batch]
    /// Evaluates the loss over all pairs of the batch.
    package let engine: PairwiseEngine
    private let optimizer: OptimizerSpecification
    /// One trainer per distinct encoder: two, or one where both modalities share an encoder.
    private let trainers: [EncoderTrainer]
    /// Kernel features of the data; nil unless the loss compares data.
    private let features: BatchFeatures?
    /// The scalings of the inputs, which a checkpoint keeps.
    let scalings: PerModality<InputScaling?>
    /// Temperature and bias of the loss. Every worker has a copy with the same bits.
    package var scalars: LossScalars
    /// Records the phases of the steps; nil: nothing is recorded.
    var recorder: PhaseRecorder?

    /// Allocates the buffers of this worker.
    /// - Parameters:
    ///   - model: its parameters are the θ that the step updates. The workers of a process share them.
    ///   - tileMemory: bytes that this worker may use to cache scores between the two passes of the loss.
    /// - Throws: `DataError` if the source has fewer training samples than a batch; `FeatureCountError` if a kernel
    ///   needs too many features.
    package init(
        _ configuration: Configuration, model: Model, source: any PairSource, communicator: any Communicator,
        tileMemory: Int
    ) throws {
        let batch = configuration.batch, objective = configuration.objective
        let ownShards = ShardPartition(shards: batch.shards, workers: communicator.size).range(of: communicator.rank)
        let shardPairs = batch.size / batch.shards
        self.communicator = communicator
        optimizer = configuration.optimizer
        sampler = try Sampler(configuration, source: source)
        positions = ownShards.lowerBound * shardPairs..<ownShards.upperBound * shardPairs
        shards = batch.shards
        batches = Array(BatchReader.batches.prefix(objective.loss.batchCount))
        reader = BatchReader(
            source, sampler: sampler, positions: positions, batchCount: objective.loss.batchCount,
            inputShapes: model.encoders.map(\.inputShape),
            reading: .init(groups: objective.groups != .ignore, rows: objective.equalSamples != .ignore))
        trainers = model.modalitiesWithOwnEncoder.map {
            EncoderTrainer($0, of: model, configuration, communicator: communicator)
        }
        scalings = source.inputScalings
        features = try BatchFeatures(configuration, source: source, rows: positions.count)
        engine = PairwiseEngine(
            communicator: communicator, shards: batch.shards, batchSize: batch.size,
            dimension: configuration.encoders.embedding, similarity: objective.similarity, loss: objective.loss,
            tileMemory: tileMemory, features: features?.counts, groups: objective.groups,
            equalSamples: objective.equalSamples)
        scalars = LossScalars(objective, momentCount: configuration.optimizer.kind.momentNames.count)
    }

    /// The time for which this worker has waited for its samples so far.
    package var waitingForSamples: Duration { reader.waiting }

    /// Runs step `step`, counted from 0. Every worker calls it.
    ///
    /// If the loss or the gradient norm is not finite, the step updates nothing, and `StepReport.nonFinite` locates the
    /// first value that is not finite.
    /// - Parameters:
    ///   - requests: the requests of this worker. The report has the requests of all workers.
    ///   - inspect: receives each `StepStage`. It may call collectives, so either all workers pass it or none does.
    /// - Returns: the report, which has the same bits on every worker.
    /// - Throws: `DataError` or `FileError` if the samples cannot be read; `CollectiveError` if a worker failed; the
    ///   errors of `inspect`.
    package func run(
        _ step: Int, requests: ControlRequests = [], inspect: ((StepStage) throws -> Void)? = nil
    ) throws -> StepReport {
        recorder?.begin(.reading)
        let samples = try reader.samples(step: step)
        recorder?.next(.forward)
        let firstDraws = batches.map {
            sampler.draws(step: step, positions: positions.lowerBound..<positions.lowerBound + 1, of: $0)[0]
        }
        for trainer in trainers { trainer.forward(samples, firstDraws: firstDraws) }

        let temperature = scalars.temperature
        recorder?.next(.loss)
        let result = try evaluateLoss(samples, step: step)
        try inspect?(.loss(result))

        recorder?.next(.backward)
        let outputGradients = PerModality(first: result.firstGradients, second: result.secondGradients)
        for trainer in trainers { try trainer.backward(samples, outputGradients: outputGradients) }
        recorder?.next(.gradientSum)
        let blockSquares = try trainers.map { try $0.finishGradientSum() }
        if inspect != nil { recorder?.next(.inspection) }
        try inspect?(.gradients)

        recorder?.next(.gradientNorm)
        let exchange = try StepExchange(
            blockSquares, shards: shards, requests: requests, communicator: communicator)
        // [trainer][bucket]; a sparse table is the last one.
        let bucketSquares = zip(exchange.bucketSquares, trainers).map { $0 + ($1.tableSquare.map { [$0] } ?? []) }
        let scalarGradients = scalars.gradients(of: result)
        let squares = bucketSquares.joined() + scalarGradients.map { $0 * $0 }
        let norm = squares.reduce(0, +).squareRoot()
        let update = optimizer.update(atStep: step, gradientNorm: norm)

        recorder?.next(.optimizer)
        var nonFinite: NonFiniteDiagnosis?
        if result.loss.isFinite, norm.isFinite {
            for trainer in trainers { try trainer.update(update) }
            scalars.update(gradients: scalarGradients, optimizer.kind, update)
        } else {
            nonFinite = try diagnose(step, samples, loss: result.loss, norm: norm)
        }
        recorder?.end()
        return StepReport(
            step: step + 1, loss: result.loss, learningRate: update.rate, gradientNorm: norm,
            encoderGradientNorms: PerModality { modality in
                bucketSquares[trainerIndex(of: modality)].reduce(0, +).squareRoot()
            },
            temperature: temperature, requests: exchange.requests, nonFinite: nonFinite)
    }

    /// This worker's encodings of a modality, B/W × e: one tensor for the batch, then one for the second batch if the
    /// loss takes one.
    package func encodings(of modality: Modality) -> [Tensor] { trainer(of: modality).encodings(of: modality) }

    /// The moving average of the parameters of each encoder; the parameters themselves if an encoder is frozen or there
    /// is no average. Every worker calls it.
    package func averageParameters() throws -> PerModality<Tensor> {
        let averages = try trainers.map { try $0.averageParameters() }
        return PerModality { averages[trainerIndex(of: $0)] }
    }

    /// Starts the moving averages at the current parameters.
    package func resetAverage() { for trainer in trainers { trainer.optimizer?.resetAverage() } }

    /// The trainer of the encoder of a modality.
    package func trainer(of modality: Modality) -> EncoderTrainer { trainers[trainerIndex(of: modality)] }

    private func trainerIndex(of modality: Modality) -> Int {
        trainers.firstIndex { $0.modalities.contains(modality) }!
    }

    /// Evaluates the loss of the current encodings, and its gradients. Every worker calls it.
    private func evaluateLoss(_ samples: PerModality<[Tensor]>, step: Int) throws -> PairwiseResult {
        let (u, v) = (encodings(of: .first), encodings(of: .second)), groups = reader.groups(step: step)
        let rows = reader.rows(step: step)
        return try engine.evaluate(
            first: u[0], second: v[0], secondBatch: u.count > 1 ? (u[1], v[1]) : nil, temperature: scalars.temperature,
            bias: scalars.bias, features: features?.evaluate(samples.map { $0[0] }), groups: groups?[0],
            secondBatchGroups: u.count > 1 ? groups?[1] : nil, samples: rows?[0],
            secondBatchSamples: u.count > 1 ? rows?[1] : nil)
    }

    /// Recomputes the step and finds the first value that is not finite. Every worker calls it: loss and norm have the
    /// same bits on all workers, so all of them detect the failure.
    private func diagnose(
        _ step: Int, _ samples: PerModality<[Tensor]>, loss: Double, norm: Double
    ) throws -> NonFiniteDiagnosis {
        let search = NonFiniteSearch(
            trainers: PerModality(trainer(of:)), positions: positions, communicator: communicator)
        let finding = try search.run(samples) { try evaluateLoss(samples, step: step) }
        let positionRanges = finding.positions.map { $0..<$0 + 1 }
        return NonFiniteDiagnosis(
            step: step + 1, loss: loss, gradientNorm: norm, origin: finding.origin, batch: finding.batch,
            batchSize: sampler.batchSize, sampleCount: finding.sampleCount,
            draws: positionRanges.flatMap { sampler.draws(step: step, positions: $0) },
            samples: sampler.sampleCount == nil
                ? nil : positionRanges.flatMap { sampler.numbers(step: step, positions: $0, of: finding.batch) })
    }
}
