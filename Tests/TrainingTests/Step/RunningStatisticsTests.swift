import CoupletCommunication
import CoupletInference
import CoupletLosses
import CoupletNetworks
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletTraining
import TestSupport
import Testing

/// Running statistics of an encoder that a program adds by a registry, from the step to the checkpoint.
@Suite struct RunningStatisticsTests {
    private static let batch = 64, shards = 8
    private typealias Statistics = [String: [Double]]

    private static func configuration(_ change: (inout Configuration) -> Void = { _ in }) -> Configuration {
        var configuration = Configuration(
            name: "normalised", source: .gaussian(dimensions: [6, 6], correlations: [0.9, 0.6, 0.3]),
            encoders: .init(
                embedding: 3, first: EncoderSpecification(NormalisedEncoder()), second: .linear(bias: true)),
            objective: .init(similarity: .cosine, temperature: .init(initial: 0.3, learned: true)),
            batch: .init(size: batch, shards: shards), optimizer: .init(learningRate: 0.02, clipNorm: 1),
            evaluation: .init(pairs: 50),
            train: .init(
                steps: 6, logEvery: 1, evaluateEvery: nil, checkpointEvery: 1, keepCheckpoints: 9))
        change(&configuration)
        return configuration
    }

    /// One encoder, with four inputs a step.
    private static let shared = configuration {
        let encoder = EncoderSpecification(NormalisedEncoder())
        $0.encoders = .init(embedding: 3, first: encoder, second: encoder, shared: true)
        $0.objective = .init(
            similarity: .quadratic, loss: .lpSimCLR(distance: LpDistance(), negatives: .sameModality))
    }

    private static func isClose(_ found: Statistics, _ expected: Statistics) -> Bool {
        found.keys.sorted() == expected.keys.sorted()
            && expected.allSatisfy { path, values in
                zip(values, found[path]!).allSatisfy { abs($0 - $1) <= 1e-5 * (1 + abs($0)) }
            }
    }

    /// The samples of the inputs of the first encoder in a step.
    private static func inputs(_ configuration: Configuration, step: Int) throws -> [NormalisedTwin.Rows] {
        let source = try configuration.source.makeSource(seed: configuration.seed)
        let sampler = try Sampler(batchSize: batch, sampleCount: nil, seed: configuration.seed)
        let modalities = configuration.encoders.shared ? Modality.allCases : [.first]
        let batches: [Sampler.Batch] = configuration.encoders.shared ? [.pairs, .second] : [.pairs]
        return try modalities.flatMap { modality in
            try batches.map { kind in
                let rows = Tensor([batch, 6])
                try source.read(
                    .training, sampler.numbers(step: step, positions: 0..<batch, of: kind),
                    first: modality == .first ? rows : nil, second: modality == .second ? rows : nil)
                return NormalisedTwin.rows(rows)
            }
        }
    }

    /// What a step makes of the running statistics: their means over all shards of all inputs.
    private static func updated(
        _ running: Statistics, _ twin: NormalisedTwin, _ configuration: Configuration, step: Int
    ) throws -> Statistics {
        let rows = batch / shards
        let shardStatistics = try inputs(configuration, step: step).flatMap { input in
            (0..<shards).map { twin.statistics(ofShard: Array(input[$0 * rows..<($0 + 1) * rows])) }
        }
        return NormalisedTwin.updated(running, shards: shardStatistics)
    }

    @Test("running mean and variance equal a twin in Double", arguments: [configuration(), shared])
    func equalTheTwin(_ configuration: Configuration) throws {
        let trained = try ShortTraining(configuration: configuration).train(steps: 6, workers: 2) { model in
            let encoder = model.encoders.first
            return (
                NormalisedTwin.arrays(encoder.layout, model.parameters.first.values),
                NormalisedTwin.arrays(encoder.statisticsLayout, model.statistics.first.values)
            )
        }
        var running = NormalisedTwin.initialStatistics
        #expect(trained.observations[0].1 == running)
        for step in 0..<6 {
            let twin = NormalisedTwin(parameters: trained.observations[step].0)
            running = try Self.updated(running, twin, configuration, step: step)
            #expect(Self.isClose(trained.observations[step + 1].1, running), "step \(step + 1)")
        }
        // The checkpoint has them, and its digest depends on each of them.
        #expect(
            NormalisedTwin.arrays(trained.checkpoint.statistics, of: .first) == trained.observations[6].1)
        #expect(trained.checkpoint.statistics.count == (configuration.encoders.shared ? 8 : 4))
        for index in trained.checkpoint.statistics.indices {
            let other = trained.checkpoint.copied()
            other.statistics[index].array.tensor![0] += 0.5
            #expect(other.digest != trained.checkpoint.digest)
        }
    }

    @Test("the same bits on all workers, with kept and recomputed activations", arguments: [configuration(), shared])
    func sameBits(_ configuration: Configuration) throws {
        let one = try ShortTraining(configuration: configuration).run(steps: 6, workers: 1)
        for (workers, activations) in [
            (2, Configuration.Batch.Activations.keep), (4, .keep), (1, .recompute), (4, .recompute),
        ] {
            var training = ShortTraining(configuration: configuration)
            training.configuration.batch.activations = activations
            let other = try training.run(steps: 6, workers: workers)
            #expect(other.digest == one.digest, "\(workers) workers, \(activations)")
        }
    }

    /// Wraps a source, and spoils one sample.
    private struct SpoiltSource: PairSource {
        let base: any PairSource
        let bad: UInt64
        func description(of modality: Modality) -> ModalityDescription { base.description(of: modality) }
        func count(of split: Split) -> Int? { base.count(of: split) }
        func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
            try base.read(split, numbers, first: first, second: second)
            guard split == .training, let row = numbers.firstIndex(of: bad) else { return }
            second?[6 * row] = .nan
        }
    }

    /// The statistics of the first encoder are finite in the skipped step, because the value that is not finite is in
    /// the second modality; they must not be used nevertheless.
    @Test func aSkippedStepLeavesThem() throws {
        let configuration = Self.configuration { $0.train.onNonFinite = .skip }
        let source = SpoiltSource(base: try configuration.source.makeSource(seed: 1), bad: UInt64(2 * Self.batch + 5))
        let runs = TrainedRuns()
        try runs.train("run", configuration, threads: 2, source: source)
        var running = NormalisedTwin.initialStatistics
        for step in 0..<6 where step != 2 {
            let parameters =
                try step == 0
                ? NormalisedTwin.arrays(
                    Model(configuration, source: source).encoders.first.layout,
                    Model(configuration, source: source).parameters.first.values)
                : NormalisedTwin.arrays(runs.checkpoint("run", step).parameters, of: .first)
            running = try Self.updated(running, NormalisedTwin(parameters: parameters), configuration, step: step)
            #expect(
                Self.isClose(
                    NormalisedTwin.arrays(try runs.checkpoint("run", step + 1).statistics, of: .first), running))
        }
        let before = try runs.checkpoint("run", 2), after = try runs.checkpoint("run", 3)
        for (path, array) in before.statistics {
            #expect(after.statistic(path)?.tensor?.values == array.tensor?.values)
        }
    }

    @Test func aFrozenEncoderUsesThemAndLeavesThem() throws {
        let runs = TrainedRuns()
        try runs.train("base", Self.configuration())
        let base = try runs.checkpoint("base", 6)
        let configuration = Self.configuration {
            $0.initialization = .init(from: runs.path("base"), freeze: [.first])
            $0.seed = 2
        }
        try runs.train("frozen", configuration, threads: 2)
        let frozen = try runs.checkpoint("frozen", 6)
        for (path, array) in base.statistics + base.parameters where path.hasPrefix("first") {
            let other = frozen.statistic(path) ?? frozen.parameter(path)
            #expect(other?.tensor?.values == array.tensor?.values, "\(path)")
        }
        #expect(
            frozen.parameter("second/0/weight")?.tensor?.values != base.parameter("second/0/weight")?.tensor?.values)

        // In a training step the frozen encoder gives the encodings of an evaluation, in Double.
        let source = try configuration.source.makeSource(seed: 2), model = try Model(configuration, source: source)
        try PretrainedEncoders(try #require(configuration.initialization), for: configuration, model: model)
            .load(into: model)
        let encodings = try WorkerGroup.launch().run(threads: 1) { communicator in
            let step = try TrainingStep(
                configuration, model: model, source: source, communicator: communicator, tileMemory: 0)
            _ = try step.run(0)
            return step.encodings(of: .first)[0].values
        }
        let twin = NormalisedTwin(parameters: NormalisedTwin.arrays(base.parameters, of: .first))
        let expected = try twin.embeddings(
            Self.inputs(configuration, step: 0)[0], statistics: NormalisedTwin.arrays(base.statistics, of: .first))
        #expect(zip(encodings, expected.joined()).allSatisfy { abs(Double($0) - $1) <= 1e-5 * (1 + abs($1)) })
    }

    @Test func aResumedRunAndAnotherRunTakeThemAlong() throws {
        let runs = TrainedRuns()
        try runs.train("whole", Self.configuration())
        let whole = try runs.checkpoint("whole", 6)
        try runs.train("parts", Self.configuration { $0.train.steps = 4 }, threads: 2)
        try runs.train("parts", Self.configuration(), threads: 4, .resume)
        #expect(try runs.checkpoint("parts", 6).digest == whole.digest)

        try runs.train(
            "heir",
            Self.configuration {
                $0.initialization = .init(from: runs.path("whole"))
                $0.train.steps = 0
                $0.seed = 5
            })
        let heir = try runs.checkpoint("heir", 0)
        for (path, array) in whole.statistics {
            #expect(heir.statistic(path)?.tensor?.values == array.tensor?.values, "\(path)")
        }
        #expect(heir.statistics.count == 4)
    }

    @Test func aRunWithoutThemCannotLendTheEncoder() throws {
        let runs = TrainedRuns()
        try runs.train("base", Self.configuration { $0.train.steps = 1 })
        var checkpoint = try runs.checkpoint("base", 1)
        checkpoint.statistics.removeAll { $0.path == "first/2/running_variance" }
        try CheckpointStore(folder: runs.path("base") + "/checkpoints").write(checkpoint, keep: 1)
        let error = #expect(throws: RunMismatchError.self) {
            try runs.train(
                "heir", Self.configuration { $0.initialization = .init(from: runs.path("base"), freeze: [.first]) })
        }
        #expect("\(error!)".contains("it has no first/2/running_variance"), "\(error!)")
    }

    /// Samples whose variance exceeds Float, from finite samples.
    private struct HugeSource: PairSource {
        let base: any PairSource
        func description(of modality: Modality) -> ModalityDescription { base.description(of: modality) }
        func count(of split: Split) -> Int? { base.count(of: split) }
        func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
            try base.read(split, numbers, first: first, second: second)
            guard let first else { return }
            for i in 0..<first.count { first[i] *= 1e25 }
        }
    }

    /// The loss is finite, because the samples are normalised; an evaluation would divide by infinity.
    @Test func valuesThatAreNotFiniteAreNotSaved() throws {
        let configuration = Self.configuration()
        let source = HugeSource(base: try configuration.source.makeSource(seed: 1)), runs = TrainedRuns()
        let error = #expect(throws: NonFiniteParametersError.self) {
            try runs.train("run", configuration, threads: 2, source: source)
        }
        #expect(error?.step == 1 && error?.path == "first/0/running_variance")
        #expect("\(error!)".contains("scale the data") && !"\(error!)".contains("learning_rate"), "\(error!)")
    }

    /// The encodings of an opened run, in Double.
    @Test func aTrainedRunUsesThem() throws {
        let runs = TrainedRuns()
        try runs.train("run", Self.configuration())
        let run = try TrainedRun(runs.path("run"), registry: TrainedRuns.registry)
        let checkpoint = try runs.checkpoint("run", 6), samples = Tensor([20, 6])
        try run.source.read(.heldOut, (0..<20).map { $0 }, first: samples, second: nil)
        let twin = NormalisedTwin(parameters: NormalisedTwin.arrays(checkpoint.parameters, of: .first))
        let expected = twin.embeddings(
            NormalisedTwin.rows(samples), statistics: NormalisedTwin.arrays(checkpoint.statistics, of: .first))
        var found: [Double] = []
        try run.encode(.first, count: 20, read: { samples.rows($0) }) { part, _ in
            found += part.values.map(Double.init)
        }
        #expect(found.count == 60 && zip(found, expected.joined()).allSatisfy { abs($0 - $1) <= 1e-5 * (1 + abs($1)) })
        // The statistics of a shard would give other encodings.
        let other = twin.embeddings(NormalisedTwin.rows(samples), statistics: NormalisedTwin.initialStatistics)
        #expect(!zip(found, other.joined()).allSatisfy { abs($0 - $1) <= 1e-3 })
    }
}
