import CoupletOptimizers
import CoupletTensors
import Foundation
import Testing

/// The update rules, compared with the papers' formulas in Double.
@Suite struct OptimizerTests {
    /// The update of one parameter as the paper writes it, in Double.
    struct ReferenceUpdate {
        let kind: OptimizerSpecification.Kind
        let decay: Double
        var theta: Double
        var m = 0.0, v = 0.0

        mutating func step(_ gradient: Double, rate: Double, t: Int, scale: Double) {
            switch kind {
            case .sgd(let momentum):
                m = momentum * m + scale * gradient + decay * theta
                theta -= rate * m
            case .adam(let beta1, let beta2, let epsilon):
                adam(scale * gradient + decay * theta, rate, t, beta1, beta2, epsilon)
            case .adamw(let beta1, let beta2, let epsilon):
                let shrunk = theta * rate * decay
                adam(scale * gradient, rate, t, beta1, beta2, epsilon)
                theta -= shrunk
            }
        }

        private mutating func adam(
            _ g: Double, _ rate: Double, _ t: Int, _ beta1: Double, _ beta2: Double, _ epsilon: Double
        ) {
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g * g
            theta -=
                rate * (m / (1 - pow(beta1, Double(t)))) / ((v / (1 - pow(beta2, Double(t)))).squareRoot() + epsilon)
        }
    }

    static let kinds: [OptimizerSpecification.Kind] = [
        .sgd(), .sgd(momentum: 0.9), .adam(), .adam(beta1: 0.8, beta2: 0.95, epsilon: 1e-3), .adamw(),
        .adamw(beta1: 0, beta2: 0.9, epsilon: 1e-6),
    ]

    @Test(arguments: kinds, [0, 0.1]) func equalsThePapersFormula(_ kind: OptimizerSpecification.Kind, decay: Double) {
        let count = 37, steps = 60, optimizer = Optimizer(kind: kind, weightDecay: decay)
        let parameters = Tensor([count], Philox(seed: 1).normals(count, .evaluation, number: 0))
        let moments = optimizer.momentNames.map { _ in Tensor([count]) }
        var reference = parameters.values.map { ReferenceUpdate(kind: kind, decay: decay, theta: Double($0)) }
        var scalar = Double(parameters[0]), scalarMoments = optimizer.momentNames.map { _ in 0.0 }
        var scalarReference = ReferenceUpdate(kind: kind, decay: 0, theta: scalar)
        for t in 1...steps {
            let gradient = Tensor([count], Philox(seed: 2).normals(count, .evaluation, number: UInt64(t)))
            let rate = 0.01 / Double(t).squareRoot(), scale = t % 3 == 0 ? 0.25 : 1
            optimizer.update(parameters, gradient: gradient, moments: moments, rate: rate, t: t, scale: scale)
            optimizer.update(
                &scalar, gradient: Double(gradient[0]), moments: &scalarMoments, rate: rate, t: t, scale: scale)
            for i in 0..<count { reference[i].step(Double(gradient[i]), rate: rate, t: t, scale: scale) }
            scalarReference.step(Double(gradient[0]), rate: rate, t: t, scale: scale)
        }
        for i in 0..<count {
            #expect(abs(Double(parameters[i]) - reference[i].theta) <= 3e-6)
            if let m = moments.first { #expect(abs(Double(m[i]) - reference[i].m) <= 3e-6) }
            if moments.count == 2 { #expect(abs(Double(moments[1][i]) - reference[i].v) <= 3e-6) }
        }
        // Scalars of the objective follow the same rule in Double, without weight decay.
        #expect(abs(scalar - scalarReference.theta) <= 1e-14)
    }

    /// The update of a parameter does not depend on the range of the buffer that one call updates.
    @Test(arguments: kinds) func resultsDoNotDependOnRanges(_ kind: OptimizerSpecification.Kind) {
        let count = 96, optimizer = Optimizer(kind: kind, weightDecay: 0.01)
        func run(pieces: [Range<Int>]) -> [Float] {
            let parameters = Tensor([count], Philox(seed: 1).normals(count, .evaluation, number: 0))
            let moments = optimizer.momentNames.map { _ in Tensor([count]) }
            for t in 1...5 {
                let gradient = Tensor([count], Philox(seed: 2).normals(count, .evaluation, number: UInt64(t)))
                for range in pieces {
                    optimizer.update(
                        parameters.flat(range), gradient: gradient.flat(range), moments: moments.map { $0.flat(range) },
                        rate: 0.01, t: t, scale: 0.7)
                }
            }
            return parameters.values
        }
        let whole = run(pieces: [0..<count])
        #expect(run(pieces: (0..<6).map { 16 * $0..<16 * ($0 + 1) }) == whole)
        #expect(run(pieces: [0..<1, 1..<20, 20..<21, 21..<96]) == whole)
    }
}
