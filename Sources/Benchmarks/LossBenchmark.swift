import CCoupletKernels
import CoupletCommunication
import CoupletFiles
import CoupletLosses
import CoupletStorage
import CoupletTensors
import CoupletTraining

/// Times the loss over all pairs of a batch and both its gradients, from unit encodings in memory: the engine alone, without encoders.
///
/// Its operations are counted as three matrix products, scores and two gradients, of 2 B² d each, whatever the engine really does.
public struct LossBenchmark: Sendable {
    /// Of which `objective`, `batch`, `seed` and `encoders.embedding` (d) matter.
    public let configuration: Configuration
    public let warmup: Int
    public let repetitions: Int
    /// Whose encodings are read: /first and /second, B × d, for a loss that takes a second batch /second_batch/first and /second_batch/second too; nil: unit
    /// ones drawn from the seed.
    public let input: String?
    /// Whether the gradients are put together on worker 0.
    public let keepsGradients: Bool

    public init(
        _ configuration: Configuration, warmup: Int, repetitions: Int, input: String? = nil,
        keepsGradients: Bool = false
    ) {
        self.keepsGradients = keepsGradients
        precondition(warmup >= 0 && repetitions > 0, "\(warmup) and \(repetitions) repetitions")
        self.configuration = configuration
        self.warmup = warmup
        self.repetitions = repetitions
        self.input = input
    }

    /// A config of which a `LossBenchmark` is made: all that it does not use is small.
    /// - Parameter overrides: `key.path=value`, as after `--set`.
    /// - Throws: `ConfigurationError`.
    public static func configuration(batch: Int, dimension: Int, overrides: [String]) throws -> Configuration {
        let text = """
            name: loss
            data: {source: gaussian, dimensions: [1, 1], correlations: [0.5]}
            encoders: {embedding: \(dimension), first: {kind: linear}, second: {kind: linear}}
            objective: {temperature: 0.07}
            batch: {size: \(batch)}
            train: {steps: 0}
            """
        return try Configuration.parse(text: text, name: "bench loss", overrides: overrides)
    }

    private var objective: Configuration.Objective { configuration.objective }
    private var batch: Configuration.Batch { configuration.batch }
    private var dimension: Int { configuration.encoders.embedding }

    /// What was found, the same on every worker.
    public struct Result: Sendable {
        public let benchmark: BenchmarkResult
        public let loss: Double
        /// Of ∂ loss / ∂ encodings, over the whole batch.
        public let firstGradientNorm: Double
        public let secondGradientNorm: Double
        /// ∂ loss / ∂ encodings, B × d, by their names in an input file: on worker 0, where they are kept.
        public let gradients: [(name: String, rows: Tensor)]
    }

    /// B and d of a file of encodings.
    /// - Throws: `FileError` where it is no file of two equal B × d.
    public static func shape(of path: String) throws -> (batch: Int, dimension: Int) {
        let file = try HDF5File(reading: path)
        let shapes = try ["/first", "/second"].map { name in
            guard let dataset = try file.dataset(name) else {
                throw FileError(
                    .badData, place: path, reason: "has no dataset \(name)",
                    remedy: "encodings are the rows of /first and /second")
            }
            return dataset.shape
        }
        guard shapes[0] == shapes[1], shapes[0].count == 2, shapes[0][0] > 0, shapes[0][1] > 0 else {
            throw FileError(
                .badData, place: path, reason: "/first is \(shapes[0]) and /second \(shapes[1])",
                remedy: "both must be B × d, and equal")
        }
        return (shapes[0][0], shapes[0][1])
    }

    /// Every worker calls it.
    /// - Throws: `FileError` where the encodings cannot be read.
    public func run(on communicator: any Communicator, threads: Int) throws -> Result {
        couplet_flush_subnormals()
        let (first, second) = try encodings(communicator, number: 0)
        let secondBatch = objective.loss.usesSecondBatch ? try encodings(communicator, number: 1) : nil
        let features = features(rows: first.rows)
        let engine = PairwiseEngine(
            communicator: communicator, shards: batch.shards, batch: batch.size, dimension: dimension,
            similarity: objective.similarity,
            loss: objective.loss, tileMemory: batch.tileMemory / threads,
            features: features.map { FeatureCounts(first: $0.columns, second: $0.columns) })
        // Measured first: it also brings the cores up to their speed.
        let peak = try ProductPeak.measure(on: communicator)
        var found: PairwiseResult?
        let times = try BenchmarkTimes(on: communicator, warmup: warmup, repeat: repetitions) { _ in
            found = try engine.evaluate(
                first: first, second: second, secondBatch: secondBatch, temperature: objective.temperature.initial,
                bias: objective.loss.usesBias ? objective.bias.initial : 0, features: features.map { ($0, $0) })
        }
        let peakMemory = try ProcessMemory.peakMiB(on: communicator)
        guard let result = found else { preconditionFailure("no repetition was made") }
        let squares = [result.firstGradient, result.secondGradient].map { couplet_squared_norm($0.count, $0.pointer) }
        let all = try communicator.allGather(numbers: squares)
        var gradients = [("/first", result.firstGradient), ("/second", result.secondGradient)]
        if let other = result.secondBatchGradients {
            gradients += [("/second_batch/first", other.first), ("/second_batch/second", other.second)]
        }
        let whole =
            try keepsGradients
            ? gradients.compactMap { name, rows in try communicator.gatherRows(rows).map { (name, $0) } } : []
        func norm(_ side: Int) -> Double {
            stride(from: side, to: all.count, by: 2).reduce(0.0) { $0 + all[$1] }.squareRoot()
        }
        return Result(
            benchmark: BenchmarkResult(
                times: times,
                operations: 6 * Double(objective.loss.scoreMatrixCount) * Double(batch.size) * Double(batch.size)
                    * Double(dimension),
                peakGigaflops: peak, peakMemoryMiB: peakMemory, workers: communicator.size,
                processes: communicator.processCount),
            loss: result.loss, firstGradientNorm: norm(0), secondGradientNorm: norm(1), gradients: whole)
    }

    /// Features of data for a loss that compares them: normal numbers, as many as the kernel has on data of d numbers; nil for other losses.
    private func features(rows: Int) -> Tensor? {
        guard case .maximumMeanDiscrepancy = objective.loss,
            let count = objective.kernel.featureCount(inputs: dimension)
        else { return nil }
        let features = Tensor([rows, count])
        Philox(seed: 1).fillNormal(features, .features, number: 0)
        couplet_scale(features.count, Float(1 / Double(count).squareRoot()), features.pointer)
        return features
    }

    /// This worker's rows of both sides.
    /// - Parameter number: 0 for the batch, 1 for the second one.
    private func encodings(_ communicator: any Communicator, number: Int) throws -> (Tensor, Tensor) {
        let rows = batch.size / communicator.size, start = communicator.rank * rows
        if let input {
            let file = try HDF5File(reading: input), group = number == 0 ? "" : "/second_batch"
            let sides = try ["/first", "/second"].map { try file.readFloats(group + $0, rows: start..<(start + rows)) }
            guard sides.allSatisfy({ $0.columns == dimension }) else {
                throw FileError(
                    .badData, place: input, reason: "\(group)/first and \(group)/second are not B × \(dimension)")
            }
            return (sides[0], sides[1])
        }
        let first = Tensor([rows, dimension]), second = Tensor([rows, dimension]),
            philox = Philox(seed: configuration.seed)
        for row in 0..<rows {
            let a = first.rows(row..<(row + 1)), b = second.rows(row..<(row + 1)),
                number = UInt64(2 * (number * batch.size + start + row))
            philox.fillNormal(a, .source, number: number)
            philox.fillNormal(b, .source, number: number + 1)
            // So that a pair is nearer than a stranger.
            couplet_add(dimension, a.pointer, b.pointer)
        }
        let inverseNorms = Tensor([rows])
        for side in [first, second] {
            couplet_normalize_rows(rows, dimension, side.pointer, side.pointer, inverseNorms.pointer)
        }
        return (first, second)
    }
}
