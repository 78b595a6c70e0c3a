import CoupletCommunication
import CoupletLosses
import CoupletOptimizers
import CoupletPairs
import CoupletTensors

/// A training step, as one worker sees it: from sample numbers to updated parameters. Every worker runs the same program on its own shards.
///
///     source → sampler → encoders → objective → tree sum → optimizer
///     pairs    shards    U, V       loss,dU,dV  gradients  parameters
package final class TrainingStep {
    private let communicator: any Communicator
    private let sampler: Sampler
    /// This worker's places in a batch.
    private let positions: Range<Int>
    private let reader: BatchReader
    package let engine: PairwiseEngine
    private let schedule: LearningRateSchedule
    private let rule: Optimizer
    private let clipNorm: Double?
    package let first: EncodedModality
    package let second: EncodedModality
    /// Both encoders, or the one that both modalities share.
    private let trainers: [EncoderTrainer]
    private let features: BatchFeatures?
    var temperature: LearnedTemperature
    var bias: LearnedScalar

    package init(
        _ configuration: Configuration, model: Model, source: any PairSource, communicator: any Communicator,
        tileMemory: Int
    ) throws {
        let shards = configuration.batch.shards, batch = configuration.batch.size
        self.communicator = communicator
        sampler = try Sampler(batchSize: batch, sampleCount: source.count(of: .training), seed: configuration.seed)
        schedule = LearningRateSchedule(configuration.optimizer)
        let rule = Optimizer(configuration.optimizer)
        self.rule = rule
        clipNorm = configuration.optimizer.clipNorm
        let features = try BatchFeatures(configuration, source: source, rows: batch / communicator.size)
        self.features = features
        engine = PairwiseEngine(
            communicator: communicator, shards: shards, batch: batch, dimension: configuration.encoders.embedding,
            similarity: configuration.objective.similarity, loss: configuration.objective.loss, tileMemory: tileMemory,
            features: features?.counts)
        let batches = configuration.objective.loss.batchCount
        trainers = model.ownEncoders.map { modality in
            EncoderTrainer(
                model.encoder(modality), inputs: model.isShared ? 2 * batches : batches,
                isFrozen: model.frozen.contains(modality),
                parameters: model.parameters(modality), communicator: communicator, rule: rule, shards: shards,
                shardRows: batch / shards,
                activations: configuration.batch.activations)
        }
        first = EncodedModality(trainer: trainers[0], inputs: 0..<batches)
        second = EncodedModality(
            trainer: trainers[trainers.count - 1], inputs: model.isShared ? batches..<2 * batches : 0..<batches)
        let pairs = batch / communicator.size
        positions = communicator.rank * pairs..<(communicator.rank + 1) * pairs
        reader = BatchReader(
            source, sampler: sampler, positions: positions, batches: batches, firstShape: model.first.inputShape,
            secondShape: model.second.inputShape)
        let objective = configuration.objective
        temperature = LearnedTemperature(objective.temperature, momentCount: rule.momentNames.count)
        bias = LearnedScalar(
            path: RunState.biasPath, initial: objective.loss.usesBias ? objective.bias.initial : 0,
            isLearned: objective.loss.usesBias && objective.bias.learned, momentCount: rule.momentNames.count)
    }

    /// Makes step `step` (counted from 0). Where its loss or gradient is not finite, nothing is updated, and the report says where that began.
    /// - Parameters:
    ///   - stopRequested: whether this worker's process was asked to stop; all workers learn of it.
    ///   - saveRequested: whether this worker asks for a checkpoint; likewise.
    ///   - inspect: looks at the step between its stages; every worker gives one, or none does.
    package func run(
        _ step: Int, stopRequested: Bool, saveRequested: Bool = false, inspect: ((StepStage) throws -> Void)? = nil
    ) throws -> StepReport {
        let samples = try reader.batch(step: step)
        let inputs = inputs(samples)
        for (trainer, inputs) in zip(trainers, inputs) { trainer.forward(inputs) }
        let tau = temperature.value
        let result = try objective(samples)
        try inspect?(.objective(result))
        for (trainer, (inputs, gradients)) in zip(trainers, zip(inputs, self.gradients(result))) {
            try trainer.backward(inputs, outputGradients: gradients)
        }

        let blocks = try trainers.flatMap { try $0.finishSums() }
        try inspect?(.gradients)
        let scaleGradient = temperature.specification.learned ? result.inverseTemperatureGradient : 0
        let biasGradient = bias.isLearned ? result.biasGradient : 0
        let (squares, isStopRequested, isSaveRequested) = try gather(
            blocks, stopRequested: stopRequested, saveRequested: saveRequested)
        let firstSquares = squares[..<trainers[0].trainedBuckets.count]
        let secondSquares = trainers.count == 1 ? firstSquares : squares[firstSquares.endIndex...]
        let norm = (squares.reduce(0, +) + scaleGradient * scaleGradient + biasGradient * biasGradient).squareRoot()
        let clip = clipNorm.map { norm > $0 ? $0 / norm : 1 } ?? 1

        let rate = schedule.rate(atStep: step)
        var nonFinite: NonFiniteDiagnosis?
        if result.loss.isFinite, norm.isFinite {
            for trainer in trainers { try trainer.update(rate: rate, t: step + 1, scale: clip) }
            temperature.update(gradient: scaleGradient, rule: rule, rate: rate, t: step + 1, scale: clip)
            bias.update(gradient: biasGradient, rule: rule, rate: rate, t: step + 1, scale: clip)
        } else {
            nonFinite = try diagnose(step, samples, loss: result.loss, norm: norm)
        }
        return StepReport(
            step: step + 1, loss: result.loss, learningRate: rate, gradientNorm: norm,
            firstGradientNorm: firstSquares.reduce(0, +).squareRoot(),
            secondGradientNorm: secondSquares.reduce(0, +).squareRoot(),
            temperature: tau, stopRequested: isStopRequested, saveRequested: isSaveRequested, nonFinite: nonFinite)
    }

    /// What of the objective is learned, as a checkpoint has it.
    package var objectiveScalars: [LearnedScalar] {
        get { [temperature.logInverse, bias].filter(\.isLearned) }
        set {
            for scalar in newValue {
                if scalar.path == bias.path { bias = scalar } else { temperature.logInverse = scalar }
            }
        }
    }

    /// The loss of the encoders' present outputs, and its gradients.
    private func objective(_ samples: BatchReader.Batch) throws -> PairwiseResult {
        let (u, v) = (first.outputs, second.outputs)
        return try engine.evaluate(
            first: u[0], second: v[0], secondBatch: u.count > 1 ? (u[1], v[1]) : nil, temperature: temperature.value,
            bias: bias.value,
            features: features?.evaluate(first: samples.first[0], second: samples.second[0]))
    }

    /// What each trainer encodes: its modality's batch and second batch, or those of both where both share it.
    private func inputs(_ samples: BatchReader.Batch) -> [[Tensor]] {
        trainers.count == 1 ? [samples.first + samples.second] : [samples.first, samples.second]
    }

    /// The gradients of what each trainer encodes, likewise.
    private func gradients(_ result: PairwiseResult) -> [[Tensor]] {
        let (first, second) = (result.firstGradients, result.secondGradients)
        return trainers.count == 1 ? [first + second] : [first, second]
    }

    /// All workers know of it, for loss and norm are the same on all.
    private func diagnose(_ step: Int, _ samples: BatchReader.Batch, loss: Double, norm: Double) throws
        -> NonFiniteDiagnosis
    {
        let search = NonFiniteSearch(first: first, second: second, communicator: communicator)
        let (origin, batch, count, places) = try search.run(samples, positions: positions) { try objective(samples) }
        let ranges = places.map { $0..<$0 + 1 }
        return NonFiniteDiagnosis(
            step: step + 1, loss: loss, gradientNorm: norm, origin: origin, batch: batch, batchSize: sampler.batchSize,
            sampleCount: count,
            draws: ranges.flatMap { sampler.draws(step: step, positions: $0) },
            samples: sampler.sampleCount == nil
                ? nil : ranges.flatMap { sampler.numbers(step: step, positions: $0, of: batch) })
    }

    /// Σ gradient² of each bucket, the first encoder's before the second's: its blocks of all workers along the tree; and whether any worker asked to
    /// stop, or for a checkpoint.
    private func gather(
        _ blocks: [Double], stopRequested: Bool, saveRequested: Bool
    ) throws -> (squares: [Double], stop: Bool, save: Bool) {
        let gathered = try communicator.allGather(numbers: blocks + [stopRequested ? 1 : 0, saveRequested ? 1 : 0])
        let width = blocks.count + 2, workers = communicator.size
        let buckets = trainers.reduce(0) { $0 + $1.trainedBuckets.count }, own = blocks.count / max(1, buckets)
        let squares = (0..<buckets).map { bucket in
            var ordered = [Double](repeating: 0, count: own * workers)
            for worker in 0..<workers {
                let slice = PairwiseSummation.bitReversedSlice(ofWorker: worker, workers: workers)
                for block in 0..<own { ordered[slice * own + block] = gathered[worker * width + bucket * own + block] }
            }
            return PairwiseSummation.sum(ordered)
        }
        func isAsked(_ place: Int) -> Bool {
            (0..<workers).contains { gathered[$0 * width + blocks.count + place] != 0 }
        }
        return (squares, isAsked(0), isAsked(1))
    }
}
