import CoupletLosses
import CoupletNetworks
import CoupletOptimizers
import CoupletPairs
import CoupletTensors
import CoupletTraining
import Testing

/// `batch.second_per_first`: a batch with several captions of each picture, which is encoded once.
@Suite struct SecondPerFirstTests {
    private static func configuration(_ perFirst: Int, _ change: (inout Configuration) -> Void = { _ in })
        -> Configuration
    {
        var configuration = Configuration(
            name: "captions", source: .program(name: "captions"),
            encoders: .init(
                embedding: 5, first: .multilayerPerceptron(widths: [24, 17], activation: .gelu, bias: true),
                second: .multilayerPerceptron(widths: [20], activation: .tanh, bias: true)),
            objective: .init(similarity: .cosine, temperature: .init(initial: 0.2, learned: true), groups: .positives),
            batch: .init(size: 8 * 48, shards: 8, secondPerFirst: perFirst),
            optimizer: .init(kind: .sgd(momentum: 0.9), learningRate: 0.05), train: .init(steps: 8))
        change(&configuration)
        return configuration
    }

    private static let variants: [Configuration] = [
        configuration(4),
        configuration(3) { $0.batch.activations = .recompute },
        // A second batch.
        configuration(4) {
            $0.objective = .init(
                similarity: .quadratic, loss: .lpSimCLR(distance: LpDistance(), negatives: .sameModality),
                temperature: .init(initial: 0.5, learned: true))
        },
        configuration(2) {
            $0.objective = .init(
                loss: .maximumMeanDiscrepancy(first: 0.3, second: 0.6, kernel: .gaussian(bandwidth: 1, features: 32)))
        },
        configuration(4) { $0.batch.groups = .distinct },
        configuration(6) {
            $0.objective = .init(
                similarity: .cosine, loss: .sigmoid(bias: .init(initial: -1, learned: true)), groups: .positives)
        },
    ]

    private func training(_ configuration: Configuration) -> ShortTraining {
        ShortTraining(
            configuration: configuration,
            source: Captions().drawing(secondPerFirst: configuration.batch.secondPerFirst))
    }

    @Test("the same digest for 1, 2, 4 and 8 threads", arguments: variants)
    func sameDigest(_ configuration: Configuration) throws {
        let one = try training(configuration).run(steps: 8, workers: 1)
        for workers in [2, 4, 8] {
            let many = try training(configuration).run(steps: 8, workers: workers)
            #expect(many.losses == one.losses && many.digest == one.digest, "\(workers) workers")
        }
    }

    /// The same pairs one by one, each with its own picture: the losses have the same bits in the first step, and the
    /// gradients differ by rounding.
    @Test("a step is that of the unrolled pairs", arguments: variants)
    func unrolled(_ configuration: Configuration) throws {
        let perFirst = configuration.batch.secondPerFirst, source = Captions().drawing(secondPerFirst: perFirst)
        let sampler = try Sampler(configuration, source: source)
        var plain = training(configuration)
        plain.configuration.batch.secondPerFirst = 1
        plain.configuration.batch.groups = .any
        plain.source = UnrolledCaptions(base: source, sampler: sampler)
        let (a, b) = try (
            training(configuration).train(steps: 6, workers: 1) { _ in 0 },
            plain.train(steps: 6, workers: 1) { _ in 0 }
        )
        #expect(a.reports[0].loss == b.reports[0].loss)
        for (x, y) in zip(a.reports, b.reports) {
            #expect(abs(x.loss - y.loss) <= 1e-5 * abs(y.loss))
            #expect(abs(x.gradientNorm - y.gradientNorm) <= 1e-4 * y.gradientNorm)
        }
        for (x, y) in zip(a.checkpoint.parameters, b.checkpoint.parameters) {
            guard let x = x.array.tensor, let y = y.array.tensor else { continue }
            let scale = y.values.reduce(0) { max($0, abs($1)) }
            for (p, q) in zip(x.values, y.values) { #expect(abs(p - q) <= 2e-4 * scale) }
        }
    }

    @Test("recomputed activations and dropout give the same digest")
    func recomputes() throws {
        var digests: [String] = []
        for activations in [Configuration.Batch.Activations.keep, .recompute] {
            for workers in [1, 4] {
                let configuration = Self.configuration(4) {
                    $0.batch.activations = activations
                    $0.encoders.first = EncoderSpecification(
                        LayerListEncoder([
                            Linear.Kind(width: 20), Dropout.Kind(probability: 0.3), Linear.Kind(width: 5),
                        ]))
                }
                digests.append(try training(configuration).run(steps: 5, workers: workers).digest)
            }
        }
        #expect(Set(digests).count == 1)
    }

    /// ∂L/∂(an encoding of a picture) is the sum over its pairs, in the order of the pairs.
    @Test("rows of one sample are added in ascending order")
    func sums() throws {
        let rows = Tensor([6, 2], [1e8, 1, 1, 2, -1e8, 3, 5, 4, 6, 5, 7, 6]), sums = Tensor([2, 2])
        RepeatedRows.sum(rows, count: 3, into: sums)
        #expect(sums.values == [(Float(1e8) + 1) - 1e8, 6, 18, 15])
        let copies = Tensor([6, 2])
        RepeatedRows.copy(sums, count: 3, into: copies)
        #expect(copies.values == [0, 6, 0, 6, 0, 6, 18, 15, 18, 15, 18, 15])
    }

    @Test("a value that is not finite is found with the draws of its picture's pairs")
    func notFinite() throws {
        struct Broken: PairSource {
            let base: any PairSource
            func description(of modality: Modality) -> ModalityDescription { base.description(of: modality) }
            func count(of split: Split) -> Int? { base.count(of: split) }
            func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) {}
            func read(training numbers: [UInt64], draws: [UInt64], first: Tensor?, second: Tensor?) throws {
                try base.read(training: numbers, draws: draws, first: first, second: second)
                if let row = draws.firstIndex(of: 2 * 4) { first?[row * 8] = .nan }
            }
            func groups(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? { try base.groups(split, numbers) }
        }
        let configuration = Self.configuration(4)
        for workers in [1, 4] {
            var broken = training(configuration)
            broken.source = Broken(base: Captions().drawing(secondPerFirst: 4))
            let report = try broken.train(steps: 1, workers: workers) { _ in 0 }.reports[0]
            #expect(report.nonFinite?.origin == .data(.first) && report.nonFinite?.sampleCount == 4)
            #expect(report.nonFinite?.draws == [8, 9, 10, 11])
        }
    }

    // MARK: - Sampler

    @Test func consecutiveDrawsHaveOneSample() throws {
        let sampler = try Sampler(batchSize: 24, sampleCount: 50, seed: 3, secondPerFirst: 4)
        let plain = try Sampler(batchSize: 6, sampleCount: 50, seed: 3)
        #expect(sampler.stepsPerEpoch == plain.stepsPerEpoch)
        for step in [0, 7, 8, 100] {
            for batch in [Sampler.Batch.pairs, .second] {
                let expected = plain.numbers(step: step, positions: 0..<6, of: batch)
                let numbers = sampler.numbers(step: step, positions: 0..<24, of: batch)
                #expect(numbers == expected.flatMap { [$0, $0, $0, $0] })
                #expect(sampler.numbers(step: step, positions: 5..<19, of: batch) == Array(numbers[5..<19]))
                #expect(
                    sampler.firstDraws(step: step, positions: 4..<12, of: batch)
                        == [4, 8].map { sampler.draws(step: step, positions: $0..<$0 + 1, of: batch)[0] })
            }
        }
        #expect(throws: DataError.self) { try Sampler(batchSize: 24, sampleCount: 5, seed: 3, secondPerFirst: 4) }
    }
}
