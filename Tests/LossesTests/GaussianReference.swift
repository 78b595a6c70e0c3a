import CoupletLosses
import CoupletTensors

#if canImport(Glibc)
    import Glibc
#endif

/// Population losses of Gaussian pairs, computed without the closed forms under test: by quadrature for one canonical pair, and by
/// Gaussian integrals for whole encoders; and a minimiser that knows nothing of them.
enum GaussianReference {
    /// The loss for one pair of standard normals with this correlation, S(u, v) being any score. All expectations of the
    /// log-sum-exps are sums over a grid: the trapezoidal rule, whose error for these integrands lies below the rounding.
    static func quadratureLoss(_ loss: Loss, correlation: Double, score: (Double, Double) -> Double) -> Double {
        let step = 0.2, grid = (-80...80).map { Double($0) * step }
        let weight = grid.map { exp(-0.5 * $0 * $0) * step / (2 * Double.pi).squareRoot() }
        func expectation(_ f: (Int) -> Double) -> Double { grid.indices.reduce(0) { $0 + weight[$1] * f($1) } }
        // S and the density's exponent are added first: e^S alone can overflow at the grid's far corners.
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
        case .conditional(let first, let second), .decoupled(let first, let second):
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
        case .joint, .jointOffDiagonal:
            let sum = grid.indices.reduce(0.0) { total, v in
                total
                    + grid.indices.reduce(0.0) { inner, u in
                        let exponent = score(grid[u], grid[v]) - 0.5 * (grid[u] * grid[u] + grid[v] * grid[v])
                        return inner + exp(exponent) * step * step / (2 * Double.pi)
                    }
            }
            return log(sum) - positive
        case .sigmoid, .maximumMeanDiscrepancy, .lpSimCLR, .ntXent: return .nan
        }
    }

    /// The loss of encoders G, H (e × n) of white vectors u, v with cross-covariance R, τ = 1. With P = GᵀG, Q = HᵀH (both zero
    /// for the inner product), A = GᵀH and S = -½ uᵀPu + uᵀAv - ½ vᵀQv: log E_u e^S = -½ log det(I + P) + ½ vᵀAᵀ(I + P)⁻¹Av - ½
    /// vᵀQv, and log E E e^S = -½ log det [[I + P, -A], [-Aᵀ, I + Q]]. Infinite where an integral diverges.
    static func loss(_ loss: Loss, _ similarity: Similarity, _ g: Matrix, _ h: Matrix, crossCovariance r: Matrix)
        -> Double
    {
        let a = g.transposed * h
        let p = similarity == .quadratic ? g.transposed * g : Matrix(rows: g.columns, columns: g.columns)
        let q = similarity == .quadratic ? h.transposed * h : Matrix(rows: h.columns, columns: h.columns)
        let positive = -0.5 * trace(p) - 0.5 * trace(q) + trace(a.transposed * r)
        func oneSided(_ own: Matrix, _ cross: Matrix, _ other: Matrix) -> Double {
            let precision = Matrix.identity(own.rows) + own
            guard let logDeterminant = logDeterminant(precision), let solved = try? precision.solve(cross) else {
                return .infinity
            }
            return -0.5 * logDeterminant + 0.5 * trace(cross.transposed * solved) - 0.5 * trace(other) - positive
        }
        switch loss {
        case .conditional(let first, let second), .decoupled(let first, let second):
            return first * oneSided(p, a, q) + second * oneSided(q, a.transposed, p)
        case .joint, .jointOffDiagonal:
            let (m, n) = (p.rows, q.rows)
            var block = Matrix.identity(m + n)
            for i in 0..<m { for j in 0..<m { block[i, j] += p[i, j] } }
            for i in 0..<n { for j in 0..<n { block[m + i, m + j] += q[i, j] } }
            for i in 0..<m { for j in 0..<n { block[i, m + j] = -a[i, j]; block[m + j, i] = -a[i, j] } }
            guard let logDeterminant = logDeterminant(block) else { return .infinity }
            return -0.5 * logDeterminant - positive
        case .sigmoid, .maximumMeanDiscrepancy, .lpSimCLR, .ntXent: return .nan
        }
    }

    /// A local minimum by BFGS with backtracking, gradients by central differences.
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

    /// Normal numbers as a matrix.
    static func normals(_ rows: Int, _ columns: Int, number: UInt64) -> Matrix {
        Matrix(
            rows: rows, columns: columns,
            elements: Philox(seed: 20250524).normals(rows * columns, .source, number: number).map(Double.init))
    }

    /// A pair with these canonical correlations, behind random maps u = M x, v = N y.
    static func covariance(_ correlations: [Double], first: Int, second: Int) -> GaussianCovariance {
        let m = normals(first, first, number: 1) + 2 * .identity(first),
            n = normals(second, second, number: 2) + 2 * .identity(second)
        return GaussianCovariance(
            uu: m * m.transposed, uv: m * .diagonal(correlations, rows: first, columns: second) * n.transposed,
            vv: n * n.transposed)
    }
}
