import CoupletText

/// What `metrics.jsonl` says of one logged step.
public struct MetricsRecord: Equatable, Sendable {
    /// How many steps are done.
    public var step: Int
    public var loss: Double
    public var learningRate: Double
    /// Of all parameters together, before clipping.
    public var gradientNorm: Double
    public var temperature: Double
    /// Since the record before.
    public var pairsPerSecond: Double
    /// Since the start of this process's training.
    public var seconds: Double

    public init(
        step: Int, loss: Double, learningRate: Double, gradientNorm: Double, temperature: Double,
        pairsPerSecond: Double, seconds: Double
    ) {
        self.step = step
        self.loss = loss
        self.learningRate = learningRate
        self.gradientNorm = gradientNorm
        self.temperature = temperature
        self.pairsPerSecond = pairsPerSecond
        self.seconds = seconds
    }

    /// One JSON object on one line. Every number reads back as the same Double; one that is not finite, which JSON cannot
    /// write, is null.
    public var json: String {
        JSONValue.object([
            ("step", .integer(step)), ("loss", .number(loss)), ("learning_rate", .number(learningRate)),
            ("gradient_norm", .number(gradientNorm)), ("temperature", .number(temperature)),
            ("pairs_per_second", .number(pairsPerSecond)), ("seconds", .number(seconds)),
        ]).text
    }

    /// The step of a line that `json` wrote; nil for any other, such as one cut short by a kill.
    static func step(ofLine line: some StringProtocol) -> Int? {
        guard line.hasPrefix("{\"step\": "), line.hasSuffix("}") else { return nil }
        return Int(line.dropFirst(9).prefix { $0.isNumber })
    }
}
