/// The block `optimizer`: how parameters follow their gradients.
public struct OptimizerSpecification: Equatable, Sendable {
    /// The rule that turns a gradient into a step. `weightDecay` belongs to all of them.
    public enum Kind: Equatable, Sendable {
        /// Stochastic gradient descent: m ← momentum · m + gradient, θ ← θ - rate · m. Weight decay is added to the gradient.
        case sgd(momentum: Double = 0)
        /// Adam (Kingma & Ba 2015, algorithm 1). Weight decay is an L2 term in the gradient.
        case adam(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8)
        /// Adam with weight decay decoupled from the gradient: θ ← θ - rate · decay · θ (Loshchilov & Hutter 2019, algorithm 2).
        case adamw(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8)

        /// As in a file: sgd, adam, adamw.
        public var name: String {
            switch self {
            case .sgd: "sgd"
            case .adam: "adam"
            case .adamw: "adamw"
            }
        }
    }

    /// How the learning rate goes on after the warm-up, to the last of the schedule's steps.
    public enum Schedule: String, CaseIterable, Sendable {
        /// As it is.
        case constant
        /// Straight down to 0.
        case linear
        /// Down to 0 along half a cosine (Loshchilov & Hutter 2017, without restarts).
        case cosine
    }

    public var kind: Kind
    /// The rate at its highest, after the warm-up.
    public var learningRate: Double
    public var schedule: Schedule
    /// Over how many first steps the rate rises in a straight line from 0.
    public var warmupSteps: Int
    public var weightDecay: Double
    /// Gradients of a greater norm, over all parameters together, are scaled down to it; nil: never.
    public var clipNorm: Double?
    /// After how many steps a falling rate reaches 0. Nil in a file means `train.steps` of the run's first start: resuming with more
    /// steps does not stretch the schedule. Always nil with `constant`.
    public var scheduleSteps: Int?

    public init(
        kind: Kind = .adam(), learningRate: Double = 0.001, schedule: Schedule = .constant, warmupSteps: Int = 0,
        weightDecay: Double = 0, clipNorm: Double? = nil, scheduleSteps: Int? = nil
    ) {
        self.kind = kind
        self.learningRate = learningRate
        self.schedule = schedule
        self.warmupSteps = warmupSteps
        self.weightDecay = weightDecay
        self.clipNorm = clipNorm
        self.scheduleSteps = scheduleSteps
    }
}
