import CoupletEvaluation
import CoupletLosses
import CoupletPairs
import CoupletTensors

/// The closed form of a run's conditional given each query row, where there is one: linear encoders of a Gaussian pair.
struct ClosedFormConditional: Sendable {
    private let law: GaussianConditional?
    /// Q × d, as the encoder gets them.
    private let queries: Tensor

    init(_ run: TrainedRun, given: Modality, queries: SamplingRows) throws {
        let tilt = try run.model.gaussianTilt(
            of: run.source, similarity: run.configuration.objective.similarity, temperature: run.temperature)
        law = given == .second ? try tilt?.firstGivenSecond() : try tilt?.secondGivenFirst()
        self.queries = try queries.within { try run.source.prepare(given, raw: $0) }
    }

    func comparison(_ moments: ConditionalMoments, query: Int) -> MomentComparison? {
        law.map { MomentComparison(moments, $0, given: queries.rows(query..<query + 1).values.map(Double.init)) }
    }
}
