import CoupletOptimizers
import CoupletSchema

/// Reading and writing of the block `optimizer`. The kind and the schedule determine which keys apply.
extension OptimizerSpecification {
    init(reading block: ConfigurationBlock) {
        self.init()
        defer { block.finish() }
        let kinds = [Kind.sgd(), .adam(), .adamw()]
        var name: String? = kind.name
        if let node = block.value("kind") {
            name = block.choice("kind", "optimizer", among: kinds.map(\.name), node: node)
        }
        kind = kinds.first { $0.name == name } ?? kind
        switch kind {
        case _ where name == nil:
            // Without a known kind, the keys of all kinds are accepted.
            for key in ["momentum", "beta1", "beta2", "epsilon"] { _ = block.value(key) }
        case .sgd(var momentum):
            block.read("momentum", into: &momentum, .belowOne, example: 0.9)
            kind = .sgd(momentum: momentum)
            block.markInapplicable(["beta1", "beta2", "epsilon"], because: "sgd does not have it; adam and adamw do")
        case .adam(var beta1, var beta2, var epsilon):
            Self.readAdam(block, &beta1, &beta2, &epsilon, kind: "adam")
            kind = .adam(beta1: beta1, beta2: beta2, epsilon: epsilon)
        case .adamw(var beta1, var beta2, var epsilon):
            Self.readAdam(block, &beta1, &beta2, &epsilon, kind: "adamw")
            kind = .adamw(beta1: beta1, beta2: beta2, epsilon: epsilon)
        }
        block.read("learning_rate", into: &learningRate, .positive, example: 0.001)
        block.read("schedule", into: &schedule, kind: "schedule")
        block.read("warmup_steps", into: &warmupSteps, in: 0...ConfigurationLimits.steps, example: 100)
        block.read("weight_decay", into: &weightDecay, .nonNegative, example: 0.01)
        block.read("clip_norm", into: &clipNorm, .positive, example: 1)
        if schedule == .constant {
            block.markInapplicable(["schedule_steps"], because: "the schedule is constant, so its rate never decays")
        } else {
            block.read("schedule_steps", into: &scheduleSteps, in: 0...ConfigurationLimits.steps, example: 1_500)
            if let scheduleSteps, scheduleSteps < warmupSteps {
                block.note(
                    "schedule_steps",
                    "the schedule ends at step \(scheduleSteps), before its warm-up of \(warmupSteps) steps ends")
            }
        }
    }

    private static func readAdam(
        _ block: ConfigurationBlock, _ beta1: inout Double, _ beta2: inout Double, _ epsilon: inout Double, kind: String
    ) {
        block.read("beta1", into: &beta1, .belowOne, example: 0.9)
        block.read("beta2", into: &beta2, .belowOne, example: 0.999)
        block.read("epsilon", into: &epsilon, .positive, example: 1e-8)
        block.markInapplicable(["momentum"], because: "\(kind) does not have it (beta1 plays its role); sgd does")
    }

    var entries: [YAMLValue.Entry] {
        var entries: [YAMLValue.Entry] = [("kind", .scalar(kind.name))]
        switch kind {
        case .sgd(let momentum): entries.append(("momentum", .number(momentum)))
        case .adam(let beta1, let beta2, let epsilon), .adamw(let beta1, let beta2, let epsilon):
            entries += [("beta1", .number(beta1)), ("beta2", .number(beta2)), ("epsilon", .number(epsilon))]
        }
        entries += [
            ("learning_rate", .number(learningRate)), ("schedule", .name(schedule)),
            ("warmup_steps", .integer(warmupSteps)),
            ("weight_decay", .number(weightDecay)), ("clip_norm", .optional(clipNorm, YAMLValue.number)),
        ]
        if schedule != .constant { entries.append(("schedule_steps", .optional(scheduleSteps, YAMLValue.integer))) }
        return entries
    }
}
