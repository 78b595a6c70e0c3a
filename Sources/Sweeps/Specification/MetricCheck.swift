import CoupletEvaluation
import CoupletText
import CoupletTraining

/// Checks before the first trial that the evaluations of a sweep contain its metric.
///
/// The check evaluates untrained models. A misspelt path therefore costs seconds and not a whole sweep.
struct MetricCheck {
    let plan: TrialPlan
    let sources: SourceCache

    /// Largest number of trials that are evaluated, because the metric may depend on the varied keys.
    private static let maximumTrialCount = 4

    /// - Throws: `ConfigurationError` if no evaluation has a number at the metric's path.
    func run() throws {
        var problem: String?
        for trial in plan.runnableTrials.prefix(Self.maximumTrialCount) {
            // A fault in the data of a trial is reported when that trial starts.
            guard let configuration = trial.configuration, let evaluation = try? evaluation(configuration) else {
                return
            }
            if plan.specification.metric.value(in: evaluation) != nil { return }
            problem = plan.specification.metric.problem(in: evaluation)
            // A number that is not finite before training may be finite afterwards.
            if problem?.hasSuffix("not finite") == true { return }
        }
        guard let problem, plan.runnableTrials.count <= Self.maximumTrialCount || !variesEvaluationKeys else { return }
        throw plan.specification.error(key: "metric", problem)
    }

    /// Whether trials differ in a key that decides which sections an evaluation has.
    private var variesEvaluationKeys: Bool {
        plan.specification.varied.contains { key in
            ["data", "encoders"].contains { key.key == $0 || key.key.hasPrefix("\($0).") }
        }
    }

    private func evaluation(_ configuration: Configuration) throws -> JSONValue {
        let opened = try sources.source(of: configuration), encoders = try ModelEncoders(configuration, source: opened)
        let source = encoders.checkingTokens(of: opened)
        return try configuration.exampleEvaluation(
            Model(encoders, configuration), source: source, extent: .full)
    }
}
