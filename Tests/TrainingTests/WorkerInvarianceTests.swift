import CoupletLosses
import CoupletNetworks
import CoupletTraining
import Testing

/// The one idea: the same bits for any number of workers.
@Suite struct WorkerInvarianceTests {
    static func gaussian(_ change: (inout Configuration) -> Void = { _ in }) -> Configuration {
        var configuration = Configuration(
            name: "gaussian", source: .gaussian(dimensions: [8, 6], correlations: [0.9, 0.75, 0.6, 0.4, 0.25, 0.1]),
            encoders: .init(embedding: 3, first: .linear(bias: false), second: .linear(bias: true)),
            batch: .init(size: 2048, shards: 16), optimizer: .init(learningRate: 0.01), train: .init(steps: 50))
        change(&configuration)
        return configuration
    }

    static let examples: [Configuration] = [
        gaussian(),
        gaussian {
            $0.objective = .init(similarity: .cosine, loss: .joint, temperature: .init(initial: 0.1, learned: true))
        },
        gaussian {
            $0.objective = .init(
                similarity: .quadratic, loss: .conditional(first: 0.9, second: 0.2), temperature: .init(initial: 0.02))
            $0.optimizer = .init(
                kind: .adamw(), learningRate: 0.003, schedule: .cosine, warmupSteps: 5, weightDecay: 0.1, clipNorm: 0.5,
                scheduleSteps: 50)
            $0.batch = .init(size: 16 * 24, shards: 16)
        },
        gaussian {
            $0.encoders.first = .multilayerPerceptron(widths: [300, 900, 70], activation: .gelu, bias: true)
            $0.encoders.second = .multilayerPerceptron(widths: [40], activation: .tanh, bias: false)
            $0.optimizer = .init(kind: .sgd(momentum: 0.9), learningRate: 0.05)
            $0.encoders.embedding = 20
        },
        // A second batch, clipped and with a learned temperature.
        gaussian {
            $0.objective = .init(
                similarity: .quadratic, loss: .lpSimCLR(distance: LpDistance(), negatives: .sameModality),
                temperature: .init(initial: 0.5, learned: true))
            $0.optimizer.clipNorm = 0.5
        },
        shared(.lpSimCLR(distance: LpDistance(order: .two, power: false), negatives: .sameModality)),
        shared(.lpSimCLR(distance: LpDistance(order: .one), negatives: .otherModality)), shared(.ntXent),
    ]

    /// One encoder for both modalities.
    static func shared(_ loss: Loss) -> Configuration {
        let encoder = EncoderSpecification.multilayerPerceptron(
            widths: [40, 24], activation: .leakyRelu(slope: 0.01), bias: true)
        return gaussian {
            $0.source = .gaussian(dimensions: [8, 8], correlations: [0.9, 0.75, 0.6])
            $0.encoders = .init(embedding: 3, first: encoder, second: encoder, shared: true)
            $0.objective = .init(similarity: .quadratic, loss: loss)
            $0.batch = .init(size: 16 * 24, shards: 16)
        }
    }

    @Test("the same digest for 1, 2, 4, 8 and 16 threads", arguments: examples)
    func sameDigest(_ configuration: Configuration) throws {
        let digest = StateDigest(configuration: configuration)
        let one = try digest.run(steps: 20, workers: 1)
        for workers in [2, 4, 8, 16] {
            let many = try digest.run(steps: 20, workers: workers)
            #expect(many.losses == one.losses, "losses on \(workers) workers")
            #expect(many.digest == one.digest, "digest on \(workers) workers")
        }
        // Not equal because nothing happened.
        #expect(try digest.run(steps: 19, workers: 1).digest != one.digest)
        var other = digest
        other.configuration.seed += 1
        #expect(try other.run(steps: 20, workers: 1).digest != one.digest)
    }

    @Test("kept and remade tiles give the same digest")
    func tileMemory() throws {
        // Tiles of small encodings are never kept.
        var digest = StateDigest(configuration: Self.gaussian { $0.encoders.embedding = 48 })
        let kept = try digest.run(steps: 10, workers: 2)
        digest.tileMemory = 0
        #expect(try digest.run(steps: 10, workers: 2).digest == kept.digest)
        digest.tileMemory = 1 << 19
        #expect(try digest.run(steps: 10, workers: 4).digest == kept.digest)
    }
}
