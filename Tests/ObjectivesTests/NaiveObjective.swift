import Foundation
import Objectives

/// The textbook loss over a B × B array in Double, with gradients by the textbook formulas: the engine's independent twin.
struct NaiveObjective {
    var similarity: Similarity
    var loss: Loss
    var temperature: Double

    struct Result {
        var loss: Double
        var first: [[Double]]
        var second: [[Double]]
        var inverseTemperature: Double
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
        var value = 0.0
        var weight = [[Double]](repeating: [Double](repeating: 0, count: n), count: n)
        switch loss {
        case .conditional(let a, let b):
            for i in 0..<n { value += (a * (c[i] - s[i][i]) + b * (r[i] - s[i][i])) / Double(n) }
            for i in 0..<n {
                for j in 0..<n where i != j { weight[i][j] = (a * exp(s[i][j] - c[j]) + b * exp(s[i][j] - r[i])) / Double(n) }
                // 1 - p as a sum, so that the twin keeps its digits where the batch is nearly perfect.
                let others = (0..<n).filter { $0 != i }
                weight[i][i] =
                    -(a * others.reduce(0) { $0 + exp(s[$1][i] - c[i]) } + b * others.reduce(0) { $0 + exp(s[i][$1] - r[i]) }) / Double(n)
            }
        case .joint:
            let all = logSumExp(r)
            value = all - 2 * log(Double(n)) - (0..<n).reduce(0) { $0 + s[$1][$1] } / Double(n)
            for i in 0..<n { for j in 0..<n { weight[i][j] = exp(s[i][j] - all) - (i == j ? 1 / Double(n) : 0) } }
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
            loss: value, first: du, second: dv, inverseTemperature: scale,
            largestScore: s.reduce(0) { max($0, $1.reduce(0) { max($0, abs($1)) }) })
    }
}
