import CoupletLosses
import CoupletNetworks
import CoupletOptimizers
import CoupletTensors
import CoupletTraining
import Testing

/// A step gives the same bits for every number of workers, with saved and with recomputed activations.
@Suite struct TrainingStepTests {
    static let examples: [Configuration] = [
        TrainingExample.gaussian(),
        TrainingExample.gaussian {
            $0.objective = .init(similarity: .cosine, loss: .joint, temperature: .init(initial: 0.1, learned: true))
        },
        TrainingExample.gaussian {
            $0.objective = .init(
                similarity: .quadratic, loss: .conditional(first: 0.9, second: 0.2), temperature: .init(initial: 0.02))
            $0.optimizer = .init(
                kind: .adamw(), learningRate: 0.003, schedule: .cosine, warmupSteps: 5, weightDecay: 0.1, clipNorm: 0.5,
                scheduleSteps: 50)
            $0.batch = .init(size: 16 * 24, shards: 16)
        },
        TrainingExample.gaussian {
            $0.encoders.first = .multilayerPerceptron(widths: [300, 900, 70], activation: .gelu, bias: true)
            $0.encoders.second = .multilayerPerceptron(widths: [40], activation: .tanh, bias: false)
            $0.optimizer = .init(kind: .sgd(momentum: 0.9), learningRate: 0.05)
            $0.encoders.embedding = 20
        },
        // A second batch, clipped and with a learned temperature.
        TrainingExample.gaussian {
            $0.objective = .init(
                similarity: .quadratic, loss: .lpSimCLR(distance: LpDistance(), negatives: .sameModality),
                temperature: .init(initial: 0.5, learned: true))
            $0.optimizer.clipNorm = 0.5
        },
        TrainingExample.shared(.lpSimCLR(distance: LpDistance(order: .two, power: false), negatives: .sameModality)),
        TrainingExample.shared(.lpSimCLR(distance: LpDistance(order: .one), negatives: .otherModality)),
        TrainingExample.shared(.ntXent),
        // Norms of whole tensors, which lie in the parts of several workers.
        largeBatches(.lars(trustCoefficient: 0.02), averageDecay: nil),
        largeBatches(.lamb(), averageDecay: 0.9),
    ]

    private static func largeBatches(_ kind: any Optimizer, averageDecay: Double?) -> Configuration {
        TrainingExample.gaussian {
            $0.encoders.first = .multilayerPerceptron(widths: [300, 70], activation: .gelu, bias: true)
            $0.objective = .init(similarity: .cosine, temperature: .init(initial: 0.1, learned: true))
            $0.batch = .init(size: 16 * 24, shards: 16)
            $0.optimizer = .init(
                kind: kind, learningRate: 0.05, weightDecay: 0.1, clipNorm: 0.5, decayedParameters: .weights,
                learningRateFactors: .init(first: 0.5, second: 1), averageDecay: averageDecay)
        }
    }

    @Test("the same digest for 1 to 16 threads", arguments: examples)
    func sameDigest(_ configuration: Configuration) throws {
        let training = ShortTraining(configuration: configuration)
        let one = try training.run(steps: 20, workers: 1)
        for workers in [2, 3, 5, 8, 13, 16] {
            let many = try training.run(steps: 20, workers: workers)
            #expect(many.losses == one.losses, "losses on \(workers) workers")
            #expect(many.digest == one.digest, "digest on \(workers) workers")
        }
        // Another number of steps and another seed give other digests.
        #expect(try training.run(steps: 19, workers: 1).digest != one.digest)
        var otherSeed = training
        otherSeed.configuration.seed += 1
        #expect(try otherSeed.run(steps: 20, workers: 1).digest != one.digest)
    }

    /// The initial weights of the last layers are subnormal, so they become 0 whatever mode the caller's thread has;
    /// and training goes on in that mode, on one thread and on several.
    @Test("the mode of the caller's thread does not change the digest", arguments: [1, 2])
    func callersMode(workers: Int) throws {
        let training = ShortTraining(
            configuration: TrainingExample.gaussian {
                $0.encoders.first = .multilayerPerceptron(widths: [20], activation: .tanh, bias: true)
                $0.encoders.initialScale = .leastNormalMagnitude / 8
                $0.objective = .init(similarity: .quadratic, loss: .conditional(first: 0.5, second: 0.5))
                $0.optimizer = .init(kind: .sgd(), learningRate: 0.01)
            })
        let mode = FloatingPointMode.current
        let kept = try training.run(steps: 3, workers: workers)
        let flushed = try FloatingPointMode.withFlushedSubnormals { try training.run(steps: 3, workers: workers) }
        #expect(kept.digest == flushed.digest && kept.losses == flushed.losses)
        #expect(FloatingPointMode.current == mode && !mode.flushesSubnormals)
    }

    @Test("cached and recomputed tiles give the same digest")
    func tileMemory() throws {
        // Tiles of small encodings are never cached.
        var training = ShortTraining(configuration: TrainingExample.gaussian { $0.encoders.embedding = 48 })
        let cached = try training.run(steps: 10, workers: 2)
        training.tileMemory = 0
        #expect(try training.run(steps: 10, workers: 2).digest == cached.digest)
        training.tileMemory = 1 << 19
        #expect(try training.run(steps: 10, workers: 4).digest == cached.digest)
    }

    // MARK: - Recomputed activations

    static func deep(_ activations: Configuration.Batch.Activations) -> ShortTraining {
        ShortTraining(
            configuration: Configuration(
                name: "deep", source: .gaussian(dimensions: [8, 6], correlations: [0.9, 0.7, 0.5]),
                encoders: .init(
                    embedding: 4, first: .multilayerPerceptron(widths: [48, 33], activation: .gelu, bias: true),
                    second: .multilayerPerceptron(widths: [40], activation: .tanh, bias: true)),
                objective: .init(similarity: .cosine, temperature: .init(initial: 0.1, learned: true)),
                batch: .init(size: 512, shards: 8, activations: activations),
                optimizer: .init(learningRate: 0.01, clipNorm: 0.5),
                train: .init(steps: 20)))
    }

    @Test(arguments: [1, 2, 3, 5, 8])
    func keepAndRecomputeGiveTheSameBits(workers: Int) throws {
        let saved = try Self.deep(.keep).run(steps: 12, workers: 1)
        let recomputed = try Self.deep(.recompute).run(steps: 12, workers: workers)
        #expect(recomputed.digest == saved.digest)
        #expect(recomputed.losses == saved.losses)
        #expect(Set(saved.losses).count == 12)
    }

    /// A shared encoder has four inputs a step: batch and second batch of both modalities.
    @Test(arguments: [1, 3, 4])
    func severalInputsOfAnEncoderGiveTheSameBits(workers: Int) throws {
        func training(_ activations: Configuration.Batch.Activations) -> ShortTraining {
            var configuration = TrainingExample.shared(
                .lpSimCLR(distance: LpDistance(), negatives: .sameModality))
            configuration.batch.activations = activations
            return ShortTraining(configuration: configuration)
        }
        let saved = try training(.keep).run(steps: 8, workers: 1)
        let recomputed = try training(.recompute).run(steps: 8, workers: workers)
        #expect(recomputed.digest == saved.digest && recomputed.losses == saved.losses && Set(saved.losses).count == 8)
    }

    @Test func recomputingTakesTheActivationsOfOneShard() throws {
        func activationBytes(_ activations: Configuration.Batch.Activations, workers: Int) throws -> Int {
            let configuration = Self.deep(activations).configuration
            let source = try configuration.source.makeSource(seed: 1)
            let estimate = MemoryEstimate(
                configuration, model: try Model(configuration, source: source), source: source, workers: workers,
                threads: workers)
            return estimate.parts.first { $0.kind == "activations" }?.worker ?? 0
        }
        // Bytes of a shard's 64 rows: at least the outputs of the hidden layers, which gelu saves too.
        let outputs = 64 * (48 + 33 + 40) * 4
        let oneShard = try activationBytes(.recompute, workers: 1)
        let allShards = try activationBytes(.keep, workers: 1)
        #expect(allShards - oneShard >= 7 * outputs)
        // With blocks of layers it may take less.
        #expect(try activationBytes(.recompute, workers: 8) <= oneShard)
        #expect(try activationBytes(.keep, workers: 8) >= oneShard)
    }
}
