import CoupletLosses
import CoupletTensors
import Testing

/// The loss and its gradients have the same bits on any number of workers, whether they divide the shards or not.
@Suite(.serialized) struct AnyNumberOfWorkersTests {
    struct Case: Sendable {
        let loss: any Loss
        var similarity = Similarity.innerProduct, temperature = 0.3
        var treatment = GroupTreatment.ignore, excludesEqual = false
    }

    static let cases = [
        Case(loss: .conditional(first: 0.5, second: 0.5)),
        Case(loss: .conditional(first: 0.3, second: 0.9), similarity: .cosine),
        Case(loss: .conditional(first: 0, second: 1)),
        Case(loss: .conditional(first: 1, second: 0), similarity: .quadratic),
        Case(loss: .conditional(first: 0.5, second: 0.5), temperature: 0.001),
        Case(loss: .joint, similarity: .quadratic),
        Case(loss: .jointOffDiagonal), Case(loss: .decoupled(first: 0.4, second: 0.6), similarity: .cosine),
        Case(loss: .sigmoid, similarity: .quadratic), Case(loss: .maximumMeanDiscrepancy(first: 0.5, second: 0.5)),
        Case(loss: .maximumMeanDiscrepancy(first: 0, second: 1)),
        Case(loss: .maximumMeanDiscrepancy(first: 1, second: 0)),
        Case(loss: SquaredHingeLoss(margin: 0.5)), Case(loss: LogisticLoss()), Case(loss: JointEntropyLoss()),
        Case(loss: .lpSimCLR()), Case(loss: .lpSimCLR(distance: LpDistance(order: .one), negatives: .otherModality)),
        Case(loss: .ntXent, similarity: .cosine),
        Case(loss: .conditional(first: 0.3, second: 0.9), treatment: .positives, excludesEqual: true),
        Case(loss: .ntXent, similarity: .quadratic, treatment: .positives), Case(loss: .sigmoid, treatment: .positives),
        Case(loss: .lpSimCLR(), treatment: .excluded, excludesEqual: true),
        Case(loss: LogisticLoss(), treatment: .excluded, excludesEqual: true),
        Case(loss: .joint, similarity: .quadratic, treatment: .excluded),
    ]

    static func run(
        _ example: Case, count: Int, dimension: Int, shards: Int, workers: Int, memory: Int
    ) throws -> EngineRun {
        let (first, second) = PairwiseEngineTests.encodings(count, dimension, seed: 5)
        let other = PairwiseEngineTests.encodings(count, dimension, seed: 6), isDouble = example.loss.usesSecondBatch
        var features: (first: Tensor, second: Tensor)?
        if example.loss.dataKernel != nil { features = PairwiseEngineTests.encodings(count, 6, seed: 7) }
        let groups = GroupLossTests.patterns(count)
        func samples(_ pattern: Int) -> SampleRows { GroupLossTests.samples(count, pattern) }
        let treats = example.treatment != .ignore
        return try EngineRun(
            first: first, second: second, shards: shards, similarity: example.similarity, loss: example.loss,
            temperature: example.temperature, tileMemory: memory, workers: workers,
            bias: example.loss.usesBias ? -1.7 : 0, features: features, secondBatch: isDouble ? other : nil,
            treatment: example.treatment, groups: treats ? groups[2] : nil,
            secondBatchGroups: treats && isDouble ? groups[1] : nil, samples: example.excludesEqual ? samples(0) : nil,
            secondBatchSamples: example.excludesEqual && isDouble ? samples(1) : nil)
    }

    /// All numbers of workers, with kept tiles on even numbers of workers and recomputed ones on odd numbers. A shard
    /// of 5 rows is no multiple of anything; encodings of 3 numbers have passes of their own. Of many shards, each
    /// number of workers has two of the losses.
    @Test(arguments: [2, 3, 5, 8, 12, 15, 16]) func workersDoNotChangeBits(shards: Int) throws {
        for (number, example) in Self.cases.enumerated() {
            let dimension = number % 2 == shards % 2 ? 3 : 12
            func run(_ workers: Int, memory: Int) throws -> EngineRun {
                try Self.run(
                    example, count: 5 * shards, dimension: dimension, shards: shards, workers: workers, memory: memory)
            }
            let one = try run(1, memory: 1 << 24)
            #expect(one.loss.isFinite && one.firstGradient.values.allSatisfy(\.isFinite))
            #expect(one.secondGradient.values.contains { $0 != 0 })
            for workers in 2...shards where shards <= 3 || (number + workers) % 12 == 0 {
                #expect(
                    try run(workers, memory: workers % 2 == 0 ? 1 << 24 : 0).equalsBits(of: one),
                    "\(example.loss.title) \(example.treatment) on \(workers) workers over \(shards) shards")
            }
        }
    }

    /// A budget that keeps some tiles only: on each worker the first ones of its order.
    @Test(arguments: [(5, 3), (8, 5)]) func someTilesAreKept(shards: Int, workers: Int) throws {
        for example in Self.cases.prefix(6) {
            let count = 40 * shards
            let one = try Self.run(
                example, count: count, dimension: 20, shards: shards, workers: 1, memory: 0)
            for memory in [1 << 15, 1 << 17] {
                let result = try Self.run(
                    example, count: count, dimension: 20, shards: shards, workers: workers, memory: memory)
                #expect(result.equalsBits(of: one))
            }
        }
    }

    /// Shards with several column ranges, and with several messages a block.
    @Test(arguments: [(530, 3), (200, 7)]) func largeShards(rows: Int, shards: Int) throws {
        for number in [0, 3, 18] {
            func run(_ workers: Int) throws -> EngineRun {
                try Self.run(
                    Self.cases[number], count: rows * shards, dimension: 10, shards: shards, workers: workers,
                    memory: 1 << 22)
            }
            let one = try run(1)
            for workers in [2, 3, shards] { #expect(try run(workers).equalsBits(of: one), "\(workers) workers") }
        }
    }
}
