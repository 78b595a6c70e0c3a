import CoupletLosses
import CoupletTensors
import Foundation
import Testing

/// Compares the losses with several score matrices with their formulas in Double and with central differences.
@Suite struct LpSimCLRAndNTXentTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let loss: any Loss, similarity: Similarity, temperature: Double
        var testDescription: String { "\(loss.title) \(similarity) τ = \(temperature)" }
    }

    static let distances = [
        LpDistance(order: .two, power: true), LpDistance(order: .two, power: false), LpDistance(order: .one),
    ]

    static let cases: [Case] = [0.07, 1, 10].flatMap { temperature in
        distances.flatMap { distance in
            LpSimCLRLoss.Negatives.allCases.map {
                Case(
                    loss: .lpSimCLR(distance: distance, negatives: $0), similarity: .quadratic, temperature: temperature
                )
            }
        } + Similarity.allCases.map { Case(loss: .ntXent, similarity: $0, temperature: temperature) }
            + userLosses(temperature)
    }

    /// The same formulas through the public protocols, also with a similarity instead of a distance.
    static func userLosses(_ temperature: Double) -> [Case] {
        [ComparedSets.modalities, .secondBatch, .allEncodings].flatMap { sets in
            Similarity.allCases.map {
                Case(loss: AnchorEntropyLoss(comparedSets: sets), similarity: $0, temperature: temperature)
            }
                + distances.map {
                    Case(
                        loss: AnchorEntropyLoss(comparedSets: sets, distance: $0), similarity: .quadratic,
                        temperature: temperature)
                }
        }
    }

    /// The four sets of encodings: both modalities of the batch, then both of the second batch.
    static func sets(_ count: Int, _ dimension: Int) -> [Tensor] {
        let (first, second) = PairwiseEngineTests.encodings(count, dimension, seed: UInt64(count + dimension))
        let (third, fourth) = PairwiseEngineTests.encodings(count, dimension, seed: UInt64(1000 + count + dimension))
        return [first, second, third, fourth]
    }

    static func run(_ example: Case, _ sets: [Tensor], shards: Int, workers: Int, memory: Int = 1 << 24) throws
        -> EngineRun
    {
        try EngineRun(
            first: sets[0], second: sets[1], shards: shards, similarity: example.similarity, loss: example.loss,
            temperature: example.temperature, tileMemory: memory, workers: workers,
            secondBatch: example.loss.usesSecondBatch ? (sets[2], sets[3]) : nil)
    }

    /// The loss as the papers write it, and its largest score.
    static func value(_ example: Case, _ sets: [[[Double]]], temperature: Double) -> (loss: Double, largest: Double) {
        let (u, v) = (sets[0], sets[1]), n = Double(u.count)
        func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        func logSumExp(_ x: [Double]) -> Double {
            let largest = x.max()!
            return largest + log(x.reduce(0) { $0 + exp($1 - largest) })
        }
        var largest = 0.0, loss = 0.0
        func score(_ a: [Double], _ b: [Double]) -> Double {
            let s: Double
            if let distance = example.loss.distance {
                let p = Double(distance.order.rawValue), sum = zip(a, b).reduce(0) { $0 + pow(abs($1.0 - $1.1), p) }
                s = -(distance.power ? sum : pow(sum, 1 / p)) / temperature
            } else {
                switch example.similarity {
                case .innerProduct: s = dot(a, b) / temperature
                case .cosine: s = dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot() / temperature
                case .quadratic: s = -0.5 * zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / temperature
                }
            }
            largest = max(largest, abs(s))
            return s
        }
        switch example.loss.comparedSets {
        case .secondBatch:
            for (anchors, partners, negatives) in [(u, v, sets[2]), (v, u, sets[3])] {
                for (anchor, partner) in zip(anchors, partners) {
                    let positive = score(anchor, partner)
                    loss +=
                        (logSumExp(negatives.map { score(anchor, $0) } + [positive]) - log(n + 1) - positive) / (2 * n)
                }
            }
        case .modalities:
            for (anchors, partners) in [(u, v), (v, u)] {
                for (anchor, partner) in zip(anchors, partners) {
                    loss += (logSumExp(partners.map { score(anchor, $0) }) - log(n) - score(anchor, partner)) / (2 * n)
                }
            }
        case .allEncodings:
            let all = u + v
            for i in all.indices {
                let scores = all.indices.map { score(all[i], all[$0]) }
                let negativesAndPair = all.indices.filter { $0 != i }.map { scores[$0] }
                loss += (logSumExp(negativesAndPair) - scores[(i + u.count) % all.count]) / (2 * n)
            }
        }
        return (loss, largest)
    }

    @Test("loss and gradients equal the formulas in Double", arguments: cases)
    func equalsFormulas(_ example: Case) throws {
        for (count, dimension, shards) in [(32, 5, 4), (52, 3, 2)] {
            let sets = Self.sets(count, dimension), rows = sets.map(PairwiseEngineTests.rows)
            let (loss, largest) = Self.value(example, rows, temperature: example.temperature)
            let limit = max(1e-5, 16 * 0x1p-24 * largest)
            let run = try Self.run(example, sets, shards: shards, workers: 1)
            #expect(abs(run.loss - loss) <= limit * max(1, abs(loss)), "\(run.loss) for \(loss)")
            #expect(abs(run.meanPairLoss - run.loss) <= 1e-9 * max(1, abs(loss)))
            let gradients = [run.firstGradient, run.secondGradient] + run.secondBatchGradients
            for (set, gradient) in gradients.enumerated() {
                var exact = rows[set]
                for i in 0..<count {
                    for k in 0..<dimension {
                        // Smaller than the gaps between components, because a distance of order 1 has kinks.
                        let h = 1e-7
                        func shifted(_ by: Double) -> Double {
                            var changed = rows
                            changed[set][i][k] += by
                            return Self.value(example, changed, temperature: example.temperature).loss
                        }
                        exact[i][k] = (shifted(h) - shifted(-h)) / (2 * h)
                    }
                }
                #expect(PairwiseEngineTests.relativeError(gradient, exact) <= 4 * limit, "set \(set)")
            }
            let h = 1e-7
            func atInverse(_ factor: Double) -> Double {
                Self.value(example, rows, temperature: example.temperature / factor).loss
            }
            let slope = (atInverse(exp(h)) - atInverse(exp(-h))) / (2 * h)
            #expect(
                abs(run.inverseTemperatureGradient - slope) <= 4 * limit * max(1, largest),
                "\(run.inverseTemperatureGradient) for \(slope)")
        }
    }

    /// The sizes are no multiples of a vector or a tile.
    @Test("the same bits on any number of workers", arguments: cases) func workersDoNotChangeBits(_ example: Case)
        throws
    {
        for (count, dimension, shards) in [(8 * 37, 3, 8), (8 * 33, 40, 8)] {
            let sets = Self.sets(count, dimension), one = try Self.run(example, sets, shards: shards, workers: 1)
            #expect(
                one.loss.isFinite
                    && (one.secondBatchGradients + [one.firstGradient, one.secondGradient]).allSatisfy {
                        $0.values.contains { $0 != 0 }
                    })
            for workers in [2, 8] {
                #expect(
                    try Self.run(example, sets, shards: shards, workers: workers).equalsBits(of: one),
                    "\(workers) workers")
            }
            #expect(
                try Self.run(example, sets, shards: shards, workers: 4, memory: 0).equalsBits(of: one),
                "recomputed tiles on 4 workers")
        }
    }

    /// One pair has equal encodings, and one negative equals its anchor. The distances have no gradient there.
    @Test(arguments: distances) func equalEncodingsHaveAFiniteGradient(_ distance: LpDistance) throws {
        let sets = Self.sets(32, 5)
        for k in 0..<5 {
            sets[1][k] = sets[0][k]
            sets[2][7 * 5 + k] = sets[0][k]
        }
        let run = try Self.run(
            Case(loss: .lpSimCLR(distance: distance, negatives: .sameModality), similarity: .quadratic, temperature: 1),
            sets, shards: 4, workers: 2)
        let gradients = [run.firstGradient, run.secondGradient] + run.secondBatchGradients
        #expect(run.loss.isFinite && gradients.allSatisfy { $0.values.allSatisfy(\.isFinite) })
    }
}
