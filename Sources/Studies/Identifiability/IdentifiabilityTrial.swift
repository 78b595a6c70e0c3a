import CoupletEvaluation
import CoupletFiles
import CoupletPairs
import CoupletReports
import CoupletText
import CoupletTraining

/// A finished trial of the identifiability study: what it was asked, how well its encodings tell the latent factors, and what theory says of that.
struct IdentifiabilityTrial: StudyTrial {
    let configuration: Configuration
    let specification: LatentSpecification
    /// The block `identifiability` of `evaluation.json`.
    private let evaluation: JSONValue
    /// `LatentDistribution.contentDetermination`, by the names of the factors.
    private let determination: [PredictionTarget: Double]

    /// - Throws: `FileError` where the run is damaged, not of latent factors, or its evaluation has no identifiability; `ConfigurationError`.
    init(reading path: String, name: String) throws {
        let folder = RunFolder(path: path), configuration = try folder.storedConfiguration()
        let remedy = "the study is made from its own sweeps: launch/reproduce identifiability"
        guard case .latent(let specification) = configuration.source else {
            throw FileError(.badData, place: path, reason: "no run on data: {source: latent, …}", remedy: remedy)
        }
        guard let text = try RunRecord.text(at: folder.evaluation) else {
            throw FileError(
                .inputOutput, place: folder.evaluation, reason: "no such file",
                remedy: "couplet evaluate \(path) writes it")
        }
        guard let evaluation = JSONValue(text: text)?["identifiability"] else {
            throw FileError(.badData, place: folder.evaluation, reason: "has no block identifiability", remedy: remedy)
        }
        (self.configuration, self.specification, self.evaluation) = (configuration, specification, evaluation)
        let shares = try LatentDistribution(specification, seed: configuration.seed).contentDetermination
        var determination: [PredictionTarget: Double] = [.permutedContent: 1, .encoding: 1]
        for (factor, share) in zip(PredictionTarget.factors, shares) { determination[factor] = share }
        self.determination = determination
    }

    /// The regressors that its evaluation has.
    var regressors: [Regressor] {
        let scores = evaluation[Modality.first.rawValue]?[PredictionTarget.content.rawValue]
        return Regressor.allCases.filter { scores?[$0.rawValue] != nil }
    }

    /// The measured R²; nil where there is none, or it was not finite.
    func score(_ measure: PredictionTarget, _ encoder: Modality, _ regressor: Regressor) -> Double? {
        let scores =
            measure == .encoding
            ? evaluation[measure.rawValue]?[encoder.rawValue] : evaluation[encoder.rawValue]?[measure.rawValue]
        return scores?[regressor.rawValue]?.number
    }

    /// Of encodings and content, over the best assignment of components; nil where there is none.
    func meanCorrelation(_ encoder: Modality) -> Double? { evaluation["mean_correlation"]?[encoder.rawValue]?.number }

    /// What the theorem lets expect; nil where it says nothing.
    ///
    /// An encoding that its partner's equals in every pair is a function of what the views share, whatever its size. Of the size of that, it is an
    /// invertible one: it tells all of c, and of every other factor what c tells. A larger one cannot both equal its partner's and be spread evenly. A
    /// style that never changes is shared as c is, and no encoding knows which is which.
    func expected(_ measure: PredictionTarget, _ regressor: Regressor) -> ExpectedScore? {
        let isStyleShared = specification.style > 0 && specification.styleChange == 0
        let size = configuration.encoders.embedding,
            shared = specification.content + (isStyleShared ? specification.style : 0)
        // A regressor that knows straight lines only may find less than there is.
        let isLinear = regressor == .linear
        guard let share = determination[measure], size <= shared else { return nil }
        switch measure {
        case .firstModality, .secondModality: return ExpectedScore(value: share, isLimit: isLinear)
        case _ where isStyleShared: return nil
        case .content, .permutedContent: return size == shared ? ExpectedScore(value: share, isLimit: isLinear) : nil
        case .style, .perturbedStyle:
            return ExpectedScore(value: share, isLimit: isLinear || (size < shared && share > 0))
        case .encoding: return ExpectedScore(value: share, isLimit: isLinear)
        }
    }
}
