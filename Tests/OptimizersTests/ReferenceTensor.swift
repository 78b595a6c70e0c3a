import CoupletOptimizers
import Foundation

/// One tensor with its moments, and the update rules of the papers in Double.
struct ReferenceTensor {
    let kind: any Optimizer
    let decay: Double
    /// Whether the step of lars and lamb is scaled by norms.
    let usesNorms: Bool
    var theta: [Double]
    /// The moments in the order of `momentNames`. Rules with fewer leave the rest unused.
    var m: [Double], v: [Double]

    init(_ kind: any Optimizer, decay: Double, usesNorms: Bool, _ values: [Float]) {
        self.kind = kind
        self.decay = decay
        self.usesNorms = usesNorms
        theta = values.map(Double.init)
        m = theta.map { _ in 0 }
        v = m
    }

    private static func norm(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }

    mutating func step(_ gradient: [Double], rate: Double, t: Int, scale: Double) {
        let g = gradient.map { scale * $0 }, shrink = theta.map { rate * decay * $0 }
        switch kind {
        case let kind as SGD:
            for i in g.indices {
                m[i] = kind.momentum * m[i] + g[i] + decay * theta[i]
                theta[i] -= rate * m[i]
            }
        case let kind as Adam:
            let u = direction(
                zip(g, theta).map { $0 + decay * $1 }, t, kind.beta1, kind.beta2, kind.epsilon)
            for i in u.indices { theta[i] -= rate * u[i] }
        case let kind as AdamW:
            let u = direction(g, t, kind.beta1, kind.beta2, kind.epsilon)
            for i in u.indices { theta[i] -= rate * u[i] + shrink[i] }
        case let kind as LARS:
            let (parameterNorm, gradientNorm) = (Self.norm(theta), Self.norm(g))
            let trust =
                usesNorms && parameterNorm > 0 && gradientNorm > 0
                ? kind.trustCoefficient * parameterNorm / (gradientNorm + decay * parameterNorm + kind.epsilon) : 1
            for i in g.indices {
                m[i] = kind.momentum * m[i] + rate * trust * (g[i] + decay * theta[i])
                theta[i] -= m[i]
            }
        case let kind as LAMB:
            let u = zip(direction(g, t, kind.beta1, kind.beta2, kind.epsilon), theta).map { $0 + decay * $1 }
            let (parameterNorm, directionNorm) = (Self.norm(theta), Self.norm(u))
            let trust = usesNorms && parameterNorm > 0 && directionNorm > 0 ? parameterNorm / directionNorm : 1
            for i in u.indices { theta[i] -= rate * trust * u[i] }
        default: preconditionFailure("no reference of \(kind)")
        }
    }

    /// Adam's step: m̂ / (√v̂ + ε).
    private mutating func direction(
        _ g: [Double], _ t: Int, _ beta1: Double, _ beta2: Double, _ epsilon: Double
    ) -> [Double] {
        g.indices.map { i in
            m[i] = beta1 * m[i] + (1 - beta1) * g[i]
            v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i]
            return m[i] / (1 - pow(beta1, Double(t))) / ((v[i] / (1 - pow(beta2, Double(t)))).squareRoot() + epsilon)
        }
    }
}
