import CoupletTensors
import Foundation
import Testing

@Suite struct LBFGSTests {
    /// An ill-conditioned quadratic whose minimum is the solution of A x = b.
    @Test func solvesAQuadratic() throws {
        let n = 30
        let noise = Philox(seed: 2).normals(n * n, .source, number: 1).map(Double.init)
        let factor = Matrix(rows: n, columns: n, elements: noise)
        let a = factor * factor.transposed + 0.1 * .identity(n)
        let b = Philox(seed: 2).normals(n, .source, number: 2).map(Double.init)
        let exact = try a.solve(Matrix(rows: n, columns: 1, elements: b)).elements
        let result = LBFGS().minimize(from: [Double](repeating: 0, count: n)) { x, gradient in
            let ax = (a * Matrix(rows: n, columns: 1, elements: x)).elements
            gradient = zip(ax, b).map(-)
            return zip(x, ax).reduce(0) { $0 + 0.5 * $1.0 * $1.1 } - zip(x, b).reduce(0) { $0 + $1.0 * $1.1 }
        }
        #expect(result.hasConverged)
        for (x, y) in zip(result.point, exact) { #expect(abs(x - y) <= 1e-5 * (1 + abs(y))) }
    }

    /// Rosenbrock's function, whose minimum is (1, 1, …), from its usual start.
    @Test(arguments: [2, 10]) func minimisesRosenbrocksFunction(n: Int) {
        let start = (0..<n).map { $0 % 2 == 0 ? -1.2 : 1.0 }
        let result = LBFGS().minimize(from: start) { x, gradient in
            var value = 0.0
            for i in 0..<n { gradient[i] = 0 }
            for i in stride(from: 0, to: n, by: 2) {
                let t = x[i + 1] - x[i] * x[i], u = 1 - x[i]
                value += 100 * t * t + u * u
                gradient[i] += -400 * t * x[i] - 2 * u
                gradient[i + 1] += 200 * t
            }
            return value
        }
        #expect(result.hasConverged && result.value <= 1e-16)
        #expect(result.point.allSatisfy { abs($0 - 1) <= 1e-7 })
    }

    /// The function is infinite beyond a barrier that the first step crosses.
    @Test func recoversFromInfinity() {
        let result = LBFGS().minimize(from: [0.9]) { x, gradient in
            guard x[0] > 0 else { return .infinity }
            gradient[0] = 50 - 1 / x[0]
            return 50 * x[0] - log(x[0])
        }
        #expect(abs(result.point[0] - 0.02) <= 1e-9)
    }
}
