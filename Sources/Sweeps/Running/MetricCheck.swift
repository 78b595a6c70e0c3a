import CoupletCommunication
import CoupletSchema
import CoupletText
import CoupletTraining

/// Whether the evaluations of a sweep will have its metric: asked of untrained models before anything runs, so that a misspelt path costs seconds and
/// no sweep.
struct MetricCheck {
    let plan: TrialPlan
    let sources: SourceCache

    /// Held-out pairs of the gallery, and samples for regressors: their number changes no key.
    private static let pairs = 16
    /// The metric may depend on what is varied: so many trials are asked before a sweep is refused.
    private static let mostTrials = 4

    /// - Throws: `ConfigurationError` where no evaluation has a number there.
    func run() throws {
        var problem: String?
        for trial in plan.possible.prefix(Self.mostTrials) {
            // What is wrong with a trial's data, its own start will tell.
            guard let configuration = trial.configuration, let evaluation = try? evaluation(configuration) else {
                return
            }
            if plan.specification.metric.value(in: evaluation) != nil { return }
            problem = plan.specification.metric.problem(in: evaluation)
            // A number that is not finite before training may be afterwards.
            if problem?.hasSuffix("not finite") == true { return }
        }
        guard let problem, plan.possible.count <= Self.mostTrials || !isVaried else { return }
        throw ConfigurationError([
            .init(place: .file(name: plan.specification.file, line: 1, column: 1), key: "metric", reason: problem)
        ])
    }

    /// Whether trials differ in what decides which sections an evaluation has.
    private var isVaried: Bool {
        plan.specification.varied.contains { key in
            ["data", "encoders"].contains { key.key == $0 || key.key.hasPrefix("\($0).") }
        }
    }

    private func evaluation(_ trial: Configuration) throws -> JSONValue {
        var configuration = trial
        configuration.evaluation.pairs = min(configuration.evaluation.pairs ?? Self.pairs, Self.pairs)
        configuration.evaluation.identifiability?.samples = Self.pairs
        let source = try sources.source(of: configuration), model = try Model(configuration, source: source)
        return try WorkerGroup.alone().run(threads: 1) { [configuration] communicator in
            try ModelEvaluation(configuration: configuration, model: model, source: source, communicator: communicator)
                .run(step: 0, temperature: configuration.objective.temperature.initial).json
        }
    }
}
