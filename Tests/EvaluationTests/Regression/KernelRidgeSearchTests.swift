import CoupletEvaluation
import CoupletTensors
import Foundation
import TestSupport
import Testing

@Suite struct KernelRidgeSearchTests {
    /// A naive search: one linear system for each target, plain sums, and LU instead of Cholesky.
    private struct NaiveSearch {
        let fitting: Matrix, scoring: Matrix

        func kernel(_ a: Matrix, _ b: Matrix, _ gamma: Double) -> Matrix {
            RegressionFixture.matrix(a.rows, b.rows) { i, j in
                exp(-gamma * (0..<a.columns).reduce(0) { $0 + (a[i, $1] - b[j, $1]) * (a[i, $1] - b[j, $1]) })
            }
        }

        func rows(_ matrix: Matrix, _ indices: [Int]) -> Matrix {
            RegressionFixture.matrix(indices.count, matrix.columns) { matrix[indices[$0], $1] }
        }

        func score(_ x: Matrix, _ y: Matrix, _ gamma: Double, _ alpha: Double, on inputs: Matrix, _ truth: Matrix)
            throws -> Double
        {
            let dual = try (kernel(x, x, gamma) + alpha * .identity(x.rows)).solve(y)
            let predicted = kernel(inputs, x, gamma) * dual
            var sum = 0.0
            for k in 0..<y.columns {
                let mean = (0..<truth.rows).reduce(0) { $0 + truth[$1, k] } / Double(truth.rows)
                let residual = (0..<truth.rows).reduce(0) { $0 + pow(truth[$1, k] - predicted[$1, k], 2) }
                sum += 1 - residual / (0..<truth.rows).reduce(0) { $0 + pow(truth[$1, k] - mean, 2) }
            }
            return sum / Double(y.columns)
        }

        func search(_ y: Matrix, _ truth: Matrix) throws -> (alpha: Double, gamma: Double, score: Double) {
            let n = fitting.rows, ends = [0, n / 3 + (n % 3 > 0 ? 1 : 0), 2 * (n / 3) + min(n % 3, 2), n]
            var best = (alpha: 0.0, gamma: 0.0, score: -Double.infinity)
            for alpha in [1, 0.1, 0.01, 0.001] {
                for power in [-2, -2.0 / 3, 2.0 / 3, 2] {
                    let gamma = pow(10, power)
                    let mean = try (0..<3).reduce(0.0) { sum, fold in
                        let leftOut = Array(ends[fold]..<ends[fold + 1])
                        let fitted = (0..<n).filter { !leftOut.contains($0) }
                        let foldScore = try score(
                            rows(fitting, fitted), rows(y, fitted), gamma, alpha, on: rows(fitting, leftOut),
                            rows(y, leftOut))
                        return sum + foldScore / 3
                    }
                    if mean > best.score { best = (alpha, gamma, mean) }
                }
            }
            return (best.alpha, best.gamma, try score(fitting, y, best.gamma, best.alpha, on: scoring, truth))
        }
    }

    /// Three targets that select different grid points: smooth, rough, and noise.
    private static func targets(_ x: Matrix, number: UInt64) -> [Matrix] {
        let noise = RegressionFixture.normals(x.rows, 2, number: number)
        return [
            RegressionFixture.matrix(x.rows, 2) { 3 + x[$0, $1] + 0.3 * x[$0, 0] * x[$0, 1] },
            RegressionFixture.matrix(x.rows, 1) { i, _ in sin(4 * x[i, 0]) + 0.1 * noise[i, 0] },
            noise,
        ]
    }

    @Test func matchesNaiveSearch() throws {
        let x = RegressionFixture.normals(61, 2, number: 1), scoringInputs = RegressionFixture.normals(40, 2, number: 2)
        let fitted = Self.targets(x, number: 3), scored = Self.targets(scoringInputs, number: 4)
        let task = RegressionTask(
            fitting: x, scoring: scoringInputs, targets: zip(fitted, scored).map { .init(fitting: $0, scoring: $1) })
        let naive = NaiveSearch(fitting: task.fitting, scoring: task.scoring)
        let found = try runWorkers(2) { try KernelRidgeSearch(tasks: [task]).run(DistributedMap($0)) }[0]
        for (outcome, (y, truth)) in zip(found, zip(fitted, scored)) {
            let expected = try naive.search(y, truth)
            #expect(
                outcome.choice.penalty == expected.alpha
                    && abs(outcome.choice.width - expected.gamma) <= 1e-12 * expected.gamma)
            #expect(abs(outcome.score - expected.score) <= 1e-9, "\(outcome) and \(expected)")
        }
        #expect(Set(found.map(\.choice)).count == 3)
    }

    @Test func foldsAreConsecutive() {
        let folds = CrossValidationFolds(samples: 11)
        #expect((0..<3).map(folds.leftOut) == [0..<4, 4..<8, 8..<11])
        #expect((0..<3).map(CrossValidationFolds(samples: 4_096).leftOut) == [0..<1_366, 1_366..<2_731, 2_731..<4_096])
    }
}
