import CoupletOptimizers
import CoupletSchema

extension ConfigurationBlock {
    /// The block `optimizer`: which keys it takes, its kind and its schedule decide.
    func optimizer() -> Configuration.Optimizer {
        defer { finish() }
        var optimizer = Configuration.Optimizer()
        var name: String? = optimizer.kind.name
        if let node = value("kind") { name = choice("kind", "optimizer", among: ["sgd", "adam", "adamw"], node: node) }
        switch name {
        case "sgd":
            guard case .sgd(var momentum) = Configuration.Optimizer.Kind.sgd() else { break }
            read("momentum", into: &momentum, .belowOne, example: 0.9)
            optimizer.kind = .sgd(momentum: momentum)
            markInapplicable(["beta1", "beta2", "epsilon"], because: "sgd does not have it; adam and adamw do")
        case "adam":
            guard case .adam(var beta1, var beta2, var epsilon) = Configuration.Optimizer.Kind.adam() else { break }
            readMoments(&beta1, &beta2, &epsilon, of: "adam")
            optimizer.kind = .adam(beta1: beta1, beta2: beta2, epsilon: epsilon)
        case "adamw":
            guard case .adamw(var beta1, var beta2, var epsilon) = Configuration.Optimizer.Kind.adamw() else { break }
            readMoments(&beta1, &beta2, &epsilon, of: "adamw")
            optimizer.kind = .adamw(beta1: beta1, beta2: beta2, epsilon: epsilon)
        default: for key in ["momentum", "beta1", "beta2", "epsilon"] { _ = value(key) }
        }
        read("learning_rate", into: &optimizer.learningRate, .positive, example: 0.001)
        if let node = value("schedule"),
            let name = choice(
                "schedule", "schedule", among: Configuration.Optimizer.Schedule.allCases.map(\.rawValue), node: node),
            let schedule = Configuration.Optimizer.Schedule(rawValue: name)
        {
            optimizer.schedule = schedule
        }
        read("warmup_steps", into: &optimizer.warmupSteps, in: 0...ConfigurationLimits.steps, example: 100)
        read("weight_decay", into: &optimizer.weightDecay, .nonNegative, example: 0.01)
        read("clip_norm", into: &optimizer.clipNorm, .positive, example: 1)
        if optimizer.schedule == .constant {
            markInapplicable(["schedule_steps"], because: "the schedule is constant, and falls at no step")
        } else {
            read("schedule_steps", into: &optimizer.scheduleSteps, in: 0...ConfigurationLimits.steps, example: 1_500)
            if let steps = optimizer.scheduleSteps, steps < optimizer.warmupSteps {
                note(
                    "schedule_steps",
                    "the schedule ends at step \(steps), before its warm-up of \(optimizer.warmupSteps) steps")
            }
        }
        return optimizer
    }

    private func readMoments(_ beta1: inout Double, _ beta2: inout Double, _ epsilon: inout Double, of kind: String) {
        read("beta1", into: &beta1, .belowOne, example: 0.9)
        read("beta2", into: &beta2, .belowOne, example: 0.999)
        read("epsilon", into: &epsilon, .positive, example: 1e-8)
        markInapplicable(["momentum"], because: "\(kind) does not have it (its beta1 takes that part); sgd does")
    }
}
