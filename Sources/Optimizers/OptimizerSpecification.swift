import CoupletSchema

/// The block `optimizer` of a config: the update rule, the schedule of the learning rate, gradient clipping, groups of
/// parameters, and the moving average of the parameters.
public struct OptimizerSpecification: Sendable {
    /// The parameters that weight decay applies to.
    public enum DecayedParameters: String, CaseIterable, Sendable {
        /// All parameters of the encoders.
        case all
        /// Only tensors with at least two dimensions, the default. Biases, and the scales and shifts of normalisations,
        /// have one.
        case weights
    }

    /// Factors of the learning rate, one for each encoder.
    public struct LearningRateFactors: Equatable, Sendable {
        public var first: Double
        public var second: Double

        public init(first: Double = 1, second: Double = 1) {
            self.first = first
            self.second = second
        }

        static let table = ConfigurationTable(
            LearningRateFactors(),
            [
                .key("first", \.first, .number(.positive, example: 1), "Factor of the first encoder."),
                .key("second", \.second, .number(.positive, example: 0.1), "Factor of the second encoder."),
            ])
    }

    /// The update rule.
    public var kind: any Optimizer
    /// Maximum of the learning rate, reached at the end of the warm-up.
    public var learningRate: Double
    public var schedule: LearningRateSchedule.Kind
    /// Number of steps over which the learning rate rises linearly.
    public var warmupSteps: Int
    /// λ of the update rule.
    public var weightDecay: Double
    /// The parameters that weight decay applies to. Learned scalars of the objective never have weight decay.
    public var decayedParameters: DecayedParameters
    /// Maximum norm of the gradient over all parameters; larger gradients are scaled down to it. Nil: no clipping.
    public var clipNorm: Double?
    /// Step at which a decaying rate reaches 0. Nil in a config means `train.steps` at the first start of the run, so
    /// resuming with more steps does not stretch the schedule. Always nil with a constant schedule.
    public var scheduleSteps: Int?
    /// Factors of the learning rate of each encoder. Learned scalars of the objective have the factor 1.
    public var learningRateFactors: LearningRateFactors
    /// d of the exponential moving average of the encoders' parameters: θ̄ ← d θ̄ + (1 - d) θ after each update, from
    /// the initial parameters. Nil: no average.
    public var averageDecay: Double?

    public init(
        kind: any Optimizer = .adam(), learningRate: Double = 0.001, schedule: LearningRateSchedule.Kind = .constant,
        warmupSteps: Int = 0, weightDecay: Double = 0, clipNorm: Double? = nil, scheduleSteps: Int? = nil,
        decayedParameters: DecayedParameters = .weights,
        learningRateFactors: LearningRateFactors = LearningRateFactors(),
        averageDecay: Double? = nil
    ) {
        self.kind = kind
        self.learningRate = learningRate
        self.schedule = schedule
        self.warmupSteps = warmupSteps
        self.weightDecay = weightDecay
        self.decayedParameters = decayedParameters
        self.clipNorm = clipNorm
        self.scheduleSteps = scheduleSteps
        self.learningRateFactors = learningRateFactors
        self.averageDecay = averageDecay
    }
}

extension OptimizerSpecification: Equatable {
    public static func == (a: OptimizerSpecification, b: OptimizerSpecification) -> Bool {
        a.kind.isEqual(to: b.kind) && a.learningRate == b.learningRate && a.schedule == b.schedule
            && a.warmupSteps == b.warmupSteps && a.weightDecay == b.weightDecay
            && a.decayedParameters == b.decayedParameters && a.clipNorm == b.clipNorm
            && a.scheduleSteps == b.scheduleSteps && a.learningRateFactors == b.learningRateFactors
            && a.averageDecay == b.averageDecay
    }
}

// MARK: - Keys

extension OptimizerSpecification {
    package static let table = ConfigurationTable(
        OptimizerSpecification(), help: "How the parameters are updated from the gradient.",
        [
            .kind("kind", \.kind, of: .optimizer, "The update rule.") { $0 },
            .key(
                "learning_rate", \.learningRate, .number(.positive, example: 0.001),
                "Maximum of the learning rate, reached at the end of the warm-up."),
            .key(
                "schedule", \.schedule, .choice("schedule"),
                "The learning rate after the warm-up: constant, or decaying to 0."),
            .key(
                "warmup_steps", \.warmupSteps, .integer(0...ConfigurationLimits.steps, example: 100),
                "Number of steps over which the learning rate rises linearly."),
            .key(
                "weight_decay", \.weightDecay, .number(.nonNegative, example: 0.01),
                "Strength of the weight decay."),
            .key(
                "weight_decay_on", \.decayedParameters, .choice("set of parameters"),
                "What weight decay applies to; weights leaves out tensors of one dimension: biases, normalisations."),
            .key(
                "clip_norm", \.clipNorm, .optional(.number(.positive, example: 1)),
                "Maximum norm of the gradient over all parameters; larger gradients are scaled down."),
            .key(
                "schedule_steps", \.scheduleSteps,
                .optional(.integer(0...ConfigurationLimits.steps, example: 1_500)),
                "Step at which a decaying rate reaches 0; null means train.steps at the first start of the run.",
                .when("schedule", { $0.schedule != .constant }) { _ in
                    "the schedule is constant, so its rate never decays"
                }),
            .key(
                "learning_rate_factors", \.learningRateFactors,
                .block(LearningRateFactors.table, example: "{first: 1, second: 0.1}", isInline: true),
                "Factors of the learning rate, one for each encoder."),
            .key(
                "average_decay", \.averageDecay, .optional(.number(.belowOne, example: 0.999)),
                "Decay of an exponential moving average of the parameters; null keeps no average."),
        ]
    ) { result, block in
        let arrays = result.kind.momentNames + [averageName]
        if Set(arrays).count < arrays.count {
            block.note(
                "kind",
                "the optimizer \(result.kind.kindName) has the moments \(arrays.dropLast().joined(separator: ", ")); "
                    + "their names must differ from each other and from \(averageName), the moving average of the "
                    + "parameters in checkpoints; rename them in the program")
        }
        if let scheduleSteps = result.scheduleSteps, scheduleSteps < result.warmupSteps {
            let warmup = "before its warm-up of \(result.warmupSteps) steps ends"
            block.note("schedule_steps", "the schedule ends at step \(scheduleSteps), \(warmup)")
        }
    }
}

// MARK: - The numbers of a step

extension OptimizerSpecification {
    /// The name of the moving average beside the names of the moments. No moment may have it.
    package static let averageName = "average"

    /// Names of the arrays that training keeps for each parameter: the moments and the moving average.
    package var arrayNames: [String] { kind.momentNames + (averageDecay == nil ? [] : [Self.averageName]) }

    /// The numbers of the update from the parameters after `step` steps to those after `step` + 1.
    /// - Parameter gradientNorm: norm of the gradient over all parameters, learned scalars included.
    package func update(atStep step: Int, gradientNorm: Double) -> OptimizerStep {
        OptimizerStep(
            rate: LearningRateSchedule(self).rate(atStep: step), t: step + 1,
            scale: clipFactor(gradientNorm: gradientNorm))
    }

    /// The factor that scales a gradient of this norm down to `clipNorm`; 1 if the norm is not larger.
    package func clipFactor(gradientNorm: Double) -> Double {
        guard let clipNorm, gradientNorm > clipNorm else { return 1 }
        return clipNorm / gradientNorm
    }
}
