import CoupletEvaluation
import CoupletTensors
import Foundation
import TestSupport
import Testing

@Suite struct LinearProbeTests {
    /// Three overlapping classes, one of them rare, and encodings with a constant column.
    private struct Problem {
        let count = 150, width = 4
        let encodings: [[Float]], labels: [Int]

        init() {
            let philox = Philox(seed: 21)
            let labels = (0..<150).map { $0 % 7 == 0 ? 9 : $0 % 2 == 0 ? 2 : -3 }
            encodings = labels.indices.map { i in
                let noise = philox.normals(3, .evaluation, number: UInt64(i))
                let center: [Float] = labels[i] == 9 ? [1, 5, 0] : labels[i] == 2 ? [-1, 5, 1] : [0, 7, -0.5]
                return zip(center, noise).map { $0 + 1.3 * $1 } + [0.1]
            }
            self.labels = labels
        }

        func fit(penalty: Double, workers: Int = 1) throws -> (probe: LinearProbe, top1: Double, logLoss: Double) {
            let shards = SampleShards(samples: count, minimum: 8), (allEncodings, allLabels) = (encodings, labels)
            return try runWorkers(workers) { communicator in
                let localLabels = shards.shards(of: communicator.rank, workers: communicator.size).flatMap {
                    shards.samples(of: $0).map { allLabels[$0] }
                }
                let rows = ShardedEncoding(shards).run(rank: communicator.rank, workers: communicator.size, widths: [4])
                { numbers, outputs in
                    outputs[0].copy(from: Tensor([numbers.count, 4], numbers.flatMap { allEncodings[Int($0)] }))
                }[0]
                let probe = try LinearProbe(
                    rows, labels: localLabels, penalty: penalty, shards: shards, communicator: communicator)
                let (top1, logLoss, _) = try probe.evaluate(
                    rows, labels: localLabels, shards: shards, communicator: communicator)
                return (probe, top1, logLoss)
            }
        }

        /// Fits by plain gradient descent on standardised features.
        func gradientDescent(penalty: Double, steps: Int) -> (top1: Double, logLoss: Double) {
            let names = [-3, 2, 9], n = Double(count)
            let columns = (0..<3).map { k in encodings.map { Double($0[k]) } }
            let features = columns.map { column -> [Double] in
                let mean = column.reduce(0, +) / n,
                    deviation = (column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n).squareRoot()
                return column.map { ($0 - mean) / deviation }
            }
            var weights = [[Double]](repeating: [0, 0, 0, 0], count: 3)
            func probabilities(_ i: Int) -> [Double] {
                let scores = weights.map { w in exp(w[3] + (0..<3).reduce(0) { $0 + w[$1] * features[$1][i] }) }
                return scores.map { $0 / scores.reduce(0, +) }
            }
            for _ in 0..<steps {
                var gradient = weights.map { w in [penalty * w[0], penalty * w[1], penalty * w[2], 0] }
                for i in 0..<count {
                    let p = probabilities(i)
                    for c in 0..<3 {
                        let slope = p[c] - (names[c] == labels[i] ? 1 : 0)
                        for k in 0..<3 { gradient[c][k] += slope * features[k][i] }
                        gradient[c][3] += slope
                    }
                }
                for c in 0..<3 { for k in 0..<4 { weights[c][k] -= 0.5 / n * gradient[c][k] } }
            }
            let all = (0..<count).map(probabilities),
                correct = (0..<count).map { all[$0][names.firstIndex(of: labels[$0])!] }
            return (
                Double((0..<count).count { correct[$0] == all[$0].max() }) / n,
                correct.reduce(0) { $0 - log($1) } / n
            )
        }
    }

    @Test(arguments: [0.3, 10, 400])
    func matchesGradientDescent(_ penalty: Double) throws {
        let problem = Problem(), found = try problem.fit(penalty: penalty)
        let naive = problem.gradientDescent(penalty: penalty, steps: 4_000)
        #expect(found.probe.hasConverged && found.probe.classes == [-3, 2, 9] && found.probe.trainingCount == 150)
        #expect(abs(found.logLoss - naive.logLoss) <= 1e-6, "\(found.logLoss) and \(naive.logLoss)")
        #expect(found.top1 == naive.top1)
        #expect(found.top1 > 0.5 && found.top1 < 1)
    }

    /// A heavy penalty leaves the intercepts only, so the log loss is the entropy of the labels.
    @Test func heavyPenaltyLeavesTheFrequencies() throws {
        let problem = Problem(), found = try problem.fit(penalty: 1e9)
        let frequencies = Dictionary(grouping: problem.labels) { $0 }.values.map { Double($0.count) / 150 }
        #expect(abs(found.logLoss - frequencies.reduce(0) { $0 - $1 * log($1) }) <= 1e-6)
    }

    @Test func bitsDoNotDependOnTheNumberOfWorkers() throws {
        let problem = Problem(), one = try problem.fit(penalty: 1)
        for workers in [2, 3, 5, 7, 8] {
            let many = try problem.fit(penalty: 1, workers: workers)
            #expect(many.logLoss.bitPattern == one.logLoss.bitPattern && many.top1 == one.top1)
            #expect(many.probe.iterations == one.probe.iterations)
        }
    }

    @Test func unseenClassHasNoProbability() throws {
        let result = try runWorkers(1) { communicator in
            let shards = SampleShards(samples: 4, minimum: 1), rows = Tensor([16, 1])
            for (row, value) in [-1, -2, 1, 2].enumerated() { rows[row] = Float(value) }
            let probe = try LinearProbe(
                rows, labels: [0, 0, 1, 1], penalty: 1, shards: shards, communicator: communicator)
            return try [[0, 0, 1, 7], [0, -1, 1, -1]].map {
                try probe.evaluate(rows, labels: $0, shards: shards, communicator: communicator)
            }
        }
        #expect(result[0].top1 == 0.75 && result[0].logLoss == .infinity && result[0].count == 4)
        #expect(result[1].top1 == 1 && result[1].logLoss.isFinite && result[1].count == 2)
    }
}
