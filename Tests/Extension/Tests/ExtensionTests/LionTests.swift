import Couplet
import Testing

@testable import Extension

@Suite struct LionTests {
    @Test func twoUpdatesAreThoseOfTheFormula() {
        let (parameters, gradient, momentum) = (Tensor([2], [1, -2]), Tensor([2], [0.5, -4]), Tensor([2]))
        for t in 1...2 {
            Lion().update(
                OptimizerBlock(
                    parameters: parameters, gradient: gradient, moments: [momentum], weightDecay: 0.1,
                    step: OptimizerStep(rate: 0.01, t: t, scale: 0.5)))
        }
        // The sign of both updates is that of the gradient; the clipped gradient is half of it.
        var expected = [1.0, -2.0]
        for _ in 1...2 {
            for (i, sign) in [1.0, -1.0].enumerated() { expected[i] -= 0.01 * (sign + 0.1 * expected[i]) }
        }
        for i in 0..<2 { #expect(abs(Double(parameters[i]) - expected[i]) <= 1e-6) }
        for (m, g) in zip(momentum.values, [0.25, -2]) { #expect(abs(Double(m) - (1 - 0.99 * 0.99) * g) <= 1e-6) }
    }
}
