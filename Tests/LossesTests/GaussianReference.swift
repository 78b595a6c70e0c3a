import CoupletLosses
import CoupletTensors
import Glibc
import TestSupport

/// Population losses of Gaussian pairs, computed without the closed forms under test: by quadrature for one canonical
/// pair, and by Gaussian integrals for whole encoders. Also a minimiser that uses only function values.
enum GaussianReference {
    /// The loss of one pair of standard normal numbers with this correlation, for any score S(u, v).
    ///
    /// All expectations are sums over a grid (the trapezoidal rule); for these integrands its error is below the
    /// rounding error.
    static func quadratureLoss(_ loss: any Loss, correlation: Double, score: (Double, Double) -> Double) -> Double {
        let step = 0.2, grid = (-80...80).map { Double($0) * step }
        let weight = grid.map { exp(-0.5 * $0 * $0) * step / (2 * Double.pi).squareRoot() }
        func expectation(_ f: (Int) -> Double) -> Double { grid.indices.reduce(0) { $0 + weight[$1] * f($1) } }
        // S and the exponent of the density are added first, because e^S can overflow at the corners of the grid.
        func tilted(_ score: Double, at x: Int) -> Double {
            exp(score - 0.5 * grid[x] * grid[x]) * step / (2 * Double.pi).squareRoot()
        }
        let slope = (1 - correlation * correlation).squareRoot()
        let positive = expectation { u in
            expectation { e in
                weight[u] * weight[e] < 1e-18 ? 0 : score(grid[u], correlation * grid[u] + slope * grid[e])
            }
        }
        switch loss {
        case is ConditionalLoss, is DecoupledLoss:
            let (first, second) = (loss.weights!.first, loss.weights!.second)
            var value = -(first + second) * positive
            if first > 0 {
                value +=
                    first
                    * expectation { v in
                        weight[v] < 1e-18
                            ? 0 : log(grid.indices.reduce(0) { $0 + tilted(score(grid[$1], grid[v]), at: $1) })
                    }
            }
            if second > 0 {
                value +=
                    second
                    * expectation { u in
                        weight[u] < 1e-18
                            ? 0 : log(grid.indices.reduce(0) { $0 + tilted(score(grid[u], grid[$1]), at: $1) })
                    }
            }
            return value
        case is JointLoss, is JointOffDiagonalLoss:
            let sum = grid.indices.reduce(0.0) { total, v in
                total
                    + grid.indices.reduce(0.0) { inner, u in
                        let exponent = score(grid[u], grid[v]) - 0.5 * (grid[u] * grid[u] + grid[v] * grid[v])
                        return inner + exp(exponent) * step * step / (2 * Double.pi)
                    }
            }
            return log(sum) - positive
        default: return .nan
        }
    }

    /// The loss of encoders G, H (e × n) of white vectors u, v with cross-covariance R, τ = 1; infinite if an integral
    /// diverges.
    ///
    /// Let P = GᵀG and Q = HᵀH (both zero for the inner product), A = GᵀH, and S = -½ uᵀPu + uᵀAv - ½ vᵀQv. Then log
    /// E_u e^S = -½ log det(I + P) + ½ vᵀAᵀ(I + P)⁻¹Av - ½ vᵀQv, and log E E e^S = -½ log det [[I + P, -A], [-Aᵀ, I +
    /// Q]].
    static func loss(_ loss: any Loss, _ similarity: Similarity, _ g: Matrix, _ h: Matrix, crossCovariance r: Matrix)
        -> Double
    {
        let a = g.transposed * h
        let p = similarity == .quadratic ? g.transposed * g : Matrix(rows: g.columns, columns: g.columns)
        let q = similarity == .quadratic ? h.transposed * h : Matrix(rows: h.columns, columns: h.columns)
        let positive = -0.5 * trace(p) - 0.5 * trace(q) + trace(a.transposed * r)
        func oneSided(_ p: Matrix, _ a: Matrix, _ q: Matrix) -> Double {
            let precision = Matrix.identity(p.rows) + p
            guard let logDeterminant = logDeterminant(precision), let solved = try? precision.solve(a) else {
                return .infinity
            }
            return -0.5 * logDeterminant + 0.5 * trace(a.transposed * solved) - 0.5 * trace(q) - positive
        }
        switch loss {
        case is ConditionalLoss, is DecoupledLoss:
            let (first, second) = (loss.weights!.first, loss.weights!.second)
            return first * oneSided(p, a, q) + second * oneSided(q, a.transposed, p)
        case is JointLoss, is JointOffDiagonalLoss:
            let (m, n) = (p.rows, q.rows)
            var block = Matrix.identity(m + n)
            for i in 0..<m { for j in 0..<m { block[i, j] += p[i, j] } }
            for i in 0..<n { for j in 0..<n { block[m + i, m + j] += q[i, j] } }
            for i in 0..<m { for j in 0..<n { block[i, m + j] = -a[i, j]; block[m + j, i] = -a[i, j] } }
            guard let logDeterminant = logDeterminant(block) else { return .infinity }
            return -0.5 * logDeterminant - positive
        default: return .nan
        }
    }

    /// Finds a local minimum by BFGS with backtracking; gradients are central differences.
    static func minimize(from start: [Double], _ function: ([Double]) -> Double) -> [Double] {
        func gradient(_ x: [Double]) -> [Double] {
            x.indices.map { i in
                var up = x, down = x
                up[i] += 1e-4
                down[i] -= 1e-4
                return (function(up) - function(down)) / 2e-4
            }
        }
        func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        let n = start.count
        var x = start, value = function(x), slope = gradient(x), inverse = Matrix.identity(n)
        for _ in 0..<400 where dot(slope, slope).squareRoot() > 1e-10 {
            var direction = (inverse * Matrix(rows: n, columns: 1, elements: slope)).elements.map { -$0 }
            if !(dot(direction, slope) < 0) { (direction, inverse) = (slope.map { -$0 }, .identity(n)) }
            var length = 1.0, next = x, nextValue = Double.infinity
            repeat {
                next = zip(x, direction).map { $0 + length * $1 }
                nextValue = function(next)
                length /= 2
            } while !(nextValue <= value + 1e-4 * 2 * length * dot(direction, slope)) && length > 1e-12
            if !(nextValue <= value) { break }
            let nextSlope = gradient(next)
            let s = zip(next, x).map(-), y = zip(nextSlope, slope).map(-), sy = dot(s, y)
            if sy > 1e-20 {
                let correction = Matrix.identity(n) - (1 / sy) * outer(s, y)
                inverse = correction * inverse * correction.transposed + (1 / sy) * outer(s, s)
            }
            (x, value, slope) = (next, nextValue, nextSlope)
        }
        return x
    }

    static func outer(_ a: [Double], _ b: [Double]) -> Matrix {
        Matrix(rows: a.count, columns: 1, elements: a) * Matrix(rows: 1, columns: b.count, elements: b)
    }

    private static func trace(_ a: Matrix) -> Double { a.diagonal.reduce(0, +) }

    private static func logDeterminant(_ a: Matrix) -> Double? {
        (try? a.choleskyFactor()).map { 2 * $0.diagonal.reduce(0) { $0 + log($1) } }
    }

    static func normals(_ rows: Int, _ columns: Int, number: UInt64) -> Matrix {
        .normal(rows: rows, columns: columns, seed: 20_250_524, number: number)
    }
}
