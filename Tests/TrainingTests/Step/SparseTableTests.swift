import CoupletCommunication
import CoupletLosses
import CoupletNetworks
import CoupletOptimizers
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletTraining
import Foundation
import TestSupport
import Testing

/// Steps that touch only the rows of a table that a batch reads.
@Suite struct SparseTableTests {
    private static let batch = 64, shards = 8, vocabulary = 1000

    private static func configuration(
        sparse: Bool = true, width: Int = 6, vocabulary: Int = vocabulary,
        _ change: (inout Configuration) -> Void = { _ in }
    ) -> Configuration {
        let encoder = EncoderSpecification(BagEncoder(vocabulary: vocabulary, width: width, sparse: sparse))
        var configuration = Configuration(
            name: "bags", source: SourceSpecification(TokenPairs(vocabulary: min(vocabulary, Self.vocabulary))),
            encoders: .init(embedding: 3, first: encoder, second: encoder),
            objective: .init(similarity: .cosine, temperature: .init(initial: 0.3, learned: true)),
            batch: .init(size: batch, shards: shards),
            optimizer: .init(kind: .adamw(), learningRate: 0.02, weightDecay: 0.1, clipNorm: 0.5, averageDecay: 0.8),
            evaluation: .init(pairs: 50),
            train: .init(steps: 4, logEvery: 1, evaluateEvery: nil, checkpointEvery: 1, keepCheckpoints: 9))
        change(&configuration)
        return configuration
    }

    /// One encoder with four inputs a step, and rows of 16 floats.
    private static let shared = configuration(width: 16) {
        $0.encoders.second = $0.encoders.first
        $0.encoders.shared = true
        $0.objective = .init(
            similarity: .quadratic, loss: .lpSimCLR(distance: LpDistance(), negatives: .sameModality))
    }

    /// An encoder that a config lists, with `sparse` as given.
    enum Listed: CaseIterable {
        case bag, tokens

        func encoder(sparse: Bool) -> EncoderSpecification {
            let head: [any LayerKind] = [Linear.Kind(width: 3)]
            let first: [any LayerKind] =
                switch self {
                case .bag: [EmbeddingBag.Kind(vocabulary: vocabulary, width: 24, reduction: .mean, sparse: sparse)]
                case .tokens:
                    [
                        TokenEmbedding.Kind(vocabulary: vocabulary, width: 5, sparse: sparse),
                        Conv1d.Kind(channels: 4, kernel: 3), PositionPool.MeanKind(),
                    ]
                }
            return EncoderSpecification(LayerListEncoder(first + head))
        }

        func configuration(
            sparse: Bool, _ change: (inout Configuration) -> Void = { _ in }
        ) -> Configuration {
            SparseTableTests.configuration {
                $0.encoders.first = encoder(sparse: sparse)
                change(&$0)
            }
        }
    }

    @Test(arguments: Listed.allCases) func theLayersOfAConfigAreSparse(_ listed: Listed) throws {
        let configuration = listed.configuration(sparse: true)
        let one = try ShortTraining(configuration: configuration).run(steps: 3, workers: 1)
        #expect(try ShortTraining(configuration: configuration).run(steps: 3, workers: 4).digest == one.digest)
        let digests = try [true, false].map { sparse in
            let configuration = listed.configuration(sparse: sparse) {
                $0.optimizer = .init(kind: .sgd(), learningRate: 0.5)
                $0.batch.activations = .recompute
            }
            return try ShortTraining(configuration: configuration).run(steps: 3, workers: 2).digest
        }
        #expect(digests[0] == digests[1])
        #expect(!configuration.resolvedYAML.contains("sparse: false"))
        #expect(listed.configuration(sparse: false).resolvedYAML.contains("sparse: false"))
    }

    /// The rows that a step of an encoder with inputs of these modalities reads.
    private static func rows(_ configuration: Configuration, step: Int, _ modality: Modality) throws -> Set<Int> {
        let source = try configuration.source.makeSource(seed: configuration.seed)
        let sampler = try Sampler(
            batchSize: batch, sampleCount: source.count(of: .training), seed: configuration.seed)
        let samples = Tensor([batch, TokenSource.positions])
        try source.read(
            .training, sampler.numbers(step: step, positions: 0..<batch, of: .pairs),
            first: modality == .first ? samples : nil, second: modality == .second ? samples : nil)
        return Set(samples.values.map { Int($0) }.filter { $0 != 0 })
    }

    @Test("the same bits on all workers, with kept and recomputed activations", arguments: [configuration(), shared])
    func sameBits(_ configuration: Configuration) throws {
        let one = try ShortTraining(configuration: configuration).run(steps: 4, workers: 1)
        for (workers, activations) in [
            (2, Configuration.Batch.Activations.keep), (3, .keep), (5, .keep), (8, .keep), (1, .recompute),
            (3, .recompute), (4, .recompute),
        ] {
            var training = ShortTraining(configuration: configuration)
            training.configuration.batch.activations = activations
            let other = try training.run(steps: 4, workers: workers)
            #expect(other.digest == one.digest && other.losses == one.losses, "\(workers) workers, \(activations)")
        }
    }

    /// Without momentum, decay and clipping, a row with a gradient of 0 does not change.
    @Test func plainDescentHasTheBitsOfADenseGradient() throws {
        func train(sparse: Bool) throws -> (checkpoint: Checkpoint, reports: [StepReport], observations: [Int]) {
            let configuration = Self.configuration(sparse: sparse) {
                $0.optimizer = .init(kind: .sgd(momentum: 0), learningRate: 0.5, averageDecay: 0.8)
            }
            return try ShortTraining(configuration: configuration).train(steps: 4, workers: 2) { _ in 0 }
        }
        let sparse = try train(sparse: true), dense = try train(sparse: false)
        #expect(sparse.checkpoint.digest == dense.checkpoint.digest)
        for (a, b) in zip(sparse.reports, dense.reports) {
            #expect(a.loss == b.loss && abs(a.gradientNorm - b.gradientNorm) <= 1e-12 * b.gradientNorm)
            #expect(a.encoderGradientNorms.first > 0)
        }
    }

    /// Summed gradients of both tables, dense, after each step.
    private static func gradients(_ configuration: Configuration, steps: Int) throws -> [PerModality<[Float]>] {
        let source = try configuration.source.makeSource(seed: configuration.seed)
        let model = try Model(configuration, source: source)
        return try WorkerGroup.launch().run(threads: 1) { communicator in
            let step = try TrainingStep(
                configuration, model: model, source: source, communicator: communicator, tileMemory: 1 << 20)
            return try (0..<steps).map { number in
                var result = PerModality<[Float]>(first: [], second: [])
                _ = try step.run(number) { stage in
                    guard case .gradients = stage else { return }
                    result = PerModality { modality in
                        let trainer = step.trainer(of: modality), layout = trainer.encoder.layout
                        let flat = Tensor([layout.count])
                        for (bucket, slice) in zip(layout.buckets, trainer.gradientSlices) {
                            flat.flat(bucket.range).copy(from: slice)
                        }
                        let entry = layout.entries.first { $0.path == "0/weight" }!
                        return flat.flat(entry.range).values
                    }
                }
                return result
            }
        }
    }

    /// The gradient is that of a dense table; the update is that of a twin in Double.
    @Test func adamIsLazy() throws {
        let configuration = Self.configuration(), steps = 4, width = 6
        let dense = try Self.gradients(Self.configuration(sparse: false), steps: 1)
        let gradients = try Self.gradients(configuration, steps: steps)
        #expect(gradients[0] == dense[0])

        let trained = try ShortTraining(configuration: configuration).train(steps: steps, workers: 2) { model in
            PerModality { modality in
                let entry = model.encoders[modality].layout.entries.first { $0.path == "0/weight" }!
                return model.parameters[modality].flat(entry.range).values
            }
        }
        for modality in Modality.allCases {
            var parameters = trained.observations[0][modality].map(Double.init), average = parameters
            var first = [Double](repeating: 0, count: parameters.count), second = first
            var untouched = Set(1..<Self.vocabulary)
            for step in 0..<steps {
                let rows = try Self.rows(configuration, step: step, modality)
                #expect(rows.count > 20 && rows.count < Self.vocabulary / 4)
                let report = trained.reports[step], scale = min(1, 0.5 / report.gradientNorm)
                let t = Double(step + 1), rate = 0.02
                for i in rows.flatMap({ $0 * width..<($0 + 1) * width }) {
                    let g = scale * Double(gradients[step][modality][i])
                    first[i] = 0.9 * first[i] + 0.1 * g
                    second[i] = 0.999 * second[i] + 0.001 * g * g
                    let corrected = (second[i] / (1 - pow(0.999, t))).squareRoot()
                    parameters[i] -= rate * (0.1 * parameters[i] + first[i] / (1 - pow(0.9, t)) / (corrected + 1e-8))
                }
                for i in average.indices { average[i] += 0.2 * (parameters[i] - average[i]) }
                untouched.subtract(rows)
                for i in parameters.indices {
                    #expect(abs(Double(trained.observations[step + 1][modality][i]) - parameters[i]) <= 1e-5)
                }
            }
            let path = "\(modality.rawValue)/0/weight"
            for (name, twin) in [
                ("first_moment", first), ("second_moment", second), ("average", average),
            ] {
                let values = try #require(trained.checkpoint.moment("\(path)/\(name)")?.tensor?.values)
                #expect(zip(values, twin).allSatisfy { abs(Double($0) - $1) <= 1e-5 * max(abs($1), 0.1) }, "\(name)")
            }
            #expect(untouched.count > Self.vocabulary / 2)
            for i in untouched.flatMap({ $0 * width..<($0 + 1) * width }) {
                #expect(trained.observations[0][modality][i] == trained.observations[steps][modality][i])
            }
        }
    }

    /// A step does not even read the other rows: they can hold anything.
    @Test(arguments: [1, 4]) func otherRowsAreNotTouched(workers: Int) throws {
        let configuration = Self.configuration { $0.optimizer.averageDecay = nil }, steps = 3, width = 6
        let touched = try PerModality { modality in
            try (0..<steps).reduce(into: Set([0])) { try $0.formUnion(Self.rows(configuration, step: $1, modality)) }
        }
        func train(poison: Bool) throws -> (checkpoint: Checkpoint, reports: [StepReport], observations: [Int]) {
            try ShortTraining(configuration: configuration).train(
                steps: steps, workers: workers,
                prepare: { model in
                    for modality in Modality.allCases where poison {
                        let entry = model.encoders[modality].layout.entries.first { $0.path == "0/weight" }!
                        let table = model.parameters[modality].flat(entry.range).reshaped(entry.shape)
                        for row in 0..<Self.vocabulary where !touched[modality].contains(row) {
                            table.rows(row..<(row + 1)).fill(.nan)
                        }
                    }
                }, observe: { _ in 0 })
        }
        let clean = try train(poison: false), poisoned = try train(poison: true)
        #expect(zip(clean.reports, poisoned.reports).allSatisfy { $0.gradientNorm == $1.gradientNorm })
        for modality in Modality.allCases {
            let path = "\(modality.rawValue)/0/weight"
            let values = try #require(clean.checkpoint.parameter(path)?.tensor?.values)
            let others = try #require(poisoned.checkpoint.parameter(path)?.tensor?.values)
            for row in 0..<Self.vocabulary {
                let floats = row * width..<(row + 1) * width
                #expect(
                    touched[modality].contains(row)
                        ? values[floats] == others[floats] : others[floats].allSatisfy(\.isNaN))
            }
            for name in ["first_moment", "second_moment"] {
                let moment = try #require(poisoned.checkpoint.moment("\(path)/\(name)")?.tensor?.values)
                #expect(moment == clean.checkpoint.moment("\(path)/\(name)")?.tensor?.values)
                for row in 0..<Self.vocabulary where !touched[modality].contains(row) {
                    #expect(moment[row * width..<(row + 1) * width].allSatisfy { $0 == 0 })
                }
            }
        }
    }

    /// Buffers, and the floats that a step adds and exchanges, do not grow with the table.
    @Test func costDoesNotDependOnTheTable() throws {
        func cost(_ vocabulary: Int, workers: Int) throws -> [Int] {
            let table = SparseTable(rows: vocabulary, width: 6, zeroIsPadding: true)
            return try WorkerGroup.launch().run(threads: workers) { communicator in
                let gradients = TableGradients(
                    table,
                    order: PairwiseAccumulation(
                        ShardPartition(shards: 8, workers: workers).range(of: communicator.rank), of: 8), shards: 8,
                    communicator: communicator)
                let samples = (0..<8 / workers).map { leaf in
                    let numbers = (0..<40).map { Float((leaf + 3 * communicator.rank) * 13 + $0 % 17) }
                    return Tensor([8, 5], numbers)
                }
                for _ in 0..<2 {
                    try gradients.begin(samples)
                    for (leaf, samples) in samples.enumerated() {
                        let input = gradients.input(samples), gradient = gradients.view(forTurn: leaf, input)
                        #expect(gradient.values.allSatisfy { $0 == 0 })
                        for i in 0..<input.count {
                            for j in 0..<6 { gradient[Int(input[i]) * 6 + j] += Float(i - j) }
                        }
                        gradients.close(turn: leaf)
                    }
                    try gradients.beginReduction()
                    let square = try gradients.finishReduction()
                    #expect(gradients.sum.values.reduce(0) { $0 + Double($1) * Double($1) } == square)
                }
                return [gradients.rows.count, gradients.bufferCount, gradients.sum.values.hashValue]
            }
        }
        for workers in [1, 4] {
            let small = try cost(200, workers: workers)
            #expect(small[0] > 50 && small[1] <= 4 * 6 * 256)
            #expect(try cost(1 << 20, workers: workers) == small)
        }

        func gradientBytes(_ vocabulary: Int) throws -> Int? {
            let configuration = Self.configuration(vocabulary: vocabulary)
            let source = try configuration.source.makeSource(seed: 1)
            return MemoryEstimate(
                configuration, model: try Model(configuration, source: source), source: source, workers: 1, threads: 1
            ).parts.first { $0.kind == "gradients" }?.worker
        }
        let (small, large) = (try #require(try gradientBytes(1000)), try #require(try gradientBytes(100_000)))
        // Of the table itself there are 12 bytes for 64 rows.
        #expect(large - small < 2 * 100_000 / 5)
    }

    @Test func aResumedRunAndAnotherRunTakeItAlong() throws {
        let runs = TrainedRuns()
        try runs.train("whole", Self.configuration())
        let whole = try runs.checkpoint("whole", 4)
        try runs.train("parts", Self.configuration { $0.train.steps = 2 }, threads: 2)
        try runs.train("parts", Self.configuration(), threads: 4, .resume)
        #expect(try runs.checkpoint("parts", 4).digest == whole.digest)

        try runs.train(
            "heir",
            Self.configuration {
                $0.initialization = .init(from: runs.path("whole"), freeze: [.first])
                $0.seed = 5
            }, threads: 2)
        let heir = try runs.checkpoint("heir", 4), path = "0/weight"
        #expect(heir.parameter("first/\(path)")?.tensor?.values == whole.parameter("first/\(path)")?.tensor?.values)
        #expect(heir.parameter("second/\(path)")?.tensor?.values != whole.parameter("second/\(path)")?.tensor?.values)
        #expect(heir.moment("first/\(path)/average") == nil && heir.moment("second/\(path)/average") != nil)
    }

    @Test func normsOfTensorsAreRefused() throws {
        for kind: any Optimizer in [LARS(), LAMB()] {
            let configuration = Self.configuration { $0.optimizer = .init(kind: kind, learningRate: 0.1) }
            let source = try configuration.source.makeSource(seed: 1)
            let error = #expect(throws: DataError.self) { _ = try Model(configuration, source: source) }
            #expect("\(error!)".contains("optimizer.kind: \(kind.kindName) needs the norms"), "\(error!)")
            var dense = Self.configuration(sparse: false)
            dense.optimizer = configuration.optimizer
            _ = try Model(dense, source: source)
        }
    }

    @Test func onlyTheFirstLayerHasATable() throws {
        let configuration = Self.configuration {
            $0.encoders.first = EncoderSpecification(BagEncoder(isMisplaced: true))
        }
        let source = try configuration.source.makeSource(seed: 1)
        let error = #expect(throws: (any Error).self) { _ = try Model(configuration, source: source) }
        #expect("\(error!)".contains("only the first layer of an encoder reads the samples"), "\(error!)")
    }

    @Test(arguments: [Configuration.Batch.Activations.keep, .recompute])
    func gradientsThatAreNotFiniteAreFound(_ activations: Configuration.Batch.Activations) throws {
        for workers in [1, 4] {
            var training = ShortTraining(
                configuration: Self.configuration {
                    $0.encoders.second = EncoderSpecification(BagEncoder(explodes: true))
                    $0.batch.activations = activations
                })
            training.tileMemory = 0
            let trained = try training.train(steps: 2, workers: workers) { _ in 0 }
            for report in trained.reports {
                #expect(report.nonFinite?.origin == .parameterGradient(.second, layer: 0, of: 3))
            }
        }
    }
}
