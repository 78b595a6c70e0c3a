import CoupletCommunication
import CoupletEvaluation
import CoupletPairs
import CoupletText

extension Configuration {
    /// Number of pairs, and of samples for regressors, of an example evaluation.
    private static let exampleCount = 16

    /// The evaluation of few pairs by untrained encoders. It has the keys of the run's evaluations, except that a rare
    /// label may be missing.
    package func exampleEvaluation(
        _ model: Model, source: any PairSource, extent: ModelEvaluation.Extent
    ) throws -> JSONValue {
        var configuration = self
        configuration.evaluation.pairs = min(evaluation.pairs ?? Self.exampleCount, Self.exampleCount)
        configuration.evaluation.during.pairs = Self.exampleCount
        configuration.evaluation.identifiability?.samples = Self.exampleCount
        // The loss of a large batch would take as long as a step.
        configuration.batch.size = max(batch.shards, 4)
        configuration.batch.secondPerFirst = 1
        return try configuration.evaluation(of: model, source: source, extent: extent)
    }

    private func evaluation(
        of model: Model, source: any PairSource, extent: ModelEvaluation.Extent
    ) throws -> JSONValue {
        try WorkerGroup.alone().run(threads: 1) { communicator in
            let temperature = objective.temperature.initial
            return try ModelEvaluation(
                configuration: self, model: model, source: source, communicator: communicator
            ).run(
                step: 0, temperature: temperature, loss: .init(temperature: temperature), extent: extent
            ).json
        }
    }

    /// Checks that evaluations during training have the metric of `train.best`, before the run's folder is touched.
    /// - Throws: `DataError` at `train.best.metric`, with the nearest metric and all others.
    func requireBestMetric(_ model: Model, source: any PairSource) throws {
        guard let best = train.best else { return }
        let path = MetricPath(best.metric)
        if path.value(in: try exampleEvaluation(model, source: source, extent: .brief)) != nil { return }
        let evaluation = try evaluation(of: model, source: source, extent: .brief)
        if path.value(in: evaluation) != nil { return }
        throw DataError(at: "train.best.metric", reason: path.problem(in: evaluation), remedy: "")
    }
}
