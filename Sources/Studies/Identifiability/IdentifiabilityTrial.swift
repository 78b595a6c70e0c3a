import CoupletEvaluation
import CoupletFiles
import CoupletPairs
import CoupletReports
import CoupletText
import CoupletTraining

/// What a regression predicts, a column of the study's tables. The raw value is its key in `evaluation.json`.
enum PredictionTarget: String, CaseIterable, Sendable {
    /// The latent factors, predicted from an encoding.
    case content = "c", style = "s", perturbedStyle = "s_perturbed", firstModality = "m1", secondModality = "m2"
    /// The content of another sample, predicted from the encoding of a view into which it was put.
    case permutedContent = "c_permuted"
    /// An encoding, predicted from the content.
    case encoding = "from_content"

    /// The latent factors, which the figures show.
    static let factors: [PredictionTarget] = [.content, .style, .perturbedStyle, .firstModality, .secondModality]

    var title: String { self == .encoding ? "encoding from c" : rawValue }
}

/// The R² that the theorem predicts.
struct ExpectedScore: Equatable {
    let value: Double
    /// Whether the value is only an upper limit.
    let isUpperLimit: Bool

    /// The accepted difference. Training may stop before the minimum, and regressions use finitely many samples.
    static let tolerance = 0.05

    /// Whether a measured R² contradicts the prediction. An R² below 0 counts as 0.
    func isContradicted(by measured: Double) -> Bool {
        let score = measured < 0 ? 0 : measured
        return isUpperLimit ? !(score <= value + Self.tolerance) : !(abs(score - value) <= Self.tolerance)
    }

    /// The sign between the measured and the expected R² in tables.
    func comparisonSign(_ measured: Double) -> String {
        switch (isUpperLimit, isContradicted(by: measured)) {
        case (false, false): "≈"
        case (false, true): "≠"
        case (true, false): "≤"
        case (true, true): ">"
        }
    }
}

/// A finished trial of the identifiability study: its config, the R² of its encodings, and the predictions of the
/// theorem.
struct IdentifiabilityTrial: StudyTrial {
    let configuration: Configuration
    let specification: LatentSpecification
    /// The block `identifiability` of `evaluation.json`.
    private let evaluation: JSONValue
    /// `LatentDistribution.contentDetermination` of each factor.
    private let determination: [PredictionTarget: Double]

    /// - Throws: `FileError` if the run is damaged, has no latent factors, or its evaluation has no identifiability;
    ///   `ConfigurationError`.
    init(reading path: String, name: String) throws {
        let folder = RunFolder(path: path), configuration = try folder.storedConfiguration(registry: .builtIn)
        let remedy = "launch/reproduce identifiability trains the sweeps of the study"
        guard let specification = configuration.source.kind as? LatentSpecification else {
            throw FileError(.badData, at: path, reason: "not a run on data: {source: latent, …}", remedy: remedy)
        }
        guard let text = try RunRecord.text(at: folder.evaluation) else {
            throw FileError(
                .inputOutput, at: folder.evaluation, reason: "no such file",
                remedy: "couplet evaluate \(path) writes it")
        }
        guard let evaluation = JSONValue(text: text)?["identifiability"] else {
            throw FileError(
                .badData, at: folder.evaluation, reason: "the file has no block identifiability", remedy: remedy)
        }
        (self.configuration, self.specification, self.evaluation) = (configuration, specification, evaluation)
        let fractions = try LatentDistribution(specification, seed: configuration.seed).contentDetermination
        var determination: [PredictionTarget: Double] = [.permutedContent: 1, .encoding: 1]
        for (factor, fraction) in zip(PredictionTarget.factors, fractions) { determination[factor] = fraction }
        self.determination = determination
    }

    /// The regressors of the evaluation.
    var regressors: [Regressor] {
        let scores = evaluation[Modality.first.rawValue]?[PredictionTarget.content.rawValue]
        return Regressor.allCases.filter { scores?[$0.rawValue] != nil }
    }

    /// The measured R²; nil if there is none or it is not finite.
    func score(_ target: PredictionTarget, _ encoder: Modality, _ regressor: Regressor) -> Double? {
        let scores =
            target == .encoding
            ? evaluation[target.rawValue]?[encoder.rawValue] : evaluation[encoder.rawValue]?[target.rawValue]
        return scores?[regressor.rawValue]?.number
    }

    /// The mean correlation of encoding and content over the best assignment of components; nil if there is none.
    func meanCorrelation(_ encoder: Modality) -> Double? { evaluation["mean_correlation"]?[encoder.rawValue]?.number }

    /// The prediction of the theorem; nil if there is none.
    ///
    /// Encodings that are equal in both views of every pair are functions of what the views share. If they have the
    /// size of the shared factors, they are invertible functions: they predict all of c, and of every other factor what
    /// c predicts. Larger encodings cannot both be equal in the two views and be spread evenly. A style that never
    /// changes is shared like c, and an encoding cannot distinguish the two.
    func expected(_ target: PredictionTarget, _ regressor: Regressor) -> ExpectedScore? {
        let isStyleShared = specification.style > 0 && specification.styleChange == 0
        let size = configuration.encoders.embedding,
            shared = specification.content + (isStyleShared ? specification.style : 0)
        // Linear regression may find less than the encoding contains.
        let isLinear = regressor == .linear
        guard let value = determination[target], size <= shared else { return nil }
        switch target {
        case .firstModality, .secondModality: return ExpectedScore(value: value, isUpperLimit: isLinear)
        case _ where isStyleShared: return nil
        case .content, .permutedContent:
            return size == shared ? ExpectedScore(value: value, isUpperLimit: isLinear) : nil
        case .style, .perturbedStyle:
            return ExpectedScore(value: value, isUpperLimit: isLinear || (size < shared && value > 0))
        case .encoding: return ExpectedScore(value: value, isUpperLimit: isLinear)
        }
    }
}

/// Trials that differ only in the seed: means over the seeds, and the expected values.
struct IdentifiabilityScores {
    /// The setting of these trials: "causal, π = 0.75".
    let title: String
    let trials: [IdentifiabilityTrial]

    /// The measured R²; nil if no trial has one.
    func measured(_ target: PredictionTarget, _ encoder: Modality, _ regressor: Regressor) -> SampleStatistics? {
        mean { $0.score(target, encoder, regressor) }
    }

    func meanCorrelation(_ encoder: Modality) -> SampleStatistics? { mean { $0.meanCorrelation(encoder) } }

    /// The mean of the expected R² over the seeds, because each seed draws its own covariances and B.
    func expected(_ target: PredictionTarget, _ regressor: Regressor) -> ExpectedScore? {
        let scores = trials.compactMap { $0.expected(target, regressor) }
        guard let first = scores.first, scores.count == trials.count else { return nil }
        return ExpectedScore(value: SampleStatistics(scores.map(\.value)).mean, isUpperLimit: first.isUpperLimit)
    }

    private func mean(_ value: (IdentifiabilityTrial) -> Double?) -> SampleStatistics? {
        let values = trials.compactMap(value)
        return values.isEmpty ? nil : SampleStatistics(values)
    }

    /// The text of a score: "0.979", or "0.979 ± 0.003" for several seeds.
    static func text(_ score: SampleStatistics) -> String {
        TypographicNumber.fixed(score.mean, decimals: 3)
            + (score.count > 1 ? " ± \(TypographicNumber.fixed(score.deviation, decimals: 3))" : "")
    }
}
