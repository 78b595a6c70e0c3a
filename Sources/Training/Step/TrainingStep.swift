import CoupletCommunication
import CoupletLosses
import CoupletOptimizers
import CoupletPairs
import CoupletTensors

/// One training step on one worker: from sample numbers to updated parameters. All workers run the same program, each
/// on its own shards.
///
///     source → sampler → encoders → loss       → gradient sum → optimizer
///     pairs    shards    U, V       loss, dU, dV  gradients      parameters
///
/// The parameters after a step have the same bits for every number of workers.
package final class TrainingStep {
    private let communicator: any Communicator
    private let sampler: Sampler
    /// Positions in the global batch of this worker's pairs.
    private let positions: Range<Int>
    private let reader: BatchReader
    package let engine: PairwiseEngine
    private let schedule: LearningRateSchedule
    private let optimizer: Optimizer
    private let clipNorm: Double?
    /// One trainer per distinct encoder: two, or one where both modalities share an encoder.
    private let trainers: [EncoderTrainer]
    /// Kernel features of the data; nil unless the loss compares data.
    private let features: BatchFeatures?
    /// Temperature and bias of the loss.
    package var scalars: LossScalars

    /// - Parameter tileMemory: bytes that this worker may use to cache scores between the passes of the loss.
    /// - Throws: `DataError` if a batch does not fit the source, `FeatureCountError` if a kernel needs too many
    ///   features.
    package init(
        _ configuration: Configuration, model: Model, source: any PairSource, communicator: any Communicator,
        tileMemory: Int
    ) throws {
        let batch = configuration.batch, objective = configuration.objective
        let localPairs = batch.size / communicator.size
        let optimizer = Optimizer(configuration.optimizer)
        self.communicator = communicator
        self.optimizer = optimizer
        schedule = LearningRateSchedule(configuration.optimizer)
        clipNorm = configuration.optimizer.clipNorm
        sampler = try Sampler(batchSize: batch.size, sampleCount: source.count(of: .training), seed: configuration.seed)
        positions = communicator.rank * localPairs..<(communicator.rank + 1) * localPairs
        reader = BatchReader(
            source, sampler: sampler, positions: positions, batchCount: objective.loss.batchCount,
            inputShapes: model.encoders.map(\.inputShape))
        trainers = model.modalitiesWithOwnEncoder.map {
            EncoderTrainer($0, of: model, configuration, optimizer: optimizer, communicator: communicator)
        }
        features = try BatchFeatures(configuration, source: source, rows: localPairs)
        engine = PairwiseEngine(
            communicator: communicator, shards: batch.shards, batchSize: batch.size,
            dimension: configuration.encoders.embedding, similarity: objective.similarity, loss: objective.loss,
            tileMemory: tileMemory, features: features?.counts)
        scalars = LossScalars(objective, momentCount: optimizer.momentNames.count)
    }

    /// Runs step `step`, counted from 0. If the loss or the gradient is not finite, the step updates nothing, and its
    /// report says where the first value that is not finite appeared.
    /// - Parameters:
    ///   - requests: the requests of this worker. The report has those of all workers.
    ///   - inspect: is called at the stages of the step. Either all workers pass it or none does.
    /// - Throws: `DataError` or `FileError` if the samples cannot be read; `CollectiveError` if a worker failed.
    package func run(
        _ step: Int, requests: ControlRequests = [], inspect: ((StepStage) throws -> Void)? = nil
    ) throws -> StepReport {
        let samples = try reader.samples(step: step)
        for trainer in trainers { trainer.forward(samples) }

        let temperature = scalars.temperature
        let result = try evaluateLoss(samples)
        try inspect?(.loss(result))

        let outputGradients = PerModality(first: result.firstGradients, second: result.secondGradients)
        for trainer in trainers { try trainer.backward(samples, outputGradients: outputGradients) }
        let blockSquares = try trainers.map { try $0.finishGradientSum() }
        try inspect?(.gradients)

        let exchange = try StepExchange(blockSquares, requests: requests, communicator: communicator)
        let scalarGradients = scalars.gradients(of: result)
        let squares = exchange.bucketSquares.joined() + scalarGradients.map { $0 * $0 }
        let norm = squares.reduce(0, +).squareRoot()
        let clip = clipNorm.map { norm > $0 ? $0 / norm : 1 } ?? 1

        let rate = schedule.rate(atStep: step)
        var nonFinite: NonFiniteDiagnosis?
        if result.loss.isFinite, norm.isFinite {
            for trainer in trainers { try trainer.update(rate: rate, t: step + 1, scale: clip) }
            scalars.update(gradients: scalarGradients, optimizer, rate: rate, t: step + 1, scale: clip)
        } else {
            nonFinite = try diagnose(step, samples, loss: result.loss, norm: norm)
        }
        return StepReport(
            step: step + 1, loss: result.loss, learningRate: rate, gradientNorm: norm,
            encoderGradientNorms: PerModality { modality in
                exchange.bucketSquares[trainerIndex(of: modality)].reduce(0, +).squareRoot()
            },
            temperature: temperature, requests: exchange.requests, nonFinite: nonFinite)
    }

    /// This worker's encodings of a modality, B/W × e: of the batch, then of the second batch if the loss takes one.
    package func encodings(of modality: Modality) -> [Tensor] { trainer(of: modality).encodings(of: modality) }

    /// Names of the optimizer's moments of a parameter.
    var momentNames: [String] { optimizer.momentNames }

    /// The trainer of the encoder of a modality.
    package func trainer(of modality: Modality) -> EncoderTrainer { trainers[trainerIndex(of: modality)] }

    private func trainerIndex(of modality: Modality) -> Int {
        trainers.firstIndex { $0.modalities.contains(modality) }!
    }

    /// The loss of the current encodings and its gradients.
    private func evaluateLoss(_ samples: PerModality<[Tensor]>) throws -> PairwiseResult {
        let (u, v) = (encodings(of: .first), encodings(of: .second))
        return try engine.evaluate(
            first: u[0], second: v[0], secondBatch: u.count > 1 ? (u[1], v[1]) : nil, temperature: scalars.temperature,
            bias: scalars.bias, features: features?.evaluate(samples.map { $0[0] }))
    }

    /// Searches for the first value that is not finite. Loss and norm are the same on all workers, so all workers call
    /// it.
    private func diagnose(
        _ step: Int, _ samples: PerModality<[Tensor]>, loss: Double, norm: Double
    ) throws -> NonFiniteDiagnosis {
        let search = NonFiniteSearch(
            trainers: PerModality(trainer(of:)), positions: positions, communicator: communicator)
        let finding = try search.run(samples) { try evaluateLoss(samples) }
        let ranges = finding.positions.map { $0..<$0 + 1 }
        return NonFiniteDiagnosis(
            step: step + 1, loss: loss, gradientNorm: norm, origin: finding.origin, batch: finding.batch,
            batchSize: sampler.batchSize, sampleCount: finding.sampleCount,
            draws: ranges.flatMap { sampler.draws(step: step, positions: $0) },
            samples: sampler.sampleCount == nil
                ? nil : ranges.flatMap { sampler.numbers(step: step, positions: $0, of: finding.batch) })
    }
}
