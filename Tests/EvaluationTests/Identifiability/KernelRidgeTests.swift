import CoupletEvaluation
import CoupletTensors
import Foundation
import Testing

@Suite struct KernelRidgeTests {
    /// The whole search, written down a second time: one system a target, plain sums, LU in place of Cholesky.
    private struct Twin {
        let fitting: Matrix, scoring: Matrix

        func kernel(_ a: Matrix, _ b: Matrix, _ gamma: Double) -> Matrix {
            RegressionFixture.matrix(a.rows, b.rows) { i, j in
                exp(-gamma * (0..<a.columns).reduce(0) { $0 + (a[i, $1] - b[j, $1]) * (a[i, $1] - b[j, $1]) })
            }
        }

        func rows(_ matrix: Matrix, _ places: [Int]) -> Matrix {
            RegressionFixture.matrix(places.count, matrix.columns) { matrix[places[$0], $1] }
        }

        func score(_ x: Matrix, _ y: Matrix, _ gamma: Double, _ alpha: Double, on others: Matrix, _ truth: Matrix)
            throws -> Double
        {
            let dual = try (kernel(x, x, gamma) + alpha * .identity(x.rows)).solve(y)
            let predicted = kernel(others, x, gamma) * dual
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
                        let out = Array(ends[fold]..<ends[fold + 1]), kept = (0..<n).filter { !out.contains($0) }
                        return sum
                            + (try score(
                                rows(fitting, kept), rows(y, kept), gamma, alpha, on: rows(fitting, out), rows(y, out)))
                            / 3
                    }
                    if mean > best.score { best = (alpha, gamma, mean) }
                }
            }
            return (best.alpha, best.gamma, try score(fitting, y, best.gamma, best.alpha, on: scoring, truth))
        }
    }

    /// Three targets of which each chooses otherwise: smooth, rough, and noise.
    private static func targets(_ x: Matrix, number: UInt64) -> [Matrix] {
        let noise = RegressionFixture.normals(x.rows, 2, number: number)
        return [
            RegressionFixture.matrix(x.rows, 2) { 3 + x[$0, $1] + 0.3 * x[$0, 0] * x[$0, 1] },
            RegressionFixture.matrix(x.rows, 1) { i, _ in sin(4 * x[i, 0]) + 0.1 * noise[i, 0] },
            noise,
        ]
    }

    @Test func itFindsWhatTheTwinFinds() throws {
        let x = RegressionFixture.normals(61, 2, number: 1), others = RegressionFixture.normals(40, 2, number: 2)
        let fitted = Self.targets(x, number: 3), scored = Self.targets(others, number: 4)
        let task = RegressionTask(
            fitting: x, scoring: others, targets: zip(fitted, scored).map { .init(fitting: $0, scoring: $1) })
        let twin = Twin(fitting: task.fitting, scoring: task.scoring)
        let found = try inWorkers(2) { try KernelRidgeSearch(tasks: [task]).run(DistributedMap($0)) }[0]
        for (outcome, (y, truth)) in zip(found, zip(fitted, scored)) {
            let expected = try twin.search(y, truth)
            #expect(
                outcome.choice.penalty == expected.alpha
                    && abs(outcome.choice.width - expected.gamma) <= 1e-12 * expected.gamma)
            #expect(abs(outcome.score - expected.score) <= 1e-9, "\(outcome) and \(expected)")
        }
        #expect(Set(found.map(\.choice)).count == 3)
    }

    /// What low rank and conjugate gradients give is what Cholesky gives.
    @Test(arguments: [(KernelRidgeSolver.Method.lowRank, 0.01), (.iterative, 100), (.iterative, 0.2)])
    func everyMethodSolvesTheSameSystem(_ method: KernelRidgeSolver.Method, _ width: Double) throws {
        let x = RegressionFixture.normals(240, 3, number: 6), points = KernelPoints(x),
            y = RegressionFixture.normals(4, 240, number: 7)
        let solver = KernelRidgeSolver(), others = KernelPoints(RegressionFixture.normals(50, 3, number: 8))
        let direct = try solver.solve(points, width: width, penalties: KernelRidgeSearch.penalties, y, by: .direct)
        let found = try solver.solve(points, width: width, penalties: KernelRidgeSearch.penalties, y, by: method)
        for (a, b) in zip(direct, found) {
            let difference = RegressionFixture.largestDifference(
                points.predict(others, width: width, a), points.predict(others, width: width, b))
            #expect(difference <= 1e-7, "\(difference)")
        }
        // And that is the solution.
        let kernel = RegressionFixture.matrix(240, 240) { i, j in
            exp(-width * (0..<3).reduce(0) { $0 + pow(x[i, $1] - x[j, $1], 2) }) + (i == j ? 0.1 : 0)
        }
        #expect(RegressionFixture.largestDifference(direct[1] * kernel, y) <= 1e-9)
    }

    @Test func theMethodFollowsTheWidth() throws {
        let points = KernelPoints(RegressionFixture.normals(1_536, 5, number: 9)), solver = KernelRidgeSolver()
        let methods = try KernelRidgeSearch.widths.map { try solver.method(points, width: $0) }
        #expect(methods == [.lowRank, .direct, .direct, .iterative])
        #expect(try solver.method(KernelPoints(RegressionFixture.normals(100, 5, number: 9)), width: 0.01) == .direct)
    }

    /// Against the C library's exponential, over the whole range and at the places where blocks of points begin and end.
    @Test func theKernelIsTheExponential() {
        let count = 199
        let points = RegressionFixture.matrix(count, 2) { i, k in k == 0 ? Double(i) * 0.053 : 0.3 }
        let set = KernelPoints(points), one = KernelPoints(Matrix(rows: 1, columns: 2, elements: [0, -0.4]))
        var worst = 0.0, zeros = 0
        for wanted in [1, 63, 64, 65, count] {
            var entries = [Double](repeating: .nan, count: wanted)
            entries.withUnsafeMutableBufferPointer { set.kernel(one, 0, width: 0.9, into: $0) }
            for (j, entry) in entries.enumerated() {
                let power = -0.9 * (points[j, 0] * points[j, 0] + 0.49), exact = exp(power)
                if exact < 1e-40 {
                    zeros += entry == 0 ? 1 : 0
                } else {
                    worst = max(worst, abs(entry / exact - 1) / (1 - power))
                }
            }
        }
        #expect(worst <= 2e-15, "\(worst)")
        #expect(zeros == (0..<count).count { exp(-0.9 * (points[$0, 0] * points[$0, 0] + 0.49)) < 1e-40 })
    }

    @Test func foldsAreCutAsTheyLie() {
        let folds = CrossValidationFolds(samples: 11)
        #expect((0..<3).map(folds.leftOut) == [0..<4, 4..<8, 8..<11] && (0..<3).map(folds.fitted) == [7, 7, 8])
        #expect((0..<3).map(CrossValidationFolds(samples: 4_096).leftOut) == [0..<1_366, 1_366..<2_731, 2_731..<4_096])
    }
}
