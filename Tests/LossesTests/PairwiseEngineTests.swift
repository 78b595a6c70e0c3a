import CoupletLosses
import CoupletTensors
import Foundation
import Testing

@Suite struct PairwiseEngineTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let similarity: Similarity, loss: any Loss, temperature: Double
        var testDescription: String { "\(similarity) \(loss.title) τ = \(temperature)" }

        static func all(_ losses: [any Loss], temperatures: [Double]) -> [Case] {
            Similarity.allCases.flatMap { similarity in
                losses.flatMap { loss in
                    temperatures.map { Case(similarity: similarity, loss: loss, temperature: $0) }
                }
            }
        }
    }

    // MARK: - Values

    static let losses: [any Loss] = [
        .conditional(first: 0.5, second: 0.5), .conditional(first: 1, second: 0), .conditional(first: 0, second: 1),
        .conditional(first: 0.3, second: 0.9), .joint, .jointOffDiagonal, .decoupled(first: 0.5, second: 0.5),
        .decoupled(first: 0, second: 1), .sigmoid, .maximumMeanDiscrepancy(first: 0.5, second: 0.5),
        .maximumMeanDiscrepancy(first: 1, second: 0), .maximumMeanDiscrepancy(first: 0, second: 0.7),
        SquaredHingeLoss(margin: 0.5), LogisticLoss(),
    ]

    static let cases = Case.all(losses, temperatures: [0.005, 0.07, 1, 10])

    @Test("loss and gradients equal the naive twin in Double", arguments: cases)
    func equalsNaiveTwin(_ example: Case) throws {
        let sizes = [(64, 5, 4), (300, 16, 1), (96, 3, 2), (256, 40, 2), (75, 9, 5), (96, 7, 12)]
        for (count, dimension, shards) in sizes {
            let (first, second) = Self.encodings(count, dimension, seed: UInt64(count))
            let (bias, features) = Self.biasAndFeatures(example.loss, count: count)
            let naive = NaiveLoss(
                similarity: example.similarity, loss: example.loss, temperature: example.temperature, bias: bias,
                features: features.map { (Self.rows($0.first), Self.rows($0.second)) } ?? ([], []))
            let exact = naive.evaluate(Self.rows(first), Self.rows(second))
            let limit = max(1e-5, 16 * 0x1p-24 * exact.largestScore)
            var results: [[Float]] = []
            for memory in [0, 1 << 18, 1 << 30] {
                let result = try EngineRun(
                    first: first, second: second, shards: shards, similarity: example.similarity, loss: example.loss,
                    temperature: example.temperature, tileMemory: memory, workers: 1, bias: bias, features: features)
                #expect(abs(result.loss - exact.loss) <= limit * abs(exact.loss))
                #expect(Self.relativeError(result.firstGradient, exact.first) <= limit)
                #expect(Self.relativeError(result.secondGradient, exact.second) <= limit)
                let scale = max(abs(exact.inverseTemperature), 1e-3)
                #expect(abs(result.inverseTemperatureGradient - exact.inverseTemperature) <= limit * scale * 10)
                #expect(abs(result.biasGradient - exact.bias) <= limit * max(1, abs(exact.bias)))
                results.append(result.firstGradient.values + result.secondGradient.values + [Float(result.loss)])
            }
            #expect(results[0] == results[1] && results[1] == results[2], "cached and recomputed tiles differ")
        }
    }

    // MARK: - Sizes

    /// Around the largest d whose scores stay in registers. Shards are larger than a tile in both directions, and no
    /// multiple of a vector.
    @Test("any size of an encoding", arguments: 1...20)
    func anyDimension(_ dimension: Int) throws {
        let losses: [any Loss] = [.conditional(first: 0.3, second: 0.9), .jointOffDiagonal]
        for loss in losses {
            for similarity in [Similarity.innerProduct, .quadratic] {
                // At 0.07 the scores are bounded; at 0.003 they are not.
                let isLarge = [8, 9].contains(dimension)
                for (count, shards, temperature) in [(isLarge ? 2 * 531 : 58, 2, 0.07), (37, 1, 0.07), (76, 4, 0.003)] {
                    let (first, second) = Self.encodings(count, dimension, seed: UInt64(dimension), length: 0.5)
                    let exact = NaiveLoss(similarity: similarity, loss: loss, temperature: temperature)
                        .evaluate(Self.rows(first), Self.rows(second))
                    let limit = max(1e-5, 16 * 0x1p-24 * exact.largestScore)
                    func run(memory: Int, workers: Int) throws -> EngineRun {
                        try EngineRun(
                            first: first, second: second, shards: shards, similarity: similarity, loss: loss,
                            temperature: temperature, tileMemory: memory, workers: workers)
                    }
                    let result = try run(memory: 1 << 19, workers: 1)
                    #expect(abs(result.loss - exact.loss) <= limit * abs(exact.loss))
                    #expect(Self.relativeError(result.firstGradient, exact.first) <= limit)
                    #expect(Self.relativeError(result.secondGradient, exact.second) <= limit)
                    #expect(try run(memory: 0, workers: shards).equalsBits(of: result))
                }
            }
        }
    }

    /// Equal scores, scores far beyond the range of 2^T in Float in both directions, and both in one batch.
    @Test(arguments: [3, 8, 9, 40]) func extremeScores(dimension: Int) throws {
        let count = 144
        let losses: [any Loss] = [.conditional(first: 0.5, second: 0.5), .conditional(first: 1, second: 0), .joint]
        for loss in losses {
            for length in [0, 1e-3, 1, 30] as [Float] {
                let (first, second) = Self.encodings(count, dimension, seed: 3, length: length)
                // Half of the first shard is tiny, and half of the second one is large.
                for i in 0..<(count / 4) * dimension {
                    first[i] *= 1e-3
                    second[(count / 2) * dimension + i] *= 20
                }
                for temperature in [0.01, 1] {
                    let exact = NaiveLoss(similarity: .innerProduct, loss: loss, temperature: temperature)
                        .evaluate(Self.rows(first), Self.rows(second))
                    let limit = max(1e-5, 16 * 0x1p-24 * exact.largestScore)
                    let result = try EngineRun(
                        first: first, second: second, shards: 2, similarity: .innerProduct, loss: loss,
                        temperature: temperature, tileMemory: 1 << 20, workers: 1)
                    #expect(abs(result.loss - exact.loss) <= limit * max(1, abs(exact.loss)))
                    if length == 0 {
                        #expect((result.firstGradient.values + result.secondGradient.values).allSatisfy { $0 == 0 })
                    } else {
                        #expect(Self.relativeError(result.firstGradient, exact.first) <= limit)
                        #expect(Self.relativeError(result.secondGradient, exact.second) <= limit)
                    }
                }
            }
        }
    }

    /// One number that is not finite makes the loss not finite, wherever it is.
    @Test(arguments: [3, 8, 20]) func notFinite(dimension: Int) throws {
        for value in [Float.nan, -.nan, .infinity] {
            for row in [0, 40, 95] {
                for isFirst in [true, false] {
                    let (first, second) = Self.encodings(96, dimension, seed: 5)
                    (isFirst ? first : second)[row * dimension + 1] = value
                    let result = try EngineRun(
                        first: first, second: second, shards: 2, similarity: .innerProduct,
                        loss: .conditional(first: 0.5, second: 0.5), temperature: 0.07, tileMemory: 0, workers: 2)
                    #expect(!result.loss.isFinite)
                }
            }
        }
    }

    // MARK: - Workers

    static let workerCases = Case.all(
        [
            .conditional(first: 0.5, second: 0.5), .conditional(first: 1, second: 0),
            .conditional(first: 0.3, second: 0.9), .joint, .jointOffDiagonal, .decoupled(first: 0.4, second: 0.6),
            .sigmoid, .maximumMeanDiscrepancy(first: 0.5, second: 0.5), .maximumMeanDiscrepancy(first: 0, second: 1),
            SquaredHingeLoss(margin: 0.5), LogisticLoss(), JointEntropyLoss(),
        ], temperatures: [0.005, 1])

    /// The sizes are no multiples of a vector or a tile. With d = 3 and 5 a row block of a matrix product has other
    /// bits than the whole product.
    @Test("the same bits on any number of workers", arguments: workerCases)
    func workersDoNotChangeBits(_ example: Case) throws {
        for (count, dimension, shards) in [(8 * 37, 3, 8), (8 * 20, 5, 8), (8 * 33, 64, 8)] {
            let (first, second) = Self.encodings(count, dimension, seed: UInt64(dimension))
            let (bias, features) = Self.biasAndFeatures(example.loss, count: count)
            func run(workers: Int, memory: Int) throws -> EngineRun {
                try EngineRun(
                    first: first, second: second, shards: shards, similarity: example.similarity, loss: example.loss,
                    temperature: example.temperature, tileMemory: memory, workers: workers, bias: bias,
                    features: features)
            }
            let one = try run(workers: 1, memory: 1 << 24)
            #expect(one.loss.isFinite && one.firstGradient.values.allSatisfy(\.isFinite))
            #expect(one.secondGradient.values.contains { $0 != 0 })
            for workers in [2, 4, 8] {
                #expect(try run(workers: workers, memory: 1 << 24).equalsBits(of: one), "\(workers) workers")
            }
            #expect(try run(workers: 4, memory: 0).equalsBits(of: one), "recomputed tiles on 4 workers")
        }
    }

    // MARK: - Underflow

    /// Some rows and columns are so far below the largest score of their tile that they underflow under the tile's
    /// shift: encodings have lengths from 0.01 to 10, so the scores of one tile span tens of thousands at a temperature
    /// of 0.005.
    @Test(
        arguments: [
            .conditional(first: 0.5, second: 0.5), .conditional(first: 1, second: 0), .conditional(first: 0, second: 1),
            .joint, .jointOffDiagonal, .decoupled(first: 0.5, second: 0.5), .sigmoid,
        ] as [any Loss])
    func underflowedSumsAreComputedAgain(_ loss: any Loss) throws {
        for (count, dimension, shards) in [(72, 4, 1), (72, 4, 2), (64, 3, 4)] {
            let (first, second) = Self.encodingsOfDifferentLengths(count, dimension), temperature = 0.005
            let exact = NaiveLoss(similarity: .innerProduct, loss: loss, temperature: temperature)
                .evaluate(Self.rows(first), Self.rows(second))
            let limit = max(1e-5, 16 * 0x1p-24 * exact.largestScore)
            for memory in [0, 1 << 24] {
                let result = try EngineRun(
                    first: first, second: second, shards: shards, similarity: .innerProduct, loss: loss,
                    temperature: temperature, tileMemory: memory, workers: 1)
                #expect(abs(result.loss - exact.loss) <= limit * max(1, abs(exact.loss)) * 1e-2)
                // Row by row, because the norm of the whole gradient would not show an error in a small row.
                for i in 0..<count {
                    for (gradient, row) in [
                        (result.firstGradient, exact.first[i]), (result.secondGradient, exact.second[i]),
                    ] {
                        let scale = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
                        if scale < 1e-6 { continue }
                        #expect(Self.relativeError(gradient.rows(i..<(i + 1)), [row]) <= limit, "row \(i)")
                    }
                }
            }
        }
    }

    // MARK: - Inputs

    /// Pairs whose scores vary widely at low temperatures; every fourth pair agrees closely.
    /// - Parameter length: the root of the mean square length of an encoding; nil for √d / 2.
    static func encodings(
        _ count: Int, _ dimension: Int, seed: UInt64, length: Float? = nil
    ) -> (Tensor, Tensor) {
        let philox = Philox(seed: seed)
        let first = Tensor([count, dimension]), second = Tensor([count, dimension])
        philox.fillNormal(first, .source, number: 1)
        philox.fillNormal(second, .source, number: 2)
        for i in stride(from: 0, to: count, by: 4) {
            for k in 0..<dimension {
                second[i * dimension + k] = first[i * dimension + k] + 0.1 * second[i * dimension + k]
            }
        }
        let factor = length.map { $0 / Float(dimension).squareRoot() } ?? 0.5
        for k in 0..<(count * dimension) {
            first[k] *= factor
            second[k] *= factor
        }
        return (first, second)
    }

    private static func encodingsOfDifferentLengths(_ count: Int, _ dimension: Int) -> (Tensor, Tensor) {
        let first = Tensor([count, dimension]), second = Tensor([count, dimension])
        Philox(seed: 12).fillNormal(first, .evaluation, number: 1)
        Philox(seed: 12).fillNormal(second, .evaluation, number: 2)
        for i in 0..<count {
            let u = Float(pow(10, Double(i * 7 % count) / Double(count) * 3 - 2))
            let v = Float(pow(10, Double(i * 5 % count) / Double(count) * 3 - 2))
            for k in i * dimension..<(i + 1) * dimension {
                first[k] *= u
                second[k] *= v
            }
        }
        return (first, second)
    }

    /// The inputs of a loss besides encodings: a bias, and features of the data.
    private static func biasAndFeatures(
        _ loss: any Loss, count: Int
    ) -> (bias: Double, features: (first: Tensor, second: Tensor)?) {
        guard loss.dataKernel != nil else { return (loss.usesBias ? -1.7 : 0, nil) }
        let first = Tensor([count, 7]), second = Tensor([count, 19])
        Philox(seed: 77).fillNormal(first, .source, number: 1)
        Philox(seed: 77).fillNormal(second, .source, number: 2)
        return (0, (first, second))
    }

    static func rows(_ tensor: Tensor) -> [[Double]] {
        (0..<tensor.rows).map { i in tensor.rows(i..<(i + 1)).values.map(Double.init) }
    }

    static func relativeError(_ tensor: Tensor, _ exact: [[Double]]) -> Double {
        var difference = 0.0, norm = 0.0
        for (i, row) in exact.enumerated() {
            for (k, x) in row.enumerated() {
                let delta = Double(tensor[i * row.count + k]) - x
                difference += delta * delta
                norm += x * x
            }
        }
        return (difference / norm).squareRoot()
    }
}
