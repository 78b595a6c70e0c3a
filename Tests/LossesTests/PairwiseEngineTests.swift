import CoupletLosses
import CoupletTensors
import Foundation
import Testing

@Suite struct PairwiseEngineTests {
    static let losses: [Loss] = [
        .conditional(first: 0.5, second: 0.5), .conditional(first: 1, second: 0), .conditional(first: 0, second: 1),
        .conditional(first: 0.3, second: 0.9), .joint, .jointOffDiagonal, .decoupled(first: 0.5, second: 0.5),
        .decoupled(first: 0, second: 1),
        .sigmoid, .maximumMeanDiscrepancy(first: 0.5, second: 0.5), .maximumMeanDiscrepancy(first: 1, second: 0),
        .maximumMeanDiscrepancy(first: 0, second: 0.7),
    ]

    /// What a loss takes besides encodings: a bias, features of the data.
    static func extras(_ loss: Loss, count: Int) -> (bias: Double, features: (first: Tensor, second: Tensor)?) {
        guard case .maximumMeanDiscrepancy = loss else { return (loss.usesBias ? -1.7 : 0, nil) }
        let first = Tensor([count, 7]), second = Tensor([count, 19])
        Philox(seed: 77).fillNormal(first, .source, number: 1)
        Philox(seed: 77).fillNormal(second, .source, number: 2)
        return (0, (first, second))
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let similarity: Similarity, loss: Loss, temperature: Double
        var testDescription: String { "\(similarity) \(loss) τ = \(temperature)" }
        static let all = Similarity.allCases.flatMap { similarity in
            losses.flatMap { loss in
                [0.005, 0.07, 1, 10].map { Case(similarity: similarity, loss: loss, temperature: $0) }
            }
        }
    }

    /// Pairs whose scores spread widely at low temperatures; every fourth pair agrees closely.
    static func encodings(_ count: Int, _ dimension: Int, seed: UInt64) -> (Tensor, Tensor) {
        let philox = Philox(seed: seed)
        let first = Tensor([count, dimension]), second = Tensor([count, dimension])
        philox.fillNormal(first, .source, number: 1)
        philox.fillNormal(second, .source, number: 2)
        for i in stride(from: 0, to: count, by: 4) {
            for k in 0..<dimension {
                second[i * dimension + k] = first[i * dimension + k] + 0.1 * second[i * dimension + k]
            }
        }
        for k in 0..<(count * dimension) {
            first[k] *= 0.5
            second[k] *= 0.5
        }
        return (first, second)
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

    @Test("loss and gradients equal the naive twin in Double", arguments: Case.all)
    func equalsNaiveTwin(_ example: Case) throws {
        for (count, dimension, shards) in [(64, 5, 4), (300, 16, 1), (96, 3, 2), (256, 40, 2)] {
            let (first, second) = Self.encodings(count, dimension, seed: UInt64(count))
            let (bias, features) = Self.extras(example.loss, count: count)
            let naive = NaiveLoss(
                similarity: example.similarity, loss: example.loss, temperature: example.temperature, bias: bias,
                features: features.map { (Self.rows($0.first), Self.rows($0.second)) } ?? ([], []))
            let exact = naive.evaluate(Self.rows(first), Self.rows(second))
            let limit = max(1e-5, 16 * 0x1p-24 * exact.largestScore)
            var digests: [[Float]] = []
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
                digests.append(result.firstGradient.values + result.secondGradient.values + [Float(result.loss)])
            }
            #expect(digests[0] == digests[1] && digests[1] == digests[2], "kept and remade tiles differ")
        }
    }
}
