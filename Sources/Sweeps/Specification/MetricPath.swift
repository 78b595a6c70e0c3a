import CoupletCommunication
import CoupletText
import CoupletTraining

/// The path of a number in the output of `couplet evaluate --json`: keys and list indices, separated by dots, such as
/// `gaussian.coupling_error` or `gaussian.singular_values.0`.
public struct MetricPath: Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ text: String) { description = text }

    /// Returns the number at this path; nil if there is none or it is not finite.
    public func value(in evaluation: JSONValue) -> Double? {
        var value = evaluation
        for key in description.split(separator: ".", omittingEmptySubsequences: false) {
            guard let member = value[String(key)] else { return nil }
            value = member
        }
        return value.number
    }

    /// Explains why there is no number, and which path to use instead.
    public func problem(in evaluation: JSONValue) -> String {
        let known = Self.paths(of: evaluation, "")
        if known.contains(description) { return "\(description) is not finite" }
        let guess = NearestNames.guess(description, among: known).map { "did you mean \($0)? There are" } ?? "there are"
        return "the evaluation has no number \(description); \(guess) \(known.joined(separator: ", "))"
    }

    /// The paths of all numbers. A null counts as a number, because it stands for a number that is not finite.
    private static func paths(of value: JSONValue, _ path: String) -> [String] {
        func inner(_ key: String, _ value: JSONValue) -> [String] {
            paths(of: value, path.isEmpty ? key : "\(path).\(key)")
        }
        return switch value {
        case .object(let members): members.flatMap { inner($0.0, $0.1) }
        case .array(let elements): elements.enumerated().flatMap { inner(String($0.offset), $0.element) }
        case .integer, .number, .null: [path]
        case .boolean, .string: []
        }
    }
}

/// Checks before the first trial that the evaluations of a sweep contain its metric.
///
/// The check evaluates untrained models. A misspelt path therefore costs seconds and not a whole sweep.
struct MetricCheck {
    let plan: TrialPlan
    let sources: SourceCache

    /// Number of held-out pairs in the gallery and of samples for regressors. It does not change the evaluation's keys.
    private static let sampleCount = 16
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

    private func evaluation(_ trial: Configuration) throws -> JSONValue {
        var configuration = trial
        configuration.evaluation.pairs = min(configuration.evaluation.pairs ?? Self.sampleCount, Self.sampleCount)
        configuration.evaluation.identifiability?.samples = Self.sampleCount
        let opened = try sources.source(of: configuration), encoders = try ModelEncoders(configuration, source: opened)
        let source = encoders.checkingTokens(of: opened), model = Model(encoders, configuration)
        return try WorkerGroup.alone().run(threads: 1) { [configuration] communicator in
            try ModelEvaluation(configuration: configuration, model: model, source: source, communicator: communicator)
                .run(step: 0, temperature: configuration.objective.temperature.initial).json
        }
    }
}
