import CoupletNetworks
import CoupletOptimizers
import CoupletSchema
import CoupletTensors
import Foundation
import Synchronization
import Testing

@Suite struct EncoderOptimizerTests {
    static let kinds: [any Optimizer] = [
        .sgd(), .sgd(momentum: 0.9), .adam(), .adamw(), .lars(trustCoefficient: 0.1),
        .lars(momentum: 0, trustCoefficient: 0.1), .lamb(),
    ]

    /// A specification in which everything takes part: schedule, clipping, weight decay, groups and average.
    private static func specification(_ kind: any Optimizer) -> OptimizerSpecification {
        OptimizerSpecification(
            kind: kind, learningRate: 0.05, schedule: .linear, warmupSteps: 4, weightDecay: 0.1, clipNorm: 1,
            scheduleSteps: 20, decayedParameters: .weights, averageDecay: 0.75)
    }

    /// Every tensor is compared with the formula in Double, with norms over the whole tensor.
    @Test(arguments: kinds) func equalsThePapersFormula(_ kind: any Optimizer) throws {
        let specification = Self.specification(kind), steps = 12, factor = 0.3
        let layout = try OptimizerRun.smallLayout()
        let run = try OptimizerRun(specification, layout, workers: 2, steps: steps, learningRateFactor: factor)
        for entry in layout.entries {
            let isVector = entry.shape.count == 1
            var reference = ReferenceTensor(
                kind, decay: isVector ? 0 : 0.1, usesNorms: !isVector, run.initial.flat(entry.range).values)
            var average = reference.theta
            for step in 0..<steps {
                let rate = step < 4 ? 0.05 * Double(step + 1) / 4 : 0.05 * (1 - Double(step - 4) / 16)
                let gradient = OptimizerRun.normals(layout, number: step + 1).flat(entry.range).values
                reference.step(gradient.map(Double.init), rate: rate * factor, t: step + 1, scale: 0.5)
                average = zip(average, reference.theta).map { 0.75 * $0 + 0.25 * $1 }
            }
            func isNear(_ tensor: Tensor, _ expected: [Double]) -> Bool {
                zip(tensor.flat(entry.range).values, expected).allSatisfy { abs(Double($0) - $1) <= 3e-6 }
            }
            #expect(isNear(run.parameters, reference.theta), "\(entry.path)")
            #expect(isNear(run.average, average), "\(entry.path)")
            for (name, moment) in zip(kind.momentNames, [reference.m, reference.v]) {
                #expect(isNear(try #require(run.arrays[name]), moment), "\(entry.path)/\(name)")
            }
        }
        #expect(try #require(run.arrays["average"]).hasSameBits(as: run.average))
    }

    @Test(arguments: kinds) func bitsDoNotDependOnTheNumberOfWorkers(_ kind: any Optimizer) throws {
        let layout = try OptimizerRun.smallLayout(), bucket = try #require(layout.buckets.first)
        let block = bucket.range.count / layout.shards
        // The example is of use only if tensors cross the borders of blocks.
        #expect(
            layout.entries.count { $0.range.lowerBound / block < ($0.range.upperBound - 1) / block } >= 3)
        let one = try OptimizerRun(Self.specification(kind), layout, workers: 1, steps: 6)
        for workers in [2, 3, 5, 8] {
            let other = try OptimizerRun(Self.specification(kind), layout, workers: workers, steps: 6)
            #expect(other.hasSameBits(as: one), "\(workers) workers")
        }
    }

    /// Several buckets.
    @Test(arguments: [.lars(), .lamb(), .adamw()] as [any Optimizer])
    func bitsOfALargeEncoderDoNotDependOnTheNumberOfWorkers(_ kind: any Optimizer) throws {
        let layout = try Encoder(
            .multilayerPerceptron(widths: [513, 513, 513], activation: .relu, bias: true), inputShape: [7],
            classes: nil, embedding: 3, initialScale: 1, shards: 16
        ).layout
        #expect(layout.buckets.count > 1)
        let one = try OptimizerRun(Self.specification(kind), layout, workers: 1, steps: 2)
        for workers in [2, 3, 4] {
            let other = try OptimizerRun(Self.specification(kind), layout, workers: workers, steps: 2)
            #expect(other.hasSameBits(as: one), "\(workers) workers")
        }
    }

    /// Rules with norms get the same Double for every part of a tensor, for all numbers of workers.
    @Test func bitsOfNormsDoNotDependOnTheNumberOfWorkers() throws {
        // Each of the two matrices has parts in many blocks.
        let layout = try Encoder(
            .multilayerPerceptron(widths: [50], activation: .relu, bias: true), inputShape: [90], classes: nil,
            embedding: 80, initialScale: 1, shards: 32
        ).layout
        func norms(workers: Int) throws -> [(parameters: Double, direction: Double)] {
            let recorder = NormRecorder()
            _ = try OptimizerRun(OptimizerSpecification(kind: recorder), layout, workers: workers, steps: 1)
            return recorder.norms.all.withLock { $0 }
                .map { ($0.parameters, $0.direction) }.sorted { $0 < $1 }
        }
        let one = try norms(workers: 1)
        let squares = layout.entries.filter { $0.shape.count == 2 }.map { entry in
            (0...1).map { number in
                OptimizerRun.normals(layout, number: number).flat(entry.range).values
                    .reduce(0) { $0 + Double($1) * Double($1) }
            }
        }.sorted { $0[0] < $1[0] }
        #expect(one.count == squares.count)
        for (norms, squares) in zip(one, squares) {
            #expect(abs(norms.parameters - squares[0].squareRoot()) <= 1e-13 * norms.parameters)
            #expect(abs(norms.direction - squares[1].squareRoot()) <= 1e-13 * norms.direction)
        }
        for workers in [2, 3, 8, 11, 16] {
            for norms in try norms(workers: workers) { #expect(one.contains { $0 == norms }, "\(workers) workers") }
        }
    }

    /// A factor multiplies the learning rate. Powers of two make the products exact.
    @Test(arguments: kinds) func aFactorMultipliesTheLearningRate(_ kind: any Optimizer) throws {
        let layout = try OptimizerRun.smallLayout()
        var slow = Self.specification(kind)
        slow.learningRate *= 0.25
        let scaled = try OptimizerRun(
            Self.specification(kind), layout, workers: 1, steps: 5, learningRateFactor: 0.25)
        #expect(try OptimizerRun(slow, layout, workers: 1, steps: 5).hasSameBits(as: scaled))
    }

    /// With a gradient factor of 0 only weight decay changes the parameters.
    @Test func decayLeavesOutVectors() throws {
        let layout = try OptimizerRun.smallLayout()
        for decayed in OptimizerSpecification.DecayedParameters.allCases {
            let specification = OptimizerSpecification(
                kind: .sgd(), learningRate: 0.5, weightDecay: 0.25, clipNorm: 1e-300, decayedParameters: decayed)
            let run = try OptimizerRun(specification, layout, workers: 2, steps: 3)
            for entry in layout.entries {
                let factor: Float = decayed == .weights && entry.shape.count == 1 ? 1 : 0.669921875  // (1 - 1/8)³
                let result = run.parameters.flat(entry.range).values
                for (initial, result) in zip(run.initial.flat(entry.range).values, result) {
                    #expect(abs(result - factor * initial) <= (factor == 1 ? 0 : 1e-6))
                }
            }
        }
    }

    /// `decayedParameters` makes no difference without weight decay.
    @Test(arguments: kinds) func groupsWithEqualSettingsAreOne(_ kind: any Optimizer) throws {
        let layout = try OptimizerRun.smallLayout()
        let all = OptimizerSpecification(kind: kind),
            weights = OptimizerSpecification(
                kind: kind, decayedParameters: .weights)
        #expect(
            try OptimizerRun(all, layout, workers: 2, steps: 3).hasSameBits(
                as: OptimizerRun(weights, layout, workers: 2, steps: 3)))
    }

    /// Blocks are as large as their settings allow: one for each bucket if all parameters have the same weight decay.
    @Test func blocksAreAsLargeAsPossible() throws {
        let layout = try OptimizerRun.smallLayout(), count = layout.buckets[0].range.count
        #expect(layout.entries.map(\.shape.count) == [2, 1, 2, 1, 2, 1])
        let starts = layout.entries.map(\.range.lowerBound) + [count]
        for (decayed, expected) in [
            (OptimizerSpecification.DecayedParameters.all, [count]), (.weights, zip(starts.dropFirst(), starts).map(-)),
        ] {
            let recorder = BlockRecorder()
            _ = try OptimizerRun(
                OptimizerSpecification(kind: recorder, weightDecay: 0.1, decayedParameters: decayed), layout,
                workers: 1, steps: 1)
            #expect(recorder.counts.all.withLock { $0 } == expected)
        }
    }

    /// The average starts at the parameters, and stays there as long as they do not change.
    @Test func averageOfConstantParametersIsExact() throws {
        let layout = try OptimizerRun.smallLayout()
        let specification = OptimizerSpecification(kind: .sgd(), clipNorm: 1e-300, averageDecay: 0.9)
        let run = try OptimizerRun(specification, layout, workers: 4, steps: 3)
        #expect(run.parameters.hasSameBits(as: run.initial) && run.average.hasSameBits(as: run.initial))
    }

    @Test func clippingScalesLargeGradientsDown() {
        let specification = OptimizerSpecification(learningRate: 0.1, warmupSteps: 4, clipNorm: 3)
        #expect(
            specification.update(atStep: 1, gradientNorm: 12) == OptimizerStep(rate: 0.1 * 2 / 4, t: 2, scale: 0.25))
        #expect(specification.update(atStep: 9, gradientNorm: 3) == OptimizerStep(rate: 0.1, t: 10, scale: 1))
        #expect(OptimizerSpecification().update(atStep: 0, gradientNorm: 1e30).scale == 1)
    }
}

/// An optimizer that changes nothing and records the norms of the tensors. The direction is the gradient.
private struct NormRecorder: TensorNormOptimizer {
    final class Norms: Sendable {
        let all = Mutex<[TensorNorms]>([])
    }
    let norms = Norms()

    static let name = "norm_recorder"
    static let table = ConfigurationTable(NormRecorder(), [])
    static func == (a: NormRecorder, b: NormRecorder) -> Bool { a.norms === b.norms }
    var momentNames: [String] { [] }
    func direction(_ block: OptimizerBlock) {}
    func apply(_ block: OptimizerBlock, norms: TensorNorms?) {
        if let norms { self.norms.all.withLock { $0.append(norms) } }
    }
}

/// An optimizer that changes nothing and records the sizes of its blocks.
private struct BlockRecorder: Optimizer {
    final class Counts: Sendable {
        let all = Mutex<[Int]>([])
    }
    let counts = Counts()

    static let name = "recorder"
    static let table = ConfigurationTable(BlockRecorder(), [])
    static func == (a: BlockRecorder, b: BlockRecorder) -> Bool { a.counts === b.counts }
    var momentNames: [String] { [] }
    func update(_ block: OptimizerBlock) { counts.all.withLock { $0.append(block.count) } }
}
