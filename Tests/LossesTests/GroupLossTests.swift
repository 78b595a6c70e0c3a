import CoupletLosses
import CoupletTensors
import Foundation
import Testing

/// Pairs of one group as positives, or left out: against the formulas in Double and their central differences.
@Suite struct GroupLossTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let loss: any Loss, treatment: GroupTreatment, similarity: Similarity
        /// Whether pairs of other groups with an equal sample are left out.
        var excludesEqual = false
        var testDescription: String {
            "\(loss.title) \(treatment) \(similarity)\(excludesEqual ? " without equal samples" : "")"
        }
    }

    static let losses: [any Loss] = [
        .conditional(first: 0.5, second: 0.5), .conditional(first: 1, second: 0), .conditional(first: 0.3, second: 0.9),
        .decoupled(first: 0.4, second: 0.6), .joint, .jointOffDiagonal, .sigmoid, .ntXent,
        .lpSimCLR(distance: LpDistance(order: .one), negatives: .otherModality), .lpSimCLR(), SeveralPositivesLoss(),
        SquaredHingeLoss(margin: 0.5), LogisticLoss(), AnchorEntropyLoss(),
    ]

    static let cases = losses.flatMap { loss in
        GroupTreatment.allCases.filter { $0 != .ignore && loss.problem(of: $0) == nil }.flatMap { treatment in
            (loss.usesSimilarity ? Similarity.allCases : [.quadratic]).map {
                Case(loss: loss, treatment: treatment, similarity: $0)
            }
        }
    }

    /// The same with equal samples left out, and with these alone.
    static let equalCases = losses.filter { $0.problem(ofEqualSamples: .excluded) == nil }.flatMap { loss in
        GroupTreatment.allCases.filter { loss.problem(of: $0) == nil }.flatMap { treatment in
            (loss.usesSimilarity ? [Similarity.innerProduct, .quadratic] : [.quadratic]).map {
                Case(loss: loss, treatment: treatment, similarity: $0, excludesEqual: true)
            }
        }
    }

    /// Equal samples of N pairs: of neighbours, of many pairs, of one modality only, numbers beyond Int32, all equal.
    static func samples(_ count: Int, _ pattern: Int) -> SampleRows {
        let rows = 0..<count
        return switch pattern % 5 {
        case 0: SampleRows(first: rows.map { $0 / 4 }, second: rows.map { $0 % 5 == 0 ? 0 : 10 + $0 })
        case 1: SampleRows(first: rows.map { $0 }, second: rows.map { $0 % 4 == 0 ? -1 : $0 * $0 % 7 })
        case 2: SampleRows(first: rows.map { ($0 % 3) << 40 }, second: rows.map { $0 / 2 })
        case 3: SampleRows(first: rows.map { $0 % 2 == 0 ? 7 : 1000 + $0 }, second: rows.map { -1 - $0 })
        default: SampleRows(first: rows.map { _ in 3 }, second: rows.map { $0 })
        }
    }

    /// Groups of N pairs: a few classes, captions, pairs without a group, one large group and single pairs, numbers
    /// beyond Int32, all of one group.
    static func patterns(_ count: Int) -> [[Int]] {
        [
            (0..<count).map { $0 % 3 }, (0..<count).map { $0 / 5 }, (0..<count).map { $0 % 3 == 0 ? -1 : $0 % 7 },
            (0..<count).map { $0 % 2 == 0 ? 4 : 1000 + $0 }, (0..<count).map { ($0 * $0 % 6) << 40 },
            [Int](repeating: 9, count: count),
        ]
    }

    // MARK: - Twin

    /// A batch in Double, and a second batch for a loss that takes one.
    struct Batch {
        /// u and v, then u and v of the second batch.
        var sets: [[[Double]]]
        var groups: [Int], secondGroups: [Int]
        var samples: SampleRows?, secondSamples: SampleRows?
        var temperature: Double, bias: Double

        /// The loss as the papers write it.
        func value(_ example: Case) -> Double {
            let (u, v) = (sets[0], sets[1]), n = u.count
            func isSame(_ a: Int, _ b: Int) -> Bool { a >= 0 && a == b }
            func same(_ i: Int, _ j: Int) -> Bool { i == j || isSame(groups[i], groups[j]) }
            /// Whether pair i and a pair of the same or the second batch have an equal sample.
            func hasEqual(_ i: Int, _ j: Int, _ other: SampleRows?) -> Bool {
                guard let samples, let other else { return false }
                return isSame(samples.first[i], other.first[j]) || isSame(samples.second[i], other.second[j])
            }
            /// Whether the sums leave out another pair because of an equal sample.
            func equal(_ i: Int, _ j: Int) -> Bool { !same(i, j) && hasEqual(i, j, samples) }
            let positives = example.treatment == .positives, excluded = example.treatment == .excluded
            func s(_ g: [Double], _ h: [Double]) -> Double { Self.score(example, g, h) / temperature }
            func logSumExp(_ x: [Double]) -> Double {
                let largest = x.max() ?? -.infinity
                return largest + log(x.reduce(0) { $0 + exp($1 - largest) })
            }
            /// The cross entropies of the rows of a score matrix.
            func rows(_ score: (Int, Int) -> Double, withoutPositives: Bool) -> Double {
                (0..<n).reduce(0) { sum, i in
                    let answers = (0..<n).filter { positives ? same(i, $0) : $0 == i }
                    let others = (0..<n).filter { j in
                        !equal(i, j) && (withoutPositives ? !same(i, j) : !(excluded && same(i, j) && i != j))
                    }
                    if others.isEmpty { return sum }
                    let total = logSumExp(others.map { score(i, $0) })
                    return sum - answers.reduce(0) { $0 + score(i, $1) - total } / Double(answers.count) / Double(n)
                }
            }
            func byRow(_ i: Int, _ j: Int) -> Double { s(u[i], v[j]) }
            func byColumn(_ i: Int, _ j: Int) -> Double { s(u[j], v[i]) }
            func joint(withoutPositives: Bool) -> Double {
                var terms: [Double] = [], mean = 0.0
                for i in 0..<n {
                    let answers = (0..<n).filter { positives ? same(i, $0) : $0 == i }
                    mean += answers.reduce(0) { $0 + byRow(i, $1) } / Double(answers.count) / Double(n)
                    for j in 0..<n
                    where !equal(i, j) && (withoutPositives ? !same(i, j) : !(excluded && same(i, j) && i != j)) {
                        terms.append(byRow(i, j))
                    }
                }
                return terms.isEmpty ? 0 : logSumExp(terms) - log(Double(terms.count)) - mean
            }
            func pairwise(_ term: (Double, Bool) -> Double) -> Double {
                (0..<n).reduce(0) { sum, i in
                    (0..<n).reduce(sum) { sum, j in
                        if excluded && i != j && same(i, j) || equal(i, j) { return sum }
                        return sum + term(byRow(i, j) + bias, positives ? same(i, j) : i == j) / Double(n)
                    }
                }
            }
            func logistic(_ x: Double, _ isPositive: Bool) -> Double {
                let y = isPositive ? -x : x
                return max(y, 0) + log1p(exp(-abs(y)))
            }
            switch example.loss {
            case let loss as ConditionalLoss:
                return loss.directions.second * rows(byRow, withoutPositives: false) + loss.directions.first
                    * rows(byColumn, withoutPositives: false)
            case let loss as DecoupledLoss:
                return loss.directions.second * rows(byRow, withoutPositives: true) + loss.directions.first
                    * rows(byColumn, withoutPositives: true)
            case is SeveralPositivesLoss: return rows(byRow, withoutPositives: false)
            case is AnchorEntropyLoss:
                return 0.5 * (rows(byRow, withoutPositives: false) + rows(byColumn, withoutPositives: false))
                    - log(Double(n))
            case is JointLoss: return joint(withoutPositives: false)
            case is JointOffDiagonalLoss: return joint(withoutPositives: true)
            case is SigmoidLoss, is LogisticLoss: return pairwise(logistic)
            case let loss as SquaredHingeLoss:
                return pairwise { x, isPositive in
                    let distance = max(0, loss.margin - (isPositive ? x : -x))
                    return 0.5 * distance * distance
                }
            case is NTXentLoss:
                let all = u + v
                return (0..<2 * n).reduce(0) { sum, a in
                    let partner = (a + n) % (2 * n), i = a % n
                    let answers = (0..<2 * n).filter { $0 != a && (positives ? same(i, $0 % n) : $0 == partner) }
                    let others = (0..<2 * n).filter {
                        $0 != a && !equal(i, $0 % n) && !(excluded && same(i, $0 % n) && $0 != partner)
                    }
                    let total = logSumExp(others.map { s(all[a], all[$0]) })
                    return sum - answers.reduce(0) { $0 + s(all[a], all[$1]) - total } / Double(answers.count)
                        / Double(2 * n)
                }
            case let loss as LpSimCLRLoss where loss.negatives == .otherModality:
                return 0.5 * (rows(byRow, withoutPositives: false) + rows(byColumn, withoutPositives: false))
                    - log(Double(n))
            default:
                return (0..<2).reduce(0) { sum, side in
                    (0..<n).reduce(sum) { sum, i in
                        let others = (0..<n).filter {
                            !isSame(groups[i], secondGroups[$0]) && !hasEqual(i, $0, secondSamples)
                        }
                        let total = logSumExp(
                            [s(u[i], v[i])] + others.map { s(sets[side][i], sets[side + 2][$0]) })
                        return sum + 0.5 * (total - s(u[i], v[i]) - log(Double(n + 1))) / Double(n)
                    }
                }
            }
        }

        private static func score(_ example: Case, _ g: [Double], _ h: [Double]) -> Double {
            func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
            if let loss = example.loss as? LpSimCLRLoss {
                return -zip(g, h).reduce(0) {
                    $0 + (loss.anchorDistance.order == .one ? abs($1.0 - $1.1) : ($1.0 - $1.1) * ($1.0 - $1.1))
                }
            }
            switch example.similarity {
            case .innerProduct: return dot(g, h)
            case .cosine: return dot(g, h) / (dot(g, g) * dot(h, h)).squareRoot()
            case .quadratic: return -0.5 * zip(g, h).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            }
        }
    }

    /// (f(x + h) - f(x - h)) / 2h for the number that `path` selects.
    private static func difference(_ example: Case, _ batch: Batch, _ path: WritableKeyPath<Batch, Double>) -> Double {
        let step = 1e-5
        var (up, down) = (batch, batch)
        up[keyPath: path] += step
        down[keyPath: path] -= step
        return (up.value(example) - down.value(example)) / (2 * step)
    }

    @Test("loss and gradients equal the formulas and their differences", arguments: cases + equalCases)
    func equalsTwin(_ example: Case) throws {
        for (count, dimension, shards) in [(16, 3, 2), (20, 9, 4)] {
            let all = PairwiseEngineTests.encodings(count, dimension, seed: UInt64(count))
            let other = PairwiseEngineTests.encodings(count, dimension, seed: UInt64(100 + count))
            let sets = [all.0, all.1, other.0, other.1], bias = example.loss.usesBias ? -0.7 : 0
            for (number, groups) in Self.patterns(count).enumerated() {
                let isIgnored = example.treatment == .ignore, none = [Int](repeating: -1, count: count)
                let groups = isIgnored ? none : groups
                let secondGroups = Array(groups.reversed()), temperature = 0.6
                let samples = example.excludesEqual ? Self.samples(count, number) : nil
                let secondSamples = example.excludesEqual ? Self.samples(count, number + 1) : nil
                let batch = Batch(
                    sets: sets.map(PairwiseEngineTests.rows), groups: groups, secondGroups: secondGroups,
                    samples: samples, secondSamples: secondSamples, temperature: temperature, bias: bias)
                let exact = batch.value(example), slope = Self.difference(example, batch, \.temperature)
                let numeric = (0..<(example.loss.usesSecondBatch ? 4 : 2)).map { side in
                    (0..<count).map { i in
                        (0..<dimension).map { k in Self.difference(example, batch, \.sets[side][i][k]) }
                    }
                }
                for memory in [0, 1 << 24] {
                    let result = try EngineRun(
                        first: sets[0], second: sets[1], shards: shards, similarity: example.similarity,
                        loss: example.loss, temperature: temperature, tileMemory: memory, workers: 1, bias: bias,
                        secondBatch: example.loss.usesSecondBatch ? (sets[2], sets[3]) : nil,
                        treatment: example.treatment, groups: isIgnored ? nil : groups,
                        secondBatchGroups: example.loss.usesSecondBatch && !isIgnored ? secondGroups : nil,
                        samples: samples, secondBatchSamples: example.loss.usesSecondBatch ? secondSamples : nil)
                    #expect(abs(result.loss - exact) <= 3e-6 * max(1, abs(exact)), "pattern \(number)")
                    #expect(abs(result.meanPairLoss - result.loss) <= 1e-9 * max(1, abs(exact)))
                    #expect(
                        abs(result.inverseTemperatureGradient + temperature * slope) <= 1e-4 * max(1, abs(slope)))
                    if example.loss.usesBias {
                        #expect(abs(result.biasGradient - Self.difference(example, batch, \.bias)) <= 2e-5)
                    }
                    let gradients = [result.firstGradient, result.secondGradient] + result.secondBatchGradients
                    for (side, gradient) in gradients.enumerated() {
                        let largest = numeric[side].joined().map { abs($0) }.max()!
                        for i in 0..<count {
                            for k in 0..<dimension {
                                #expect(
                                    abs(Double(gradient[i * dimension + k]) - numeric[side][i][k])
                                        <= 2e-5 * max(largest, 1e-2), "pattern \(number) side \(side) row \(i)")
                            }
                        }
                    }
                }
            }
        }
    }

    // MARK: - Bits

    static let workerCases = cases.filter { $0.similarity != .cosine }
    static let equalWorkerCases = equalCases.filter { $0.similarity == .quadratic }

    @Test("the same bits on any number of workers", arguments: workerCases + equalWorkerCases)
    func workersDoNotChangeBits(_ example: Case) throws {
        for (count, dimension, shards) in [(8 * 37, 3, 8), (8 * 33, 40, 8)] {
            let all = PairwiseEngineTests.encodings(count, dimension, seed: UInt64(dimension))
            let other = PairwiseEngineTests.encodings(count, dimension, seed: 7)
            for (number, groups) in Self.patterns(count).enumerated() {
                let isIgnored = example.treatment == .ignore
                let samples = example.excludesEqual ? Self.samples(count, number) : nil
                for temperature in [0.005, 1] {
                    func run(workers: Int, memory: Int) throws -> EngineRun {
                        try EngineRun(
                            first: all.0, second: all.1, shards: shards, similarity: example.similarity,
                            loss: example.loss, temperature: temperature, tileMemory: memory, workers: workers,
                            bias: example.loss.usesBias ? -1 : 0,
                            secondBatch: example.loss.usesSecondBatch ? other : nil, treatment: example.treatment,
                            groups: isIgnored ? nil : groups,
                            secondBatchGroups: example.loss.usesSecondBatch && !isIgnored ? groups : nil,
                            samples: samples, secondBatchSamples: example.loss.usesSecondBatch ? samples : nil)
                    }
                    let one = try run(workers: 1, memory: 1 << 24)
                    #expect(one.loss.isFinite && one.firstGradient.values.allSatisfy(\.isFinite))
                    for workers in [2, 4, 8] {
                        #expect(try run(workers: workers, memory: 1 << 24).equalsBits(of: one), "\(workers) workers")
                    }
                    #expect(try run(workers: 4, memory: 0).equalsBits(of: one), "recomputed tiles on 4 workers")
                }
            }
        }
    }

    /// Samples that are all different are as if equal samples were ignored, bit for bit.
    @Test(arguments: equalWorkerCases) func differentSamples(_ example: Case) throws {
        let count = 4 * 37, isIgnored = example.treatment == .ignore, groups = (0..<count).map { $0 / 3 }
        for dimension in [3, 40] {
            let all = PairwiseEngineTests.encodings(count, dimension, seed: 5)
            let other = PairwiseEngineTests.encodings(count, dimension, seed: 6)
            func run(_ samples: SampleRows?, _ second: SampleRows?) throws -> EngineRun {
                try EngineRun(
                    first: all.0, second: all.1, shards: 4, similarity: example.similarity, loss: example.loss,
                    temperature: 0.3, tileMemory: 1 << 20, workers: 2, bias: example.loss.usesBias ? -1 : 0,
                    secondBatch: example.loss.usesSecondBatch ? other : nil, treatment: example.treatment,
                    groups: isIgnored ? nil : groups,
                    secondBatchGroups: example.loss.usesSecondBatch && !isIgnored ? groups : nil, samples: samples,
                    secondBatchSamples: example.loss.usesSecondBatch ? second : nil)
            }
            let rows = Array(0..<count), others = Array(count..<2 * count), none = rows.map { _ in -1 }
            let ignored = try run(nil, nil)
            #expect(
                try run(SampleRows(first: rows, second: others), SampleRows(first: others, second: rows))
                    .equalsBits(of: ignored))
            let unknown = SampleRows(first: none, second: none)
            #expect(try run(unknown, unknown).equalsBits(of: ignored))
        }
    }

    /// Groups of one pair, and no groups at all, are as if groups were ignored, bit for bit.
    @Test(arguments: workerCases) func singlePairs(_ example: Case) throws {
        for dimension in [3, 40] {
            let count = 4 * 37, all = PairwiseEngineTests.encodings(count, dimension, seed: 5)
            let other = PairwiseEngineTests.encodings(count, dimension, seed: 6)
            func run(_ treatment: GroupTreatment, _ groups: [Int]?, _ second: [Int]?) throws -> EngineRun {
                try EngineRun(
                    first: all.0, second: all.1, shards: 4, similarity: example.similarity, loss: example.loss,
                    temperature: 0.3, tileMemory: 1 << 20, workers: 2, bias: example.loss.usesBias ? -1 : 0,
                    secondBatch: example.loss.usesSecondBatch ? other : nil, treatment: treatment, groups: groups,
                    secondBatchGroups: example.loss.usesSecondBatch ? second : nil)
            }
            let ignored = try run(.ignore, nil, nil)
            let none = [Int](repeating: -1, count: count)
            #expect(try run(example.treatment, none, none).equalsBits(of: ignored))
            if !(example.loss is any PairwiseLoss) {
                let single = try run(example.treatment, Array(0..<count), Array(count..<2 * count))
                #expect(single.equalsBits(of: ignored))
            }
        }
    }

    /// Without a negative there is nothing to learn.
    @Test func allPairsOfOneGroupExcluded() throws {
        let (first, second) = PairwiseEngineTests.encodings(64, 12, seed: 4)
        let losses: [any Loss] = [
            .conditional(first: 0.5, second: 0.5), .decoupled(first: 0.5, second: 0.5), .jointOffDiagonal,
        ]
        for loss in losses {
            let result = try EngineRun(
                first: first, second: second, shards: 4, similarity: .innerProduct, loss: loss, temperature: 0.1,
                tileMemory: 0, workers: 2, treatment: .excluded, groups: [Int](repeating: 3, count: 64))
            #expect(result.loss == 0)
            #expect((result.firstGradient.values + result.secondGradient.values).allSatisfy { $0 == 0 })
        }
    }

    /// More groups than bits in a set of codes, in tiles of several columns ranges.
    @Test func manyGroups() throws {
        let count = 1 << 15, (first, second) = PairwiseEngineTests.encodings(count, 1, seed: 4, length: 0.1)
        let groups = (0..<count).map { $0 % (count - 3) }
        let result = try EngineRun(
            first: first, second: second, shards: 16, similarity: .innerProduct,
            loss: .conditional(first: 0, second: 1),
            temperature: 1, tileMemory: 0, workers: 1, treatment: .positives, groups: groups)
        var exact = 0.0
        for i in [0, 1, 2, count - 3, count - 2, count - 1] {
            let other = i < 3 ? i + count - 3 : i + 3 - count
            exact += Double(first[i]) * 0.5 * (Double(second[i]) - Double(second[other]))
        }
        let plain = try EngineRun(
            first: first, second: second, shards: 16, similarity: .innerProduct,
            loss: .conditional(first: 0, second: 1),
            temperature: 1, tileMemory: 0, workers: 1)
        #expect(abs(result.loss - plain.loss - exact / Double(count)) <= 1e-9)
    }

    // MARK: - Refusals

    @Test func lossesWithoutNegativesRefuseGroups() {
        let kernel: any Loss = .maximumMeanDiscrepancy(first: 0.5, second: 0.5)
        #expect(
            kernel.problem(of: .positives)
                == "wanted ignore for the loss mmd: it has no sum over several positives; found positives")
        #expect(
            kernel.problem(of: .excluded)
                == "wanted ignore for the loss mmd: it has no negatives that it could leave out; found excluded")
        let distances: any Loss = .lpSimCLR()
        #expect(
            distances.problem(of: .positives)
                == "wanted ignore or excluded for the loss lp_simclr: its batch has one positive for each encoding, "
                + "whatever the groups; found positives")
        #expect(distances.problem(of: .excluded) == nil && kernel.problem(of: .ignore) == nil)
        #expect(AnchorEntropyLoss().problem(of: .positives) != nil)
    }
}
