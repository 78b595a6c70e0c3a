import CoupletLosses
import CoupletNetworks
import CoupletPairs
import CoupletTensors
import CoupletTraining
import Synchronization
import Testing

/// A source whose noise depends on the draw.
@Suite struct DrawTests {
    private static func configuration(_ change: (inout Configuration) -> Void = { _ in }) -> Configuration {
        var configuration = Configuration(
            name: "noisy", source: SourceSpecification(NoisyPairs()),
            encoders: .init(
                embedding: 3, first: .multilayerPerceptron(widths: [10], activation: .tanh, bias: true),
                second: .linear(bias: true)),
            objective: .init(similarity: .cosine, temperature: .init(initial: 0.3, learned: true)),
            batch: .init(size: 64, shards: 8), optimizer: .init(learningRate: 0.02),
            train: .init(steps: 8, logEvery: 1, evaluateEvery: nil, checkpointEvery: 4))
        change(&configuration)
        return configuration
    }

    private static let twoBatches = configuration {
        $0.objective = .init(
            similarity: .quadratic, loss: .lpSimCLR(distance: LpDistance(), negatives: .sameModality))
    }

    @Test(arguments: [configuration(), twoBatches])
    func theSameDigestOnAllWorkersAndAfterAResume(_ configuration: Configuration) throws {
        let training = ShortTraining(configuration: configuration)
        let one = try training.run(steps: 8, workers: 1)
        for workers in [2, 4] { #expect(try training.run(steps: 8, workers: workers).digest == one.digest) }

        let runs = TrainedRuns()
        var start = configuration
        start.train.steps = 5
        try runs.train("run", start, threads: 2)
        try runs.train("run", configuration, threads: 4, .resume)
        #expect(try runs.checkpoint("run", 8).digest == one.digest)

        // The noise matters.
        var quiet = training
        quiet.configuration.source = SourceSpecification(NoisyPairs(noise: 0))
        #expect(try quiet.run(steps: 8, workers: 1).digest != one.digest)
    }

    /// Draw n = step · B + position for the batch, n + 2⁶³ for the second batch; each draw once, by any worker.
    @Test(arguments: [1, 4]) func aRunTakesEachDrawOnce(workers: Int) throws {
        func draws(_ configuration: Configuration) throws -> [UInt64] {
            let all = Mutex<[UInt64]>([])
            let source = NoisySource(noise: 0.5, random: Philox(seed: 1)) { draws in
                all.withLock { $0 += draws }
            }
            _ = try ShortTraining(configuration: configuration, source: source).run(steps: 5, workers: workers)
            return all.withLock { $0 }.sorted()
        }
        let batch = (0..<UInt64(5 * 64)).map { $0 }
        #expect(try draws(Self.configuration()) == batch)
        #expect(try draws(Self.twoBatches) == batch + batch.map { $0 + 1 << 63 })
    }

    /// A run on the noisy samples equals a run on an endless source with these very samples, whose numbers are the
    /// draws.
    @Test func eachEpochHasOtherNoise() throws {
        let batch = 64, stepsPerEpoch = 200 / batch, random = Philox(seed: 9)
        let source = NoisySource(noise: 0.5, random: random)
        let sampler = try Sampler(batchSize: batch, sampleCount: 200, seed: 1)
        var noise: [UInt64: [[Float]]] = [:]
        for step in 0..<2 * stepsPerEpoch {
            let numbers = sampler.numbers(step: step, positions: 0..<batch)
            let draws = sampler.draws(step: step, positions: 0..<batch)
            let first = Tensor([batch, 6]), second = Tensor([batch, 6]), clean = Tensor([batch, 6])
            source.read(training: numbers, draws: draws, first: first, second: second)
            source.read(.training, numbers, first: clean, second: nil)
            for (row, number) in numbers.enumerated() {
                noise[number, default: []].append((0..<6).map { first[6 * row + $0] - clean[6 * row + $0] })
            }
        }
        let seenTwice = noise.values.filter { $0.count == 2 }
        #expect(seenTwice.count > 150 && seenTwice.allSatisfy { $0[0] != $0[1] })

        /// Serves the samples of each draw as an endless source.
        struct Drawn: PairSource {
            let noisy: NoisySource, sampler: Sampler
            func description(of modality: Modality) -> ModalityDescription { noisy.description(of: modality) }
            func count(of split: Split) -> Int? { nil }
            func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) {
                let samples = numbers.map { draw in
                    let position = Int(draw % 64)
                    return sampler.numbers(step: Int(draw / 64), positions: position..<position + 1)[0]
                }
                noisy.read(training: samples, draws: numbers, first: first, second: second)
            }
        }
        let configuration = Self.configuration()
        let expected = try ShortTraining(configuration: configuration, source: Drawn(noisy: source, sampler: sampler))
            .run(steps: 2 * stepsPerEpoch, workers: 1)
        let trained = try ShortTraining(configuration: configuration, source: source)
            .run(steps: 2 * stepsPerEpoch, workers: 2)
        #expect(trained.losses == expected.losses && trained.digest == expected.digest)
    }

    /// An evaluation reads samples without noise.
    @Test func anEvaluationHasNoNoise() throws {
        let trainingDraws = Mutex(0)
        let source = NoisySource(noise: 0.5, random: Philox(seed: 1)) { draws in
            trainingDraws.withLock { $0 += draws.count }
        }
        let runs = TrainedRuns()
        try runs.train("run", Self.configuration { $0.train.evaluateEvery = 2 }, source: source)
        #expect(trainingDraws.withLock { $0 } == 8 * 64)
        #expect(runs.folder.exists("run/evaluation.json"))
    }
}
