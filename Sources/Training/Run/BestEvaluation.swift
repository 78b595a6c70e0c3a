import CoupletEvaluation
import CoupletStorage
import CoupletText

/// The best evaluation of a run so far, for `train.best` and `train.stop_early`. All workers have the same value,
/// because an evaluation has the same bits on all of them. Checkpoints hold it, so a resumed run goes on with it.
package struct BestEvaluation: Equatable, Sendable {
    package let metric: String
    package let goal: MetricGoal
    /// Step and value of the best evaluation, the first one of equal ones; nil before a finite value.
    package private(set) var best: (step: Int, value: Double)?
    /// The value from which the next improvement is measured, for `train.stop_early.minimum_change`.
    private var reference: Double?
    /// Number of evaluations since the last improvement that counts for `train.stop_early`.
    package private(set) var evaluationsWithoutImprovement = 0

    package init(_ settings: Configuration.Train.Best) {
        metric = settings.metric
        goal = settings.goal
    }

    package static func == (a: BestEvaluation, b: BestEvaluation) -> Bool { a.json == b.json }

    /// Takes an evaluation.
    /// - Parameter value: nil or not finite if the evaluation has no such number; it is then no improvement.
    /// - Returns: whether it is the best so far.
    package mutating func evaluated(step: Int, value: Double?, minimumChange: Double) -> Bool {
        let value = value.flatMap { $0.isFinite ? $0 : nil }
        let isBest = value.map { value in best.map { goal.isBetter(value, than: $0.value) } ?? true } ?? false
        if isBest, let value { best = (step, value) }
        let isImprovement =
            value.map { value in
                reference.map { goal.isBetter(value, than: $0) && abs(value - $0) > minimumChange } ?? true
            } ?? false
        if isImprovement { reference = value }
        evaluationsWithoutImprovement = isImprovement ? 0 : evaluationsWithoutImprovement + 1
        return isBest
    }

    /// Whether the run ends by `train.stop_early`.
    package func isExhausted(_ settings: Configuration.Train.StopEarly?) -> Bool {
        settings.map { evaluationsWithoutImprovement >= $0.patience } ?? false
    }

    /// Whether a checkpoint with these scalars is the last one of a run that `train.stop_early` ends.
    package static func isExhausted(
        _ scalars: [(name: String, value: AttributeValue)], _ settings: Configuration.Train.StopEarly?
    ) -> Bool {
        BestEvaluation(text: text(in: scalars))?.isExhausted(settings) ?? false
    }

    // MARK: - In a checkpoint

    private static let scalarName = "best"

    private var json: JSONValue {
        .object([
            ("metric", .string(metric)), ("goal", .string(goal.rawValue)),
            ("step", best.map { .integer($0.step) } ?? .null), ("value", .number(best?.value)),
            ("reference", .number(reference)),
            ("evaluations_without_improvement", .integer(evaluationsWithoutImprovement)),
        ])
    }

    /// The value as scalars of a checkpoint.
    package var scalars: [(name: String, value: AttributeValue)] {
        [(Self.scalarName, .string(json.text))]
            + (best.map { [(CheckpointStore.bestStepName, .integer($0.step))] } ?? [])
    }

    /// The JSON of the value in the scalars of a checkpoint; empty if there is none.
    package static func text(in scalars: [(name: String, value: AttributeValue)]) -> String {
        guard case .string(let text)? = scalars.first(where: { $0.name == scalarName })?.value else { return "" }
        return text
    }

    /// The value of a checkpoint. Nil if the text is none.
    package init?(text: String) {
        guard let json = JSONValue(text: text), let metric = json["metric"]?.string,
            let goal = json["goal"]?.string.flatMap(MetricGoal.init),
            let count = json["evaluations_without_improvement"]?.integer
        else { return nil }
        self.metric = metric
        self.goal = goal
        if let step = json["step"]?.integer, let value = json["value"]?.number { best = (step, value) }
        reference = json["reference"]?.number
        evaluationsWithoutImprovement = count
    }

    /// Whether the value is of the metric of a config.
    func isOf(_ settings: Configuration.Train.Best) -> Bool { metric == settings.metric && goal == settings.goal }

    /// "retrieval.mean_reciprocal_rank 0.4981 after step 400".
    var text: String {
        best.map { "\(metric) \(NumberText.significant($0.value)) after step \($0.step)" } ?? "\(metric): no number"
    }
}
