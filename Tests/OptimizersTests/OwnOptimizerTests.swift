import CoupletOptimizers
import CoupletSchema
import CoupletTensors
import Testing

/// An optimizer of a user's program, through the public interface alone.
@Suite struct OwnOptimizerTests {
    /// Lion (Chen et al., NeurIPS 2023, *Symbolic Discovery of Optimization Algorithms*):
    /// θ ← θ - r (sign(β₁ m + (1 - β₁) g) + λ θ), m ← β₂ m + (1 - β₂) g.
    struct Lion: Optimizer {
        var beta1: Float = 0.9
        var beta2: Float = 0.99

        static let name = "lion"
        static let table = ConfigurationTable(
            Lion(), help: "Steps along the sign of the momentum.",
            [
                .key("beta1", \.beta1, .number(.belowOne, example: 0.9), "Share of the momentum in a step."),
                .key("beta2", \.beta2, .number(.belowOne, example: 0.99), "Decay of the momentum."),
            ])

        var momentNames: [String] { ["momentum"] }

        func update(_ block: OptimizerBlock) {
            let (rate, scale, decay) = (Float(block.rate), Float(block.scale), Float(block.weightDecay))
            let (theta, momentum) = (block.parameters, block.moments[0])
            for i in 0..<block.count {
                let g = scale * block.gradient[i], m = momentum[i]
                let step = beta1 * m + (1 - beta1) * g
                theta[i] -= rate * ((step > 0 ? 1 : step < 0 ? -1 : 0) + decay * theta[i])
                momentum[i] = beta2 * m + (1 - beta2) * g
            }
        }
    }

    @Test func bitsDoNotDependOnTheNumberOfWorkers() throws {
        let layout = try OptimizerRun.smallLayout()
        let specification = OptimizerSpecification(
            kind: Lion(beta1: 0.8), learningRate: 0.01, weightDecay: 0.1, clipNorm: 1, decayedParameters: .weights,
            averageDecay: 0.5)
        let one = try OptimizerRun(specification, layout, workers: 1, steps: 5)
        #expect(one.arrays.keys.sorted() == ["average", "momentum"])
        for workers in [2, 4] {
            #expect(try OptimizerRun(specification, layout, workers: workers, steps: 5).hasSameBits(as: one))
        }
        // The same rule in Double, for the first tensor.
        let entry = layout.entries[0]
        for i in entry.range {
            var theta = Double(one.initial[i]), m = 0.0
            for t in 1...5 {
                let g = 0.5 * Double(OptimizerRun.normals(layout, number: t)[i])
                let step = 0.8 * m + 0.2 * g
                theta -= 0.01 * ((step > 0 ? 1 : -1) + 0.1 * theta)
                m = 0.99 * m + 0.01 * g
            }
            #expect(abs(Double(one.parameters[i]) - theta) <= 1e-6)
        }
    }

    /// Scalars of the objective follow the rule for blocks unless the optimizer has one of its own.
    @Test func scalarsFollowTheRuleOfBlocks() {
        var value = 0.5, moments = [0.25]
        Lion().updateScalar(&value, gradient: -8, moments: &moments, OptimizerStep(rate: 0.125, t: 1, scale: 0.5))
        // The step is sign(0.9 · 0.25 - 0.1 · 4) = -1.
        #expect(value == 0.625)
        #expect(abs(moments[0] - (0.99 * 0.25 - 0.01 * 4)) <= 1e-7)
    }

    @Test func aConfigCanNameIt() throws {
        let registry = Registry(optimizerKinds).adding(Lion.self)
        let read = try OptimizerBlockText.read("kind: lion\nbeta1: 0.5\nlearning_rate: 0.01\n", registry)
        #expect(read.specification == OptimizerSpecification(kind: Lion(beta1: 0.5), learningRate: 0.01))
        #expect(OptimizerBlockText.write(read.specification).hasPrefix("kind: lion\nbeta1: 0.5\nbeta2: 0.99\n"))
        #expect(
            try OptimizerBlockText.read("kind: lion\n", Registry(optimizerKinds)).problems == [
                "c:1:7: optimizer.kind: no optimizer is called \"lion\"; "
                    + "there are sgd, adam, adamw, lars, lamb"
            ])
    }
}
