import CoupletCommunication
import CoupletTraining
import Foundation

/// The scaling model of a config from what this launch's workers measure, and steps that they made beside what it foresees for them.
public struct ScalingMeasurement: Sendable {
    public let model: ScalingModel
    public let workers: Int
    /// In the order of their batches.
    public let points: [Point]

    /// A step that was made, beside what the model says, in seconds.
    public struct Point: Sendable {
        public let batch: Int
        public let measured: Double
        public let foreseen: Double
    }

    /// Batches that are measured, relative to the config's; the speeds are those of the config's own.
    private static let measuredShares = [0.5, 1, 2]

    /// - Parameters:
    ///   - network: between hosts; given, for it can be measured on several hosts only.
    ///   - group: every process of it calls this.
    /// - Throws: what reading the config's data and training throw.
    public init(
        _ configuration: Configuration, network: ScalingModel.Link, warmup: Int, repetitions: Int, group: WorkerGroup,
        threads: Int
    ) throws {
        let size = threads * group.processCount
        func steps(_ configuration: Configuration) throws -> (benchmark: StepBenchmark, seconds: Double) {
            var prepared: StepBenchmark?
            try group.agree(
                Result { prepared = try StepBenchmark(configuration, warmup: warmup, repetitions: repetitions) })
            guard let benchmark = prepared else { preconditionFailure("agreed without a benchmark") }
            let result = try group.run(threads: threads) { try benchmark.run(on: $0, threads: threads) }
            return (benchmark, result.benchmark.times.median)
        }
        // Of at most so many pairs: all their scores have to fit the memory once.
        let pairs =
            configuration.batch.size > 8_192 && 8_192 % configuration.batch.shards == 0
            ? 8_192 : configuration.batch.size
        func losses(tileMemory: Int) throws -> Double {
            var changed = configuration
            changed.batch.size = pairs
            changed.batch.tileMemory = tileMemory
            let benchmark = LossBenchmark(changed, warmup: warmup, repetitions: repetitions)
            let result = try group.run(threads: threads) { try benchmark.run(on: $0, threads: threads).benchmark }
            return result.operations / result.times.median / Double(size)
        }
        let kept = try losses(tileMemory: 8 * pairs * pairs)
        let remade = try losses(tileMemory: 0)
        let (benchmark, seconds) = try steps(configuration)
        let collectives = try group.run(threads: threads) {
            try CollectivesBenchmark(largest: 1 << 24, warmup: warmup, repetitions: repetitions).run(on: $0)
        }
        let operations = benchmark.operations.encoders
        // Of a tree sum each worker sends, adds and receives twice n (W - 1)/W bytes.
        let share = 2 * (1 - 1 / Double(size))
        let local = ScalingModel.Link(
            latency: collectives.near.latency, secondsPerByte: size > 1 ? collectives.treeSum.secondsPerByte / share : 0
        )
        var model = ScalingModel(
            encoderSpeed: 1, keptSpeed: kept, remadeSpeed: remade, local: local, network: network,
            encoderOperations: operations / Double(configuration.batch.size),
            parameterBytes: Double(benchmark.parameterBytes),
            dimension: Double(configuration.encoders.embedding),
            tileMemory: Double(configuration.batch.tileMemory / threads))
        let own = model.step(workers: size, workersPerHost: size, batch: configuration.batch.size)
        // What is left of a step, the optimizer and the reading of data included.
        model.encoderSpeed =
            operations / Double(size) / max(seconds - own.loss - own.blocks - own.treeSum, 0.1 * seconds)
        self.model = model
        workers = size
        points = try Self.measuredShares.map { share -> Point in
            var other = configuration
            let unit = configuration.batch.shards
            other.batch.size = max(2, Int(share * Double(configuration.batch.size)) / unit) * unit
            return Point(
                batch: other.batch.size, measured: share == 1 ? seconds : try steps(other).seconds,
                foreseen: model.step(workers: size, workersPerHost: size, batch: other.batch.size).total)
        }
    }

    private static let tableWorkers = (0...10).map { 1 << $0 }
    private static let tableBatches = (0...4).map { 4_096 << (2 * $0) }

    /// What was measured, then the table of the model, as markdown.
    /// - Parameter workersPerHost: T.
    public func markdown(name: String, workersPerHost: Int) -> String {
        func seconds(_ value: Double) -> String { BenchmarkResult.time(value) }
        func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
        func speed(_ value: Double) -> String { String(format: "%.1f", 1e-9 * value) }
        var lines = [
            "Measured, \(name), \(workers) \(workers == 1 ? "worker" : "workers"): encoders \(speed(model.encoderSpeed)) GFLOP/s a worker, loss "
                + "\(speed(model.keptSpeed)) with kept tiles and \(speed(model.remadeSpeed)) without; local latency \(seconds(model.local.latency)), "
                + (model.local.secondsPerByte > 0
                    ? String(format: "%.2f GB/s", 1e-9 / model.local.secondsPerByte) : "no bytes sent") + ". Network: "
                + "\(seconds(model.network.latency)), "
                + String(format: "%.2f GB/s", 1e-9 / model.network.secondsPerByte)
                + " a host of \(workersPerHost) workers (given).", "",
            row(["B", "measured", "foreseen"]), row(["---", "---", "---"]),
        ]
        lines += points.map { row(["\($0.batch)", seconds($0.measured), seconds($0.foreseen)]) }
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
