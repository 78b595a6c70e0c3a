import CCoupletKernels
import CoupletCommunication
import CoupletFiles
import CoupletLosses
import CoupletSchema
import CoupletStorage
import CoupletTensors
import CoupletText
import CoupletTraining

/// Times the loss over all pairs of a batch and both its gradients, on unit encodings in memory, without encoders.
///
/// The operations are those of three matrix products of 2 B² d each, for the scores and the two gradients, even if the
/// engine recomputes scores.
public struct LossBenchmark: Sendable {
    /// The benchmark uses `objective`, `batch`, `seed` and `encoders.embedding` (d).
    public let configuration: Configuration
    public let warmup: Int
    public let repetitions: Int
    /// HDF5 file of encodings: /first and /second, B × d; also /second_batch/first and /second_batch/second for a loss
    /// that takes a second batch. Nil for unit encodings drawn from the seed.
    public let input: String?
    /// Number of groups of the pairs, of random sizes, where `objective.groups` treats groups; and of different second
    /// samples, where `objective.equal_samples` treats equal ones.
    public let groupCount: Int
    /// Whether worker 0 gathers the gradients of the whole batch.
    public let keepsGradients: Bool

    public init(
        _ configuration: Configuration, warmup: Int, repetitions: Int, input: String? = nil,
        keepsGradients: Bool = false, groupCount: Int? = nil
    ) {
        precondition(warmup >= 0 && repetitions > 0, "\(warmup) warm-ups and \(repetitions) repetitions")
        self.configuration = configuration
        self.warmup = warmup
        self.repetitions = repetitions
        self.input = input
        self.keepsGradients = keepsGradients
        self.groupCount = groupCount ?? max(1, configuration.batch.size / 5)
    }

    /// Makes a config for a `LossBenchmark`. Everything that the benchmark does not use is small.
    /// - Parameters:
    ///   - overrides: `key.path=value`, as after `--set`.
    ///   - registry: the kinds of losses that the overrides may name.
    /// - Throws: `ConfigurationError`.
    public static func configuration(
        batch: Int, dimension: Int, overrides: [String], registry: Registry = .builtIn
    ) throws -> Configuration {
        let text = """
            name: loss
            data: {source: gaussian, dimensions: [1, 1], correlations: [0.5]}
            encoders: {embedding: \(dimension), first: {kind: linear}, second: {kind: linear}}
            objective: {temperature: 0.07}
            batch: {size: \(batch)}
            train: {steps: 0}
            """
        return try Configuration.parse(text: text, name: "bench loss", overrides: overrides, registry: registry)
    }

    private var objective: Configuration.Objective { configuration.objective }
    private var batch: Configuration.Batch { configuration.batch }
    private var dimension: Int { configuration.encoders.embedding }

    /// The results, the same on every worker except for the gradients.
    public struct Result: Sendable {
        public let benchmark: BenchmarkResult
        /// The times of the same loss without groups and with no samples equal, each repetition before one with them;
        /// nil if there are none.
        public let timesWithoutGroups: BenchmarkTimes?
        /// The part of the repetitions' time in which the worker that waits most has waited for messages of the ring.
        public let waitingShare: Double
        public let loss: Double
        /// Norms of ∂ loss / ∂ encodings over the whole batch.
        public let firstGradientNorm: Double
        public let secondGradientNorm: Double
        /// ∂ loss / ∂ encodings, B × d, under the names of the encodings in an input file. Only worker 0 has them, if
        /// the benchmark keeps gradients; otherwise empty.
        public let gradients: [(name: String, rows: Tensor)]
    }

    /// Reads B and d from a file of encodings.
    /// - Throws: `FileError` if /first and /second are not two B × d datasets of the same shape.
    public static func shape(of path: String) throws -> (batch: Int, dimension: Int) {
        let file = try HDF5File(reading: path)
        let shapes = try ["/first", "/second"].map { name in
            guard let dataset = try file.dataset(name) else {
                throw FileError(
                    .badData, at: path, reason: "has no dataset \(name)",
                    remedy: "encodings are the rows of /first and /second")
            }
            return dataset.shape
        }
        guard shapes[0] == shapes[1], shapes[0].count == 2, shapes[0][0] > 0, shapes[0][1] > 0 else {
            throw FileError(
                .badData, at: path, reason: "/first is \(shapes[0]) and /second \(shapes[1])",
                remedy: "both must be B × d, and equal")
        }
        return (shapes[0][0], shapes[0][1])
    }

    /// Runs the benchmark. Every worker calls it.
    /// - Parameter threads: number of workers of a process. They share `batch.tile_memory`.
    /// - Throws: `FileError` if the encodings cannot be read.
    public func run(on communicator: any Communicator, threads: Int) throws -> Result {
        let (first, second) = try encodings(communicator, batchNumber: 0)
        let secondBatch = objective.loss.usesSecondBatch ? try encodings(communicator, batchNumber: 1) : nil
        let features = features(communicator)
        func engine(_ groups: GroupTreatment, _ equalSamples: EqualSampleTreatment) -> PairwiseEngine {
            PairwiseEngine(
                communicator: communicator, shards: batch.shards, batchSize: batch.size, dimension: dimension,
                similarity: objective.similarity, loss: objective.loss, tileMemory: batch.tileMemory / threads,
                features: features.map { FeatureCounts(first: $0.columns, second: $0.columns) }, groups: groups,
                equalSamples: equalSamples)
        }
        let isPlain = objective.groups == .ignore && objective.equalSamples == .ignore
        let timed = engine(objective.groups, objective.equalSamples), plain = isPlain ? nil : engine(.ignore, .ignore)
        // The peak is measured first, which also brings the cores up to their full clock.
        let peak = try FusedMultiplyAddPeak.measure(on: communicator)
        var found: PairwiseResult?, waits: [Double] = []
        // A run has them from its data.
        let allGroups = (0..<2).map { groups(communicator, batchNumber: $0) }
        let allSamples = (0..<2).map { samples(communicator, batchNumber: $0) }
        func evaluate(_ engine: PairwiseEngine) throws {
            let hasGroups = engine.groups != .ignore, hasSamples = engine.equalSamples != .ignore
            let waiting = engine.waiting
            defer { if engine === timed { waits.append((engine.waiting - waiting).inSeconds) } }
            found = try engine.evaluate(
                first: first, second: second, secondBatch: secondBatch, temperature: objective.temperature.initial,
                bias: objective.loss.bias?.initial ?? 0, features: features.map { ($0, $0) },
                groups: hasGroups ? allGroups[0] : nil,
                secondBatchGroups: hasGroups && secondBatch != nil ? allGroups[1] : nil,
                samples: hasSamples ? allSamples[0] : nil,
                secondBatchSamples: hasSamples && secondBatch != nil ? allSamples[1] : nil)
        }
        let times: BenchmarkTimes, timesWithoutGroups: BenchmarkTimes?
        if let plain {
            // In turn, so that both meet the same clock and the same other programs.
            let all = try BenchmarkTimes(on: communicator, warmup: 2 * warmup, repeat: 2 * repetitions) {
                try evaluate($0 % 2 == 0 ? plain : timed)
            }.seconds
            func each(_ start: Int) -> BenchmarkTimes {
                BenchmarkTimes(seconds: stride(from: start, to: all.count, by: 2).map { all[$0] })
            }
            (times, timesWithoutGroups) = (each(1), each(0))
        } else {
            times = try BenchmarkTimes(on: communicator, warmup: warmup, repeat: repetitions) { _ in
                try evaluate(timed)
            }
            timesWithoutGroups = nil
        }
        let waiting = try communicator.allGather(numbers: [waits.suffix(repetitions).reduce(0, +)]).reduce(0, max)
        let peakMemory = try ProcessMemory.peakMiB(on: communicator)
        guard let result = found else { preconditionFailure("no repetition was made") }
        let squares = [result.firstGradient, result.secondGradient].map { couplet_squared_norm($0.count, $0.pointer) }
        let all = try communicator.allGather(numbers: squares)
        func norm(_ side: Int) -> Double {
            stride(from: side, to: all.count, by: 2).reduce(0.0) { $0 + all[$1] }.squareRoot()
        }
        var gradients = [("/first", result.firstGradient), ("/second", result.secondGradient)]
        if let second = result.secondBatchGradients {
            gradients += [("/second_batch/first", second.first), ("/second_batch/second", second.second)]
        }
        let gathered =
            try keepsGradients
            ? gradients.compactMap { name, rows in try communicator.gatherRows(rows).map { (name, $0) } } : []
        return Result(
            benchmark: BenchmarkResult(
                times: times,
                operations: 6 * Double(objective.loss.scoreMatrixCount) * Double(batch.size) * Double(batch.size)
                    * Double(dimension),
                peakGigaflops: peak, peakMemoryMiB: peakMemory, workers: communicator.size,
                processes: communicator.processCount), timesWithoutGroups: timesWithoutGroups,
            waitingShare: waiting / times.seconds.reduce(0, +), loss: result.loss, firstGradientNorm: norm(0),
            secondGradientNorm: norm(1), gradients: gathered)
    }

    /// This worker's pairs of the batch.
    private func rows(_ communicator: any Communicator) -> Range<Int> {
        let range = ShardPartition(shards: batch.shards, workers: communicator.size).range(of: communicator.rank)
        let shardRows = batch.size / batch.shards
        return range.lowerBound * shardRows..<range.upperBound * shardRows
    }

    /// Random groups of this worker's pairs.
    private func groups(_ communicator: any Communicator, batchNumber: Int) -> [Int] {
        let rows = rows(communicator), start = batchNumber * batch.size + rows.lowerBound
        let philox = Philox(seed: configuration.seed)
        return (start..<start + rows.count).map {
            Int(philox.words(.groups, number: UInt64($0)).x) % groupCount
        }
    }

    /// This worker's samples: the first ones all different, the second ones random among `groupCount`.
    private func samples(_ communicator: any Communicator, batchNumber: Int) -> SampleRows {
        let rows = rows(communicator), start = batchNumber * batch.size + rows.lowerBound
        let philox = Philox(seed: configuration.seed)
        return SampleRows(
            first: Array(start..<start + rows.count),
            second: (start..<start + rows.count).map { Int(philox.words(.partners, number: UInt64($0)).x) % groupCount }
        )
    }

    /// Features of the data for a loss that compares them: as many normal numbers as the kernel has features for data
    /// of d numbers. Nil for other losses.
    private func features(_ communicator: any Communicator) -> Tensor? {
        guard let count = objective.loss.dataKernel?.featureCount(inputs: dimension) else { return nil }
        let rows = rows(communicator), features = Tensor([rows.count, count])
        for (index, row) in rows.enumerated() {
            Philox(seed: 1).fillNormal(features.rows(index..<index + 1), .features, number: UInt64(row))
        }
        couplet_scale(features.count, Float(1 / Double(count).squareRoot()), features.pointer)
        return features
    }

    /// This worker's rows of the first and the second encodings, rows × d each.
    /// - Parameter batchNumber: 0 for the batch, 1 for the second batch.
    private func encodings(_ communicator: any Communicator, batchNumber: Int) throws -> (Tensor, Tensor) {
        let range = rows(communicator), start = range.lowerBound, rows = range.count
        if let input {
            let file = try HDF5File(reading: input)
            let group = batchNumber == 0 ? "" : "/second_batch"
            let sides = try ["/first", "/second"].map {
                try file.readFloats(group + $0, rows: start..<(start + rows))
            }
            guard sides.allSatisfy({ $0.columns == dimension }) else {
                throw FileError(
                    .badData, at: input, reason: "\(group)/first and \(group)/second are not B × \(dimension)")
            }
            return (sides[0], sides[1])
        }
        let first = Tensor([rows, dimension])
        let second = Tensor([rows, dimension])
        let philox = Philox(seed: configuration.seed)
        for row in 0..<rows {
            let a = first.rows(row..<(row + 1))
            let b = second.rows(row..<(row + 1))
            let number = UInt64(2 * (batchNumber * batch.size + start + row))
            philox.fillNormal(a, .source, number: number)
            philox.fillNormal(b, .source, number: number + 1)
            // The encodings of a pair are more similar than those of two samples.
            couplet_add(dimension, a.pointer, b.pointer)
        }
        let inverseNorms = Tensor([rows])
        for side in [first, second] {
            couplet_normalize_rows(rows, dimension, side.pointer, side.pointer, inverseNorms.pointer)
        }
        return (first, second)
    }

    // MARK: - Report

    /// The settings, the times and the results as a JSON object.
    package func json(_ result: Result) -> JSONValue {
        let lossName = objective.loss.kindName
        let settings: [(String, JSONValue)] = [
            ("benchmark", .string("loss")), ("batch", .integer(batch.size)), ("dim", .integer(dimension)),
            ("shards", .integer(batch.shards)), ("similarity", .string(objective.similarity.rawValue)),
            ("objective", .string(lossName)), ("temperature", .number(objective.temperature.initial)),
            ("tile_memory", .integer(batch.tileMemory)), ("input", input.map { .string($0) } ?? .null),
        ]
        var grouped: [(String, JSONValue)] = []
        if let plain = result.timesWithoutGroups {
            grouped = [
                ("groups", .string(objective.groups.rawValue)),
                ("equal_samples", .string(objective.equalSamples.rawValue)), ("group_count", .integer(groupCount)),
                ("median_seconds_without_groups", .number(plain.median)),
                ("minimum_seconds_without_groups", .number(plain.minimum)),
            ]
        }
        return .object(
            settings + result.benchmark.members + grouped + [
                ("waiting_share", .number(result.waitingShare)), ("loss", .number(result.loss)),
                ("first_gradient_norm", .number(result.firstGradientNorm)),
                ("second_gradient_norm", .number(result.secondGradientNorm)),
            ])
    }

    /// The times and the results as lines of text.
    package func text(_ result: Result) -> String {
        """
        loss of \(batch.size) pairs of encodings of \(dimension) numbers, and both gradients
        \(result.benchmark.text)\(waitingText(result))\(groupText(result))
        loss     \(result.loss), gradient norms \(result.firstGradientNorm) and \(result.secondGradientNorm)
        """
    }

    private func waitingText(_ result: Result) -> String {
        if result.benchmark.workers == 1 { return "" }
        return "\nwaiting  \(NumberText.percent(result.waitingShare)) of the time, for encodings and sums of others"
    }

    private func groupText(_ result: Result) -> String {
        guard let plain = result.timesWithoutGroups else { return "" }
        let ratio = result.benchmark.times.median / plain.median
        let equal = objective.equalSamples == .ignore ? "" : ", equal samples \(objective.equalSamples.rawValue)"
        return
            "\ngroups   \(objective.groups.rawValue), \(groupCount) of them\(equal): \(NumberText.fixed(ratio, 3)) of "
            + "the time without groups, \(DurationText.measured(plain.median))"
    }
}
