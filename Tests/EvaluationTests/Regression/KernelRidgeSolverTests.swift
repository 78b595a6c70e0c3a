import CoupletEvaluation
import CoupletTensors
import Foundation
import Testing

@Suite struct KernelRidgeSolverTests {
    /// The low-rank and the iterative method give the predictions of the direct one.
    @Test(arguments: [(KernelRidgeSolver.Method.lowRank, 0.01), (.iterative, 100), (.iterative, 0.2)])
    func allMethodsSolveTheSameSystem(_ method: KernelRidgeSolver.Method, _ width: Double) throws {
        let x = RegressionFixture.normals(240, 3, number: 6), points = KernelPoints(x),
            y = RegressionFixture.normals(4, 240, number: 7)
        let solver = try KernelRidgeSolver(), queries = KernelPoints(RegressionFixture.normals(50, 3, number: 8))
        let direct = try solver.solve(points, width: width, penalties: KernelRidgeSearch.penalties, y, by: .direct)
        let found = try solver.solve(points, width: width, penalties: KernelRidgeSearch.penalties, y, by: method)
        for (a, b) in zip(direct, found) {
            let difference = RegressionFixture.largestDifference(
                points.predict(queries, width: width, a), points.predict(queries, width: width, b))
            #expect(difference <= 1e-7, "\(difference)")
        }
        // The direct result solves the system.
        let kernel = RegressionFixture.matrix(240, 240) { i, j in
            exp(-width * (0..<3).reduce(0) { $0 + pow(x[i, $1] - x[j, $1], 2) }) + (i == j ? 0.1 : 0)
        }
        #expect(RegressionFixture.largestDifference(direct[1] * kernel, y) <= 1e-9)
    }

    @Test func widthDeterminesTheMethod() throws {
        let points = KernelPoints(RegressionFixture.normals(1_536, 5, number: 9)), solver = try KernelRidgeSolver()
        let methods = try KernelRidgeSearch.widths.map { try solver.method(points, width: $0) }
        #expect(methods == [.lowRank, .direct, .direct, .iterative])
        #expect(try solver.method(KernelPoints(RegressionFixture.normals(100, 5, number: 9)), width: 0.01) == .direct)
    }

    /// Compares the kernel with the C library's exponential, over the whole range and at the ends of the kernel's
    /// blocks.
    @Test func kernelMatchesTheExponential() {
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
}
