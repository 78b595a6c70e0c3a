import CCoupletKernels
import CoupletCommunication
import CoupletFiles
import CoupletPairs
import CoupletTraining

/// Times whole training steps of a config, its source included.
///
/// Operations are those of the matrix products: of the encoders forward and backward, as their layers count them, and 3 · 2 B² d of the loss.
public struct StepBenchmark: Sendable {
    public let configuration: Configuration
    public let warmup: Int
    public let repetitions: Int
    private let source: any PairSource
    private let model: Model
    /// The resident memory of this process before anything was made.
    private let before: Int

    /// - Throws: `DataError`, `FileError` or `NetworkError` where the config's data or encoders are not what they must be.
    public init(_ configuration: Configuration, warmup: Int, repetitions: Int) throws {
        precondition(warmup >= 0 && repetitions > 0, "\(warmup) and \(repetitions) repetitions")
        before = ProcessMemory.now
        self.configuration = configuration.resolvingScheduleSteps()
        self.warmup = warmup
        self.repetitions = repetitions
        source = try configuration.source.makeSource(seed: configuration.seed)
        model = try Model(configuration, source: source)
    }

    /// What was found, the same on every worker.
    public struct Result: Sendable {
        public let benchmark: BenchmarkResult
        /// Of the first steps, at most three.
        public let losses: [Double]
        /// Of the first step, before clipping.
        public let firstGradientNorm: Double
        public let secondGradientNorm: Double
        /// By how much this process's resident memory grew, and what `MemoryEstimate` says, in MiB.
        public let memoryGrowthMiB: Double
        public let memoryEstimateMiB: Double
    }

    /// The operations of the matrix products of a step's encoders, and of its loss.
    public var operations: (encoders: Double, loss: Double) {
        let batch = configuration.batch, rows = batch.size / batch.shards
        // Forward is a third of what a layer does that needs the gradient of its input.
        let shard =
            model.trained.reduce(0) { $0 + $1.matrixProductFLOPs(rows: rows) }
            + model.frozen.flatMap { model.encoder($0).layers }.reduce(0) {
                $0 + $1.matrixProductFLOPs(rows: rows, needsInputGradient: true) / 3
            }
        let loss = configuration.objective.loss
        let inputs = loss.batchCount * (model.isShared ? 2 : 1)
        return (
            Double(shard) * Double(batch.shards) * Double(inputs),
            6 * Double(loss.scoreMatrixCount) * Double(batch.size) * Double(batch.size)
                * Double(configuration.encoders.embedding)
        )
    }

    /// The bytes of both encoders' parameters, padding included.
    var parameterBytes: Int { model.parameterCount * MemoryLayout<Float>.stride }

    /// Every worker calls it. It changes the parameters, so the benchmark is made once.
    /// - Throws: `NonFiniteLossError` where training runs away, and what reading data throws.
    public func run(on communicator: any Communicator, threads: Int) throws -> Result {
        couplet_flush_subnormals()
        let step = try TrainingStep(
            configuration, model: model, source: source, communicator: communicator,
            tileMemory: configuration.batch.tileMemory / threads)
        var reports: [StepReport] = []
        reports.reserveCapacity(3)
        let times = try BenchmarkTimes(on: communicator, warmup: warmup, repeat: repetitions) { number in
            let report = try step.run(number, stopRequested: false)
            if let nonFinite = report.nonFinite { throw NonFiniteLossError(nonFinite) }
            if reports.count < 3 { reports.append(report) }
        }
        let peakMemory = try ProcessMemory.peakMiB(on: communicator)
        let growth = Double(ProcessMemory.now - before)
        let estimate = MemoryEstimate(
            configuration, model: model, source: source, workers: communicator.size, threads: threads, saves: false)
        let operations = self.operations
        return Result(
            benchmark: BenchmarkResult(
                times: times, operations: operations.encoders + operations.loss,
                peakGigaflops: try ProductPeak.measure(on: communicator),
                peakMemoryMiB: peakMemory, workers: communicator.size, processes: communicator.processCount),
            losses: reports.map(\.loss), firstGradientNorm: reports[0].firstGradientNorm,
            secondGradientNorm: reports[0].secondGradientNorm, memoryGrowthMiB: growth / 1_048_576,
            memoryEstimateMiB: Double(estimate.total) / 1_048_576)
    }
}
