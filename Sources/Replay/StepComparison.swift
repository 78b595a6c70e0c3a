import CoupletTraining

/// A step that was logged and has been made again: what both say of it.
public struct StepComparison: Equatable, Sendable {
    /// One number of it.
    public struct Value: Equatable, Sendable {
        /// As in metrics.jsonl.
        public let name: String
        public let logged: Double
        public let replayed: Double

        /// Bit for bit. Numbers that are not finite are logged as null, so they count as the same.
        public var isSame: Bool { logged.bitPattern == replayed.bitPattern || !logged.isFinite && !replayed.isFinite }

        /// |logged - replayed|, relative to |logged| where that is above 1.
        public var difference: Double {
            if isSame { return 0 }
            let difference = abs(logged - replayed) / max(1, abs(logged))
            return difference.isNaN ? .infinity : difference
        }
    }

    public let step: Int
    public let values: [Value]

    init(_ record: MetricsRecord, _ report: StepReport) {
        step = report.step
        values = [
            Value(name: "loss", logged: record.loss, replayed: report.loss),
            Value(name: "gradient_norm", logged: record.gradientNorm, replayed: report.gradientNorm),
            Value(name: "learning_rate", logged: record.learningRate, replayed: report.learningRate),
            Value(name: "temperature", logged: record.temperature, replayed: report.temperature),
        ]
    }

    public var isSame: Bool { values.allSatisfy(\.isSame) }

    /// The value that differs most.
    public var worst: Value { values.max { $0.difference < $1.difference }! }
}
