import CoupletOptimizers
import CoupletTensors
import Foundation
import Testing

/// The update rules on one block, compared with the papers' formulas in Double.
@Suite struct OptimizerTests {
    static let kinds: [any Optimizer] = [
        .sgd(), .sgd(momentum: 0.9), .adam(), .adam(beta1: 0.8, beta2: 0.95, epsilon: 1e-3), .adamw(),
        .adamw(beta1: 0, beta2: 0.9, epsilon: 1e-6), .lars(), .lars(momentum: 0, trustCoefficient: 0.1, epsilon: 1e-3),
        .lamb(), .lamb(beta1: 0.8, beta2: 0.95, epsilon: 1e-3),
    ]

    private static func normals(_ count: Int, _ number: Int) -> [Float] {
        Philox(seed: 1).normals(count, .evaluation, number: UInt64(number))
    }

    @Test(arguments: kinds, [0, 0.1]) func equalsThePapersFormula(_ kind: any Optimizer, decay: Double) {
        let count = 37, steps = 60
        let parameters = Tensor([count], Self.normals(count, 0))
        let moments = kind.momentNames.map { _ in Tensor([count]) }
        // Without norms the trust ratio of lars and lamb is 1.
        var reference = ReferenceTensor(kind, decay: decay, usesNorms: false, parameters.values)
        var scalar = Double(parameters[0]), scalarMoments = kind.momentNames.map { _ in 0.0 }
        var scalarReference = ReferenceTensor(kind, decay: 0, usesNorms: false, [parameters[0]])
        for t in 1...steps {
            let gradient = Self.normals(count, t)
            let step = OptimizerStep(rate: 0.01 / Double(t).squareRoot(), t: t, scale: t % 3 == 0 ? 0.25 : 1)
            kind.update(
                OptimizerBlock(
                    parameters: parameters, gradient: Tensor([count], gradient), moments: moments, weightDecay: decay,
                    step: step))
            kind.updateScalar(&scalar, gradient: Double(gradient[0]), moments: &scalarMoments, step)
            reference.step(gradient.map(Double.init), rate: step.rate, t: t, scale: step.scale)
            scalarReference.step([Double(gradient[0])], rate: step.rate, t: t, scale: step.scale)
        }
        for i in 0..<count {
            #expect(abs(Double(parameters[i]) - reference.theta[i]) <= 3e-6)
            if let m = moments.first { #expect(abs(Double(m[i]) - reference.m[i]) <= 3e-6) }
            if moments.count == 2 { #expect(abs(Double(moments[1][i]) - reference.v[i]) <= 3e-6) }
        }
        // Scalars of the objective follow the same rule in Double, without weight decay.
        #expect(abs(scalar - scalarReference.theta[0]) <= 1e-14)
        if let m = scalarMoments.first { #expect(abs(m - scalarReference.m[0]) <= 1e-14) }
    }

    /// One tensor of lars and lamb with its norms.
    @Test(arguments: kinds.compactMap { $0 as? any TensorNormOptimizer }, [0, 0.1])
    func equalsThePapersFormulaWithNorms(_ kind: any TensorNormOptimizer, decay: Double) {
        let count = 53
        let parameters = Tensor([count], Self.normals(count, 0))
        let moments = kind.momentNames.map { _ in Tensor([count]) }
        var reference = ReferenceTensor(kind, decay: decay, usesNorms: true, parameters.values)
        func norm(_ tensor: Tensor) -> Double {
            tensor.values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        }
        for t in 1...40 {
            // A gradient of 0 leaves a trust ratio of 1 for lars.
            let gradient = t == 5 ? [Float](repeating: 0, count: count) : Self.normals(count, t)
            let block = OptimizerBlock(
                parameters: parameters, gradient: Tensor([count], gradient), moments: moments, weightDecay: decay,
                step: OptimizerStep(rate: 0.02, t: t, scale: t % 2 == 0 ? 0.5 : 1))
            kind.direction(block)
            kind.apply(
                block, norms: TensorNorms(parameters: norm(parameters), direction: norm(block.gradient)))
            reference.step(gradient.map(Double.init), rate: 0.02, t: t, scale: block.scale)
        }
        for i in 0..<count { #expect(abs(Double(parameters[i]) - reference.theta[i]) <= 6e-6) }
    }

    /// A tensor of zeros has no norm to scale its step with. Its trust ratio is 1, so that it can leave 0.
    @Test func zeroParametersHaveTrustRatioOne() {
        for kind in [.lars(), .lamb()] as [any TensorNormOptimizer] {
            func run(_ norms: TensorNorms?) -> [Float] {
                let block = OptimizerBlock(
                    parameters: Tensor([3]), gradient: Tensor([3], [1, -2, 3]),
                    moments: kind.momentNames.map { _ in Tensor([3]) }, weightDecay: 0,
                    step: OptimizerStep(rate: 0.1, t: 1, scale: 1))
                kind.direction(block)
                kind.apply(block, norms: norms)
                return block.parameters.values
            }
            let result = run(TensorNorms(parameters: 0, direction: 14.squareRoot()))
            #expect(result == run(nil) && result.allSatisfy { $0 != 0 })
        }
    }

    /// The update of a parameter does not depend on the range of the buffer that one call updates.
    @Test(arguments: kinds) func resultsDoNotDependOnRanges(_ kind: any Optimizer) {
        let count = 96
        func run(pieces: [Range<Int>]) -> [Float] {
            let parameters = Tensor([count], Self.normals(count, 0))
            let moments = kind.momentNames.map { _ in Tensor([count]) }
            for t in 1...5 {
                let gradient = Tensor([count], Self.normals(count, t))
                for range in pieces {
                    kind.update(
                        OptimizerBlock(
                            parameters: parameters.flat(range), gradient: gradient.flat(range),
                            moments: moments.map { $0.flat(range) }, weightDecay: 0.01,
                            step: OptimizerStep(rate: 0.01, t: t, scale: 0.7)))
                }
            }
            return parameters.values
        }
        let whole = run(pieces: [0..<count])
        #expect(run(pieces: (0..<6).map { 16 * $0..<16 * ($0 + 1) }) == whole)
        #expect(run(pieces: [0..<1, 1..<20, 20..<21, 21..<96]) == whole)
    }
}
