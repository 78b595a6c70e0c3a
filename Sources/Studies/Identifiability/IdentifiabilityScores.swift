import CoupletEvaluation
import CoupletPairs
import CoupletReports
import CoupletText

/// Trials that differ in nothing but the seed, as the pages tell them: means over the seeds, with what is expected.
struct IdentifiabilityScores {
    /// What tells these trials from the others: "causal, π = 0.75".
    let title: String
    let trials: [IdentifiabilityTrial]

    /// nil where no trial has a number.
    func measured(_ measure: PredictionTarget, _ encoder: Modality, _ regressor: Regressor) -> SampleStatistics? {
        mean { $0.score(measure, encoder, regressor) }
    }

    func meanCorrelation(_ encoder: Modality) -> SampleStatistics? { mean { $0.meanCorrelation(encoder) } }

    /// The mean over the seeds, each of which draws covariances and B of its own.
    func expected(_ measure: PredictionTarget, _ regressor: Regressor) -> ExpectedScore? {
        let all = trials.compactMap { $0.expected(measure, regressor) }
        guard let first = all.first, all.count == trials.count else { return nil }
        return ExpectedScore(value: SampleStatistics(all.map(\.value)).mean, isLimit: first.isLimit)
    }

    private func mean(_ value: (IdentifiabilityTrial) -> Double?) -> SampleStatistics? {
        let values = trials.compactMap(value)
        return values.isEmpty ? nil : SampleStatistics(values)
    }

    /// "0.979", "0.979 ± 0.003" of several seeds.
    static func text(_ score: SampleStatistics) -> String {
        TypographicNumber.fixed(score.mean, decimals: 3)
            + (score.count > 1 ? " ± \(TypographicNumber.fixed(score.deviation, decimals: 3))" : "")
    }
}
