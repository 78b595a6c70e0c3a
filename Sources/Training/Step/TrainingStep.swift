import Collectives
import Networks
import Objectives
import Pairs
import Tensors

/// A training step, as one worker sees it: from sample numbers to updated parameters. Every worker runs the same program on its own shards.
///
///     source → sampler → encoders → objective → tree sum → optimizer
///     pairs    shards    U, V       loss,dU,dV  gradients  parameters
package final class TrainingStep {
    private let communicator: any Communicator
    private let reader: BatchReader
    let engine: PairwiseEngine
    private let schedule: LearningRateSchedule
    private let rule: OptimizerRule
    private let clipNorm: Double?
    let first: EncoderTrainer
    let second: EncoderTrainer
    var temperature: LearnedTemperature

    package init(_ configuration: Configuration, model: Model, source: any PairSource, communicator: any Communicator, tileMemory: Int) throws {
        let shards = configuration.batch.shards, batch = configuration.batch.size
        self.communicator = communicator
        let sampler = try Sampler(batchSize: batch, sampleCount: source.count(of: .training), seed: configuration.seed)
        schedule = LearningRateSchedule(configuration.optimizer)
        let rule = OptimizerRule(configuration.optimizer)
        self.rule = rule
        clipNorm = configuration.optimizer.clipNorm
        engine = PairwiseEngine(
            communicator: communicator, shards: shards, batch: batch, dimension: configuration.encoders.embedding,
            similarity: configuration.objective.similarity, loss: configuration.objective.loss, tileMemory: tileMemory)
        func trainer(_ modality: Modality) -> EncoderTrainer {
            EncoderTrainer(
                model.encoder(modality), parameters: model.parameters(modality), communicator: communicator, rule: rule, shards: shards,
                shardRows: batch / shards, activations: configuration.batch.activations)
        }
        first = trainer(.first)
        second = trainer(.second)
        let pairs = batch / communicator.size
        reader = BatchReader(
            source, sampler: sampler, positions: communicator.rank * pairs..<(communicator.rank + 1) * pairs,
            firstShape: model.first.inputShape, secondShape: model.second.inputShape)
        temperature = LearnedTemperature(configuration.objective.temperature, momentCount: rule.momentNames.count)
    }

    /// Makes step `step` (counted from 0).
    /// - Parameter stopRequested: whether this worker's process was asked to stop; all workers learn of it.
    package func run(_ step: Int, stopRequested: Bool) throws -> StepReport {
        let samples = try reader.batch(step: step)
        first.forward(samples.first)
        second.forward(samples.second)
        let tau = temperature.value
        let result = try engine.evaluate(first: first.output, second: second.output, temperature: tau)
        try first.backward(samples.first, outputGradient: result.firstGradient)
        try second.backward(samples.second, outputGradient: result.secondGradient)

        let blocks = try first.finishSums() + second.finishSums()
        let scaleGradient = temperature.specification.learned ? result.inverseTemperatureGradient : 0
        let (squares, stop) = try gather(blocks, stopRequested: stopRequested)
        let firstSquares = squares[..<first.encoder.layout.buckets.count], secondSquares = squares[firstSquares.endIndex...]
        let norm = (squares.reduce(0, +) + scaleGradient * scaleGradient).squareRoot()
        let clip = clipNorm.map { norm > $0 ? $0 / norm : 1 } ?? 1

        let rate = schedule.rate(atStep: step)
        try first.update(rate: rate, t: step + 1, scale: clip)
        try second.update(rate: rate, t: step + 1, scale: clip)
        if temperature.specification.learned {
            temperature.update(gradient: scaleGradient, rule: rule, rate: rate, t: step + 1, scale: clip)
        }
        return StepReport(
            step: step + 1, loss: result.loss, learningRate: rate, gradientNorm: norm,
            firstGradientNorm: firstSquares.reduce(0, +).squareRoot(), secondGradientNorm: secondSquares.reduce(0, +).squareRoot(),
            temperature: tau, stopRequested: stop)
    }

    /// Σ gradient² of each bucket, the first encoder's before the second's: its blocks of all workers along the tree.
    private func gather(_ blocks: [Double], stopRequested: Bool) throws -> (squares: [Double], stop: Bool) {
        let gathered = try communicator.allGather(numbers: blocks + [stopRequested ? 1 : 0])
        let width = blocks.count + 1, workers = communicator.size
        let buckets = first.encoder.layout.buckets.count + second.encoder.layout.buckets.count, own = blocks.count / buckets
        let squares = (0..<buckets).map { bucket in
            var ordered = [Double](repeating: 0, count: own * workers)
            for worker in 0..<workers {
                let slice = ShardTree.reversedSlice(ofWorker: worker, workers: workers)
                for block in 0..<own { ordered[slice * own + block] = gathered[worker * width + bucket * own + block] }
            }
            return ShardTree.sum(ordered)
        }
        return (squares, (0..<workers).contains { gathered[$0 * width + blocks.count] != 0 })
    }
}
