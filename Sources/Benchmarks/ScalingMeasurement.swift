import CoupletCommunication
import CoupletText
import CoupletTraining

/// Fits the scaling model of a config to measurements on the workers of this launch, and compares its predictions with
/// measured steps.
public struct ScalingMeasurement: Sendable {
    public let model: ScalingModel
    public let workers: Int
    /// The compared steps, in ascending order of their batch sizes.
    public let points: [Point]

    /// The measured and the predicted time of a step, in seconds.
    public struct Point: Sendable {
        public let batch: Int
        public let measured: Double
        public let predicted: Double
    }

    /// Measured batches relative to the config's batch. The model's speeds are fitted to the config's batch.
    private static let measuredShares = [0.5, 1, 2]

    /// Measures and fits. Every process of the group calls it.
    /// - Parameter network: the cost of messages between hosts, which one host cannot measure.
    /// - Throws: the errors of reading the config's data and of training.
    public init(
        _ configuration: Configuration, network: ScalingModel.MessageCost, warmup: Int, repetitions: Int,
        group: WorkerGroup, threads: Int
    ) throws {
        let size = threads * group.processCount
        func timeSteps(_ configuration: Configuration) throws -> (benchmark: StepBenchmark, seconds: Double) {
            var prepared: StepBenchmark?
            try group.agree(
                Result { prepared = try StepBenchmark(configuration, warmup: warmup, repetitions: repetitions) })
            guard let benchmark = prepared else { preconditionFailure("agreed without a benchmark") }
            let result = try group.run(threads: threads) { try benchmark.run(on: $0, threads: threads) }
            return (benchmark, result.benchmark.times.median)
        }
        // At most 8,192 pairs, so that all their scores fit into memory.
        let lossPairs =
            configuration.batch.size > 8_192 && 8_192 % configuration.batch.shards == 0
            ? 8_192 : configuration.batch.size
        /// Operations a second of one worker in the loss.
        func lossSpeed(tileMemory: Int) throws -> Double {
            var changed = configuration
            changed.batch.size = lossPairs
            changed.batch.tileMemory = tileMemory
            let benchmark = LossBenchmark(changed, warmup: warmup, repetitions: repetitions)
            let result = try group.run(threads: threads) { try benchmark.run(on: $0, threads: threads).benchmark }
            return result.operations / result.times.median / Double(size)
        }
        let cachedTileSpeed = try lossSpeed(tileMemory: 8 * lossPairs * lossPairs)
        let recomputedTileSpeed = try lossSpeed(tileMemory: 0)
        let (benchmark, seconds) = try timeSteps(configuration)
        let collectives = try group.run(threads: threads) {
            try CollectivesBenchmark(largest: 1 << 24, warmup: warmup, repetitions: repetitions).run(on: $0)
        }
        let operations = benchmark.operations.encoders
        // In a tree sum of n bytes each worker sends, adds and receives 2 n (W - 1)/W bytes.
        let sentShare = 2 * (1 - 1 / Double(size))
        let local = ScalingModel.MessageCost(
            latency: collectives.near.latency,
            secondsPerByte: size > 1 ? collectives.treeSum.secondsPerByte / sentShare : 0)
        var model = ScalingModel(
            encoderSpeed: 1, cachedTileSpeed: cachedTileSpeed, recomputedTileSpeed: recomputedTileSpeed, local: local,
            network: network, encoderOperations: operations / Double(configuration.batch.size),
            parameterBytes: Double(benchmark.parameterBytes), dimension: Double(configuration.encoders.embedding),
            tileMemory: Double(configuration.batch.tileMemory / threads))
        let step = model.step(workers: size, workersPerHost: size, batch: configuration.batch.size)
        // The encoders get the rest of the step, which includes the optimizer and reading data.
        model.encoderSpeed =
            operations / Double(size) / max(seconds - step.loss - step.blocks - step.treeSum, 0.1 * seconds)
        self.model = model
        workers = size
        points = try Self.measuredShares.map { share -> Point in
            var changed = configuration
            let shards = configuration.batch.shards
            changed.batch.size = max(2, Int(share * Double(configuration.batch.size)) / shards) * shards
            return Point(
                batch: changed.batch.size, measured: share == 1 ? seconds : try timeSteps(changed).seconds,
                predicted: model.step(workers: size, workersPerHost: size, batch: changed.batch.size).total)
        }
    }

    private static let tableWorkers = (0...10).map { 1 << $0 }
    private static let tableBatches = (0...4).map { 4_096 << (2 * $0) }

    /// The measurements, then a table of predictions, as Markdown.
    /// - Parameter workersPerHost: T.
    public func markdown(name: String, workersPerHost: Int) -> String {
        func seconds(_ value: Double) -> String { DurationText.measured(value) }
        func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
        func speed(_ value: Double) -> String { NumberText.fixed(1e-9 * value, 1) }
        func bandwidth(_ cost: ScalingModel.MessageCost) -> String {
            NumberText.fixed(1e-9 / cost.secondsPerByte, 2) + " GB/s"
        }
        let local = model.local
        var lines = [
            "Measured, \(name), \(workers) \(workers == 1 ? "worker" : "workers"):",
            "",
            "- A worker computes \(speed(model.encoderSpeed)) GFLOP/s in the encoders. In the loss it computes "
                + "\(speed(model.cachedTileSpeed)) with cached tiles and \(speed(model.recomputedTileSpeed)) with "
                + "recomputed tiles.",
            local.secondsPerByte > 0
                ? "- A message within the host takes \(seconds(local.latency)) and the time of its bytes at "
                    + "\(bandwidth(local))."
                : "- No messages were sent.",
            "- The network is given, not measured: \(seconds(model.network.latency)) a message and "
                + "\(bandwidth(model.network)) for a host of \(workersPerHost) workers.",
            "",
            row(["B", "measured", "predicted"]), row(["---", "---", "---"]),
        ]
        lines += points.map { row(["\($0.batch)", seconds($0.measured), seconds($0.predicted)]) }
        lines += [
            "", row(["workers"] + Self.tableBatches.map { "B = \($0)" }),
            row(["---"] + Self.tableBatches.map { _ in "---" }),
        ]
        for workers in Self.tableWorkers {
            lines.append(
                row(
                    ["\(workers)"]
                        + Self.tableBatches.map { batch in
                            let step = model.step(workers: workers, workersPerHost: workersPerHost, batch: batch)
                            let messages = Int((100 * (step.blocks + step.treeSum) / step.total).rounded())
                            return "\(seconds(step.total)) (\(messages) %)"
                        }))
        }
        return lines.joined(separator: "\n")
    }
}
