import CoupletCommunication
import CoupletFiles
import CoupletLosses
import CoupletNetworks
import CoupletPairs
import CoupletText
import CoupletTraining

/// Times whole training steps of a config, including its source.
///
/// The operations are those of the matrix products: forward and backward in the encoders, as their layers count them,
/// and 3 · 2 B² d in the loss.
public struct StepBenchmark: Sendable {
    public let configuration: Configuration
    public let warmup: Int
    public let repetitions: Int
    private let source: any PairSource
    private let model: Model
    /// Resident memory of this process, in bytes, before the source and the model were made.
    private let initialMemory: Int

    /// - Throws: `DataError`, `FileError` or `NetworkError` if the config's data or encoders are wrong.
    public init(_ configuration: Configuration, warmup: Int, repetitions: Int) throws {
        precondition(warmup >= 0 && repetitions > 0, "\(warmup) warm-ups and \(repetitions) repetitions")
        initialMemory = ProcessMemory.current
        self.warmup = warmup
        self.repetitions = repetitions
        let opened = try configuration.makeSource()
        self.configuration = try configuration.resolvingEpochs(Sampler(configuration, source: opened))
            .resolvingScheduleSteps()
        let encoders = try ModelEncoders(configuration, source: opened)
        source = encoders.checkingTokens(of: opened)
        model = Model(encoders, configuration)
    }

    /// The results, the same on every worker.
    public struct Result: Sendable {
        public let benchmark: BenchmarkResult
        /// Losses of the first steps, at most three.
        public let losses: [Double]
        /// Gradient norms of the first step, before clipping.
        public let firstGradientNorm: Double
        public let secondGradientNorm: Double
        /// Growth of this process's resident memory, and the growth that `MemoryEstimate` predicts.
        public let memoryGrowthMiB: Double
        public let memoryEstimateMiB: Double
        /// The share of the time of the steps for which the workers waited for samples; the largest of all workers.
        public let waitingShare: Double
        /// What this process sent to each other process in a step, on average, in the order of their ranks; empty if
        /// there is one process.
        public let sentPerStep: [MessageCount]
    }

    /// Operations of the matrix products of one step, in the encoders and in the loss.
    public var operations: (encoders: Double, loss: Double) {
        let batch = configuration.batch
        let shard = model.modalitiesWithOwnEncoder.reduce(0) { sum, modality in
            let encoder = model.encoders[modality], rows = batch.shardSamples(modality)
            return sum
                + (model.frozen.contains(modality)
                    ? encoder.forwardProductFLOPs(rows: rows) : encoder.matrixProductFLOPs(rows: rows))
        }
        let loss = configuration.objective.loss
        let inputs = loss.batchCount * (model.isShared ? 2 : 1)
        return (
            Double(shard) * Double(batch.shards) * Double(inputs),
            6 * Double(loss.scoreMatrixCount) * Double(batch.size) * Double(batch.size)
                * Double(configuration.encoders.embedding)
        )
    }

    /// What each encoder with parameters of its own computes and sends. A frozen encoder sends nothing.
    public var encoderCosts: [StepSchedule.EncoderCost] {
        let batch = configuration.batch
        let inputs = Double(configuration.objective.loss.batchCount * (model.isShared ? 2 : 1))
        return model.modalitiesWithOwnEncoder.map { modality in
            let encoder = model.encoders[modality], rows = batch.shardSamples(modality)
            func perPair(_ operations: Int) -> Double {
                inputs * Double(operations) * Double(batch.shards) / Double(batch.size)
            }
            return StepSchedule.EncoderCost(
                forward: perPair(encoder.forwardProductFLOPs(rows: rows)),
                buckets: model.frozen.contains(modality)
                    ? []
                    : encoder.backwardProductFLOPs(rows: rows).map {
                        .init(parameters: $0.bucket.range.count, operations: perPair($0.operations))
                    })
        }
    }

    /// Bytes of both encoders' parameters, including padding.
    var parameterBytes: Int { model.parameterCount * MemoryLayout<Float>.stride }

    /// Runs the benchmark. Every worker calls it. It changes the parameters, so it can run once.
    /// - Parameters:
    ///   - threads: number of workers of a process. They share `batch.tile_memory`.
    ///   - sentMessages: what the process has sent so far, `WorkerGroup.sentMessages`.
    /// - Throws: `NonFiniteLossError` if training diverges, and the errors of reading data.
    public func run(
        on communicator: any Communicator, threads: Int, sentMessages: () -> [MessageCount] = { [] }
    ) throws -> Result {
        let step = try TrainingStep(
            configuration, model: model, source: source, communicator: communicator,
            tileMemory: configuration.batch.tileMemory / threads)
        var reports: [StepReport] = []
        reports.reserveCapacity(3)
        // After the warm-up.
        var waiting = 0.0, sentBefore: [MessageCount] = []
        let times = try BenchmarkTimes(on: communicator, warmup: warmup, repeat: repetitions) { number in
            if number == warmup { sentBefore = sentMessages() }
            let before = step.waitingForSamples, report = try step.run(number)
            if number >= warmup { waiting += (step.waitingForSamples - before) / .seconds(1) }
            if let nonFinite = report.nonFinite { throw NonFiniteLossError(nonFinite) }
            if reports.count < 3 { reports.append(report) }
        }
        let sent = zip(sentMessages(), sentBefore).map { ($0 - $1).divided(by: repetitions) }
        let peakMemory = try ProcessMemory.peakMiB(on: communicator)
        let growth = Double(ProcessMemory.current - initialMemory)
        let estimate = MemoryEstimate(
            configuration, model: model, source: source, workers: communicator.size, threads: threads, saves: false,
            evaluates: false)
        let operations = self.operations, waits = try communicator.allGather(numbers: [waiting])
        return Result(
            benchmark: BenchmarkResult(
                times: times, operations: operations.encoders + operations.loss,
                peakGigaflops: try FusedMultiplyAddPeak.measure(on: communicator), peakMemoryMiB: peakMemory,
                workers: communicator.size, processes: communicator.processCount),
            losses: reports.map(\.loss), firstGradientNorm: reports[0].encoderGradientNorms.first,
            secondGradientNorm: reports[0].encoderGradientNorms.second, memoryGrowthMiB: growth / 1_048_576,
            memoryEstimateMiB: Double(estimate.total) / 1_048_576,
            waitingShare: (waits.max() ?? 0) / max(times.seconds.reduce(0, +), .leastNormalMagnitude),
            sentPerStep: sent)
    }

    // MARK: - Report

    /// The settings, the times and the results as a JSON object.
    /// - Parameter config: the config's path.
    package func json(_ result: Result, config: String) -> JSONValue {
        let batch = configuration.batch
        let operations = self.operations
        let settings: [(String, JSONValue)] = [
            ("benchmark", .string("step")), ("config", .string(config)), ("name", .string(configuration.name)),
            ("batch", .integer(batch.size)), ("dim", .integer(configuration.encoders.embedding)),
            ("shards", .integer(batch.shards)), ("activations", .string(batch.activations.rawValue)),
            ("tile_memory", .integer(batch.tileMemory)),
        ]
        return .object(
            settings + result.benchmark.members + [
                ("pairs_per_second", .number(Double(batch.size) / result.benchmark.times.median)),
                ("encoder_operations", .number(operations.encoders)), ("loss_operations", .number(operations.loss)),
                ("waiting_share", .number(result.waitingShare)),
                ("sent_messages", .array(result.sentPerStep.map { .integer($0.messages) })),
                ("sent_bytes", .array(result.sentPerStep.map { .integer($0.bytes) })),
                ("memory_growth_mib", .number(result.memoryGrowthMiB)),
                ("memory_estimate_mib", .number(result.memoryEstimateMiB)), ("losses", .numbers(result.losses)),
                ("first_gradient_norm", .number(result.firstGradientNorm)),
                ("second_gradient_norm", .number(result.secondGradientNorm)),
            ])
    }

    /// The times and the results as lines of text.
    package func text(_ result: Result) -> String {
        let operations = self.operations
        return """
            steps of \(configuration.name), \(configuration.batch.size) pairs each
            \(result.benchmark.text)
            growth   \(Int(result.memoryGrowthMiB)) MiB of one process, \(Int(result.memoryEstimateMiB)) MiB predicted
            products \(Int(1e-9 * operations.encoders)) GFLOP in the encoders, \
            \(Int(1e-9 * operations.loss)) in the loss
            rate     \(Int(Double(configuration.batch.size) / result.benchmark.times.median)) pairs a second
            waiting  \(NumberText.percent(result.waitingShare)) of the time for samples
            losses   \(result.losses.map { "\($0)" }.joined(separator: ", "))
            """
    }
}
