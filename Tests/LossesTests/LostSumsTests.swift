import CoupletLosses
import CoupletTensors
import Foundation
import Testing

/// Rows and columns that lie so far below their tile's largest score that the tile's shift swallows them.
@Suite struct LostSumsTests {
    /// Lengths from 0.01 to 10: with an inner product at a temperature of 0.005, scores of one tile span tens of thousands.
    private static func encodings(_ count: Int, _ dimension: Int) -> (Tensor, Tensor) {
        let first = Tensor([count, dimension]), second = Tensor([count, dimension])
        Philox(seed: 12).fillNormal(first, .evaluation, number: 1)
        Philox(seed: 12).fillNormal(second, .evaluation, number: 2)
        for i in 0..<count {
            let (u, v) = (
                Float(pow(10, Double(i * 7 % count) / Double(count) * 3 - 2)),
                Float(pow(10, Double(i * 5 % count) / Double(count) * 3 - 2))
            )
            for k in i * dimension..<(i + 1) * dimension {
                first[k] *= u
                second[k] *= v
            }
        }
        return (first, second)
    }

    @Test(arguments: [
        Loss.conditional(first: 0.5, second: 0.5), .conditional(first: 1, second: 0), .conditional(first: 0, second: 1),
        .joint, .jointOffDiagonal,
        .decoupled(first: 0.5, second: 0.5), .sigmoid,
    ])
    func farRowsAreNotLost(_ loss: Loss) throws {
        for (count, dimension, shards) in [(72, 4, 1), (72, 4, 2), (64, 3, 4)] {
            let (first, second) = Self.encodings(count, dimension), temperature = 0.005
            let exact = NaiveLoss(similarity: .innerProduct, loss: loss, temperature: temperature)
                .evaluate(PairwiseEngineTests.rows(first), PairwiseEngineTests.rows(second))
            let limit = max(1e-5, 16 * 0x1p-24 * exact.largestScore)
            for memory in [0, 1 << 24] {
                let result = try EngineRun(
                    first: first, second: second, shards: shards, similarity: .innerProduct, loss: loss,
                    temperature: temperature,
                    tileMemory: memory, workers: 1)
                #expect(abs(result.loss - exact.loss) <= limit * max(1, abs(exact.loss)) * 1e-2)
                // Row by row: the norm of the whole would not show a small row that is wrong.
                for i in 0..<count {
                    for (gradient, row) in [
                        (result.firstGradient, exact.first[i]), (result.secondGradient, exact.second[i]),
                    ] {
                        let own = gradient.rows(i..<(i + 1))
                        let scale = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
                        if scale < 1e-6 { continue }
                        #expect(PairwiseEngineTests.relativeError(own, [row]) <= limit, "row \(i)")
                    }
                }
            }
        }
    }
}
