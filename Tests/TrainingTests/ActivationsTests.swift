import CoupletLosses
import CoupletTraining
import Testing

/// Gradient caching: forward made again shard by shard, the same bits, less memory.
@Suite struct ActivationsTests {
    static func deep(_ activations: Configuration.Batch.Activations) -> StateDigest {
        StateDigest(
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

    @Test(arguments: [1, 2, 4, 8])
    func keepAndRecomputeGiveTheSameBits(workers: Int) throws {
        let kept = try Self.deep(.keep).run(steps: 12, workers: 1)
        let again = try Self.deep(.recompute).run(steps: 12, workers: workers)
        #expect(again.digest == kept.digest)
        #expect(again.losses == kept.losses)
        #expect(Set(kept.losses).count == 12)
    }

    /// A shared encoder encodes four inputs a step: both modalities' batch and second batch.
    @Test(arguments: [1, 4])
    func severalInputsOfAnEncoderGiveTheSameBits(workers: Int) throws {
        func digest(_ activations: Configuration.Batch.Activations) -> StateDigest {
            var configuration = WorkerInvarianceTests.shared(
                .lpSimCLR(distance: LpDistance(), negatives: .sameModality))
            configuration.batch.activations = activations
            return StateDigest(configuration: configuration)
        }
        let kept = try digest(.keep).run(steps: 8, workers: 1),
            again = try digest(.recompute).run(steps: 8, workers: workers)
        #expect(again.digest == kept.digest && again.losses == kept.losses && Set(kept.losses).count == 8)
    }

    @Test func recomputingTakesTheActivationsOfOneShard() throws {
        func activations(_ way: Configuration.Batch.Activations, workers: Int) throws -> Int {
            let configuration = Self.deep(way).configuration
            let source = try configuration.source.makeSource(seed: 1)
            let estimate = MemoryEstimate(
                configuration, model: try Model(configuration, source: source), source: source, workers: workers,
                threads: workers)
            return estimate.parts.first { $0.kind == "activations" }?.worker ?? 0
        }
        // Floats of a shard's 64 rows: outputs and what gelu keeps of each hidden layer at least.
        let outputs = 64 * (48 + 33 + 40) * 4
        let (one, all) = (try activations(.recompute, workers: 1), try activations(.keep, workers: 1))
        #expect(all - one >= 7 * outputs)
        #expect(try activations(.recompute, workers: 8) == one)
        #expect(try activations(.keep, workers: 8) == one)
    }
}
