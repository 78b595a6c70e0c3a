import CoupletOptimizers
import CoupletTensors
import CoupletTraining
import Foundation
import Testing

/// Rules and schedules against the papers' formulas in Double.
@Suite struct OptimizerTests {
    /// One parameter's way, as the paper writes it, in Double.
    struct Naive {
        let kind: Configuration.Optimizer.Kind
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

    static let kinds: [Configuration.Optimizer.Kind] = [
        .sgd(), .sgd(momentum: 0.9), .adam(), .adam(beta1: 0.8, beta2: 0.95, epsilon: 1e-3), .adamw(),
        .adamw(beta1: 0, beta2: 0.9, epsilon: 1e-6),
    ]

    @Test(arguments: kinds, [0, 0.1]) func ruleIsThePapers(_ kind: Configuration.Optimizer.Kind, decay: Double) {
        let count = 37, steps = 60, rule = Optimizer(kind: kind, weightDecay: decay)
        let parameters = Tensor([count], Philox(seed: 1).normals(count, .evaluation, number: 0))
        let moments = rule.momentNames.map { _ in Tensor([count]) }
        var naive = parameters.values.map { Naive(kind: kind, decay: decay, theta: Double($0)) }
        var scalar = Double(parameters[0]), scalarMoments = rule.momentNames.map { _ in 0.0 }
        var scalarNaive = Naive(kind: kind, decay: 0, theta: scalar)
        for t in 1...steps {
            let gradient = Tensor([count], Philox(seed: 2).normals(count, .evaluation, number: UInt64(t)))
            let rate = 0.01 / Double(t).squareRoot(), scale = t % 3 == 0 ? 0.25 : 1
            rule.update(parameters, gradient: gradient, moments: moments, rate: rate, t: t, scale: scale)
            rule.update(&scalar, gradient: Double(gradient[0]), moments: &scalarMoments, rate: rate, t: t, scale: scale)
            for i in 0..<count { naive[i].step(Double(gradient[i]), rate: rate, t: t, scale: scale) }
            scalarNaive.step(Double(gradient[0]), rate: rate, t: t, scale: scale)
        }
        for i in 0..<count {
            #expect(abs(Double(parameters[i]) - naive[i].theta) <= 3e-6)
            if let m = moments.first { #expect(abs(Double(m[i]) - naive[i].m) <= 3e-6) }
            if moments.count == 2 { #expect(abs(Double(moments[1][i]) - naive[i].v) <= 3e-6) }
        }
        // The objective's scalars follow the same rule in Double, without decay.
        #expect(abs(scalar - scalarNaive.theta) <= 1e-14)
    }

    /// A parameter's update does not depend on which range of the buffer it is updated with.
    @Test(arguments: kinds) func rangesDoNotCount(_ kind: Configuration.Optimizer.Kind) {
        let count = 96, rule = Optimizer(kind: kind, weightDecay: 0.01)
        func run(pieces: [Range<Int>]) -> [Float] {
            let parameters = Tensor([count], Philox(seed: 1).normals(count, .evaluation, number: 0))
            let moments = rule.momentNames.map { _ in Tensor([count]) }
            for t in 1...5 {
                let gradient = Tensor([count], Philox(seed: 2).normals(count, .evaluation, number: UInt64(t)))
                for range in pieces {
                    rule.update(
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

    @Test func schedules() {
        func rates(_ schedule: Configuration.Optimizer.Schedule, warmup: Int, steps: Int?) -> [Double] {
            let schedule = LearningRateSchedule(
                .init(learningRate: 0.2, schedule: schedule, warmupSteps: warmup, scheduleSteps: steps))
            return (0..<14).map(schedule.rate(atStep:))
        }
        func isNear(_ rates: [Double], _ expected: [Double]) -> Bool {
            zip(rates, expected).allSatisfy { abs($0 - 0.2 * $1) <= 1e-15 }
        }
        #expect(isNear(rates(.constant, warmup: 0, steps: nil), .init(repeating: 1, count: 14)))
        let warm = [0.25, 0.5, 0.75, 1]
        #expect(isNear(rates(.constant, warmup: 4, steps: nil), warm + .init(repeating: 1, count: 10)))
        #expect(
            isNear(rates(.linear, warmup: 4, steps: 12), warm + [1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0, 0]))
        let cosine = (0...8).map { 0.5 + 0.5 * cos(Double.pi * Double($0) / 8) } + [0]
        #expect(isNear(rates(.cosine, warmup: 4, steps: 12), warm + cosine))
        #expect(isNear(rates(.linear, warmup: 0, steps: 10), (0...10).map { 1 - Double($0) / 10 } + [0, 0, 0]))
    }
}
