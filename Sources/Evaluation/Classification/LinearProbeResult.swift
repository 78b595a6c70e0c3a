import CoupletText

/// What a linear classifier makes of frozen encodings, on held-out samples.
public struct LinearProbeResult: Equatable, Sendable {
    /// The share of samples whose own class has a higher probability than every other.
    public let top1: Double
    /// The mean of -log p(own class); infinite where a class was never seen in training.
    public let logLoss: Double
    /// Labelled training samples a class; nil: all there are.
    public let perClass: Int?
    /// Training samples in all.
    public let trainingCount: Int
    /// λ, as `LinearProbe` has it.
    public let penalty: Double
    public let iterations: Int
    public let hasConverged: Bool
    /// Held-out samples.
    public let count: Int

    public init(
        top1: Double, logLoss: Double, perClass: Int?, trainingCount: Int, penalty: Double, iterations: Int,
        hasConverged: Bool, count: Int
    ) {
        self.top1 = top1
        self.logLoss = logLoss
        self.perClass = perClass
        self.trainingCount = trainingCount
        self.penalty = penalty
        self.iterations = iterations
        self.hasConverged = hasConverged
        self.count = count
    }

    var json: JSONValue {
        .object([
            ("top1", .number(top1)), ("log_loss", .number(logLoss)),
            ("per_class", perClass.map { .integer($0) } ?? .null),
            ("training_count", .integer(trainingCount)), ("penalty", .number(penalty)),
            ("iterations", .integer(iterations)),
            ("converged", .boolean(hasConverged)), ("count", .integer(count)),
        ])
    }
}
