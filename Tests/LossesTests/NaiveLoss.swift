import CoupletLosses
import Foundation

/// The textbook loss over a B × B array in Double, and its textbook gradients: an independent twin of the engine.
struct NaiveLoss {
    var similarity: Similarity
    var loss: any Loss
    var temperature: Double
    var bias = 0.0
    /// φ(u_i) and ψ(v_i), for the maximum mean discrepancy.
    var features: (first: [[Double]], second: [[Double]]) = ([], [])

    struct Result {
        var loss: Double
        var first: [[Double]]
        var second: [[Double]]
        var inverseTemperature: Double
        var bias = 0.0
        var largestScore: Double
    }

    func evaluate(_ u: [[Double]], _ v: [[Double]]) -> Result {
        let n = u.count, d = u[0].count
        func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        func similarityOf(_ g: [Double], _ h: [Double]) -> Double {
            switch similarity {
            case .innerProduct: dot(g, h)
            case .cosine: dot(g, h) / (dot(g, g) * dot(h, h)).squareRoot()
            case .quadratic: -0.5 * zip(g, h).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            }
        }
        let s = u.map { g in v.map { similarityOf(g, $0) / temperature } }
        func logSumExp(_ x: [Double]) -> Double {
            let largest = x.max()!
            return largest + log(x.reduce(0) { $0 + exp($1 - largest) })
        }
        let r = s.map(logSumExp), c = (0..<n).map { j in logSumExp(s.map { $0[j] }) }
        var value = 0.0, biasGradient = 0.0
        var weight = [[Double]](repeating: [Double](repeating: 0, count: n), count: n)
        switch loss {
        case let loss as ConditionalLoss:
            let (a, b) = (loss.directions.first, loss.directions.second)
            for i in 0..<n { value += (a * (c[i] - s[i][i]) + b * (r[i] - s[i][i])) / Double(n) }
            for i in 0..<n {
                for j in 0..<n where i != j {
                    weight[i][j] = (a * exp(s[i][j] - c[j]) + b * exp(s[i][j] - r[i])) / Double(n)
                }
                // 1 - p as a sum keeps precision when the batch is nearly perfect.
                let negatives = (0..<n).filter { $0 != i }
                weight[i][i] =
                    -(a * negatives.reduce(0) { $0 + exp(s[$1][i] - c[i]) } + b
                    * negatives.reduce(0) { $0 + exp(s[i][$1] - r[i]) }) / Double(n)
            }
        case is JointLoss:
            let all = logSumExp(r)
            value = all - 2 * log(Double(n)) - (0..<n).reduce(0) { $0 + s[$1][$1] } / Double(n)
            for i in 0..<n { for j in 0..<n { weight[i][j] = exp(s[i][j] - all) - (i == j ? 1 / Double(n) : 0) } }
        case is JointOffDiagonalLoss:
            let pairs = (0..<n).flatMap { i in (0..<n).filter { $0 != i }.map { (i, $0) } }
            let all = logSumExp(pairs.map { s[$0][$1] })
            value = all - log(Double(n * (n - 1))) - (0..<n).reduce(0) { $0 + s[$1][$1] } / Double(n)
            for i in 0..<n { for j in 0..<n { weight[i][j] = i == j ? -1 / Double(n) : exp(s[i][j] - all) } }
        case let loss as DecoupledLoss:
            let (a, b) = (loss.directions.first, loss.directions.second)
            let r = (0..<n).map { i in logSumExp((0..<n).filter { $0 != i }.map { s[i][$0] }) }
            let c = (0..<n).map { j in logSumExp((0..<n).filter { $0 != j }.map { s[$0][j] }) }
            for i in 0..<n { value += (a * (c[i] - s[i][i]) + b * (r[i] - s[i][i])) / Double(n) }
            for i in 0..<n {
                for j in 0..<n {
                    weight[i][j] = (i == j ? -(a + b) : a * exp(s[i][j] - c[j]) + b * exp(s[i][j] - r[i])) / Double(n)
                }
            }
        case is SigmoidLoss, is LogisticLoss:
            for i in 0..<n {
                for j in 0..<n {
                    let z = i == j ? 1.0 : -1.0, x = -z * (s[i][j] + bias)
                    value += (max(x, 0) + log1p(exp(-abs(x)))) / Double(n)
                    weight[i][j] = -z / (1 + exp(-x)) / Double(n)
                    biasGradient += weight[i][j]
                }
            }
        case let loss as MaximumMeanDiscrepancyLoss:
            let (a, b) = (loss.directions.first, loss.directions.second)
            // Uses the kernel matrices k = ⟨φ, φ⟩ and l = ⟨ψ, ψ⟩, as in the paper's formula.
            func kernel(_ x: [[Double]]) -> [[Double]] { x.map { g in x.map { dot(g, $0) } } }
            let k = kernel(features.first), l = kernel(features.second)
            for j in 0..<n where a != 0 {
                let w = (0..<n).map { exp(s[$0][j] - c[j]) }, kw = (0..<n).map { i in dot(k[i], w) }
                value += a / Double(n) * (0.5 * dot(w, kw) - dot(w, k[j]) + 0.5 * k[j][j])
                let slope = (0..<n).map { kw[$0] - k[$0][j] }, mean = dot(w, slope)
                for i in 0..<n { weight[i][j] += a / Double(n) * w[i] * (slope[i] - mean) }
            }
            for i in 0..<n where b != 0 {
                let w = (0..<n).map { exp(s[i][$0] - r[i]) }, lw = (0..<n).map { j in dot(l[j], w) }
                value += b / Double(n) * (0.5 * dot(w, lw) - dot(w, l[i]) + 0.5 * l[i][i])
                let slope = (0..<n).map { lw[$0] - l[$0][i] }, mean = dot(w, slope)
                for j in 0..<n { weight[i][j] += b / Double(n) * w[j] * (slope[j] - mean) }
            }
        case let loss as SquaredHingeLoss:
            for i in 0..<n {
                for j in 0..<n {
                    let z = i == j ? 1.0 : -1.0, distance = max(0, loss.margin - z * s[i][j])
                    value += 0.5 * distance * distance / Double(n)
                    weight[i][j] = -z * distance / Double(n)
                }
            }
        default: preconditionFailure("\(loss.title) has no twin here")
        }
        var du = [[Double]](repeating: [Double](repeating: 0, count: d), count: n), dv = du
        var scale = 0.0
        for i in 0..<n {
            for j in 0..<n {
                let w = weight[i][j] / temperature
                scale += weight[i][j] * s[i][j]
                let gg = dot(u[i], u[i]), hh = dot(v[j], v[j]), gh = dot(u[i], v[j])
                for k in 0..<d {
                    switch similarity {
                    case .innerProduct:
                        du[i][k] += w * v[j][k]
                        dv[j][k] += w * u[i][k]
                    case .cosine:
                        let norm = (gg * hh).squareRoot()
                        du[i][k] += w * (v[j][k] - gh / gg * u[i][k]) / norm
                        dv[j][k] += w * (u[i][k] - gh / hh * v[j][k]) / norm
                    case .quadratic:
                        du[i][k] += w * (v[j][k] - u[i][k])
                        dv[j][k] += w * (u[i][k] - v[j][k])
                    }
                }
            }
        }
        return Result(
            loss: value, first: du, second: dv, inverseTemperature: scale, bias: biasGradient,
            largestScore: s.reduce(0) { max($0, $1.reduce(0) { max($0, abs($1)) }) })
    }
}
