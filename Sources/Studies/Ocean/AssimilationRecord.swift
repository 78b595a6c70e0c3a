import CoupletEvaluation
import CoupletPairs
import CoupletTensors

/// A run on the source `ocean` compared with the exact answers: `couplet study assimilate` writes it, and the page of
/// the ocean study reads it.
///
/// N held-out pairs (u_k, v_k) of a flow and its tracks are the gallery; the first Q of them are the queries of the
/// estimates. Flows are written as z, m normal numbers (`StreamFunctionPrior`).
public struct AssimilationRecord: Sendable {
    /// What was compared.
    public struct Setting: Equatable, Sendable {
        /// The run's folder, name and loss.
        public var run: String, name: String, loss: String
        public var similarity: String
        public var temperature: Double
        /// Steps of the checkpoint, pairs of a batch, numbers of an encoding.
        public var step: Int, batch: Int, embedding: Int
        /// Seed of the comparison.
        public var seed: UInt64
        /// The keys of the source.
        public var ocean: OceanSpecification
    }

    /// What is retrieved.
    public enum Direction: String, CaseIterable, Sendable {
        /// p(flow | tracks) on the gallery of flows.
        case flowGivenTracks = "flow_given_tracks"
        /// p(tracks | flow) on the gallery of tracks.
        case tracksGivenFlow = "tracks_given_flow"

        public var title: String { self == .flowGivenTracks ? "flow given tracks" : "tracks given flow" }
    }

    /// Where the scores of a gallery come from.
    public enum Scorer: String, CaseIterable, Sendable {
        /// The exact answer: log p(v | u) for flows, log p(v | u) - log p(v) for tracks.
        case likelihood
        /// The encoders of the run.
        case learned

        public var title: String { self == .likelihood ? "exact likelihood" : "learned" }
    }

    /// How a flow is estimated from tracks.
    public enum Method: String, CaseIterable, Sendable {
        /// N(0, I), whatever the tracks.
        case prior
        /// `TrackKriging`.
        case kriging
        /// `VariationalFlowEstimate`.
        case variational
        /// The gallery of flows with the weights of `Scorer.likelihood`, and with those of `Scorer.learned`.
        case galleryLikelihood = "gallery_likelihood"
        case galleryLearned = "gallery_learned"
        /// pCN with the exact likelihood, and with the learned score.
        case likelihood, learned

        public var title: String {
            switch self {
            case .prior: "prior"
            case .kriging: "kriging"
            case .variational: "4D-Var"
            case .galleryLikelihood: "gallery, exact likelihood"
            case .galleryLearned: "gallery, learned"
            case .likelihood: "pCN, exact likelihood"
            case .learned: "pCN, learned score"
            }
        }
    }

    /// The estimates of the flows of all queries by one method, and their figures.
    public struct Estimates: Sendable {
        public let method: Method
        /// Posterior means of z, Q × m.
        public let means: Matrix
        /// Posterior samples of z, Q × L × m; nil if the method draws none.
        public let samples: Tensor?
        /// Diagnostics of the chains of each query; empty if the method has none.
        public let chains: [ChainFigures]
        public let figures: Figures
        /// Ranks of the true z among the samples; nil if there are none.
        public let ranks: RankFigures?
    }

    /// Figures of estimates, over all queries and the whole square.
    public struct Figures: Equatable, Sendable {
        /// √(Σ |mean - truth|² / Σ |truth|²) of the stream function: 1 for the prior, whose mean is 0.
        public var error: Double
        /// The same of the velocity.
        public var velocityError: Double
        /// √(Σ posterior variance / Σ |truth|²) of the stream function. An exact posterior has the `error` on average.
        public var spread: Double
        /// The mean continuous ranked probability score of the stream function at points of a grid, in units of the
        /// prior's, which is σ/√π.
        public var rankedProbabilityScore: Double
    }

    /// Diagnostics of the chains of one query (`ChainDraws`).
    public struct ChainFigures: Equatable, Sendable {
        public var rHat: Double, effectiveSampleSize: Double, acceptance: Double
    }

    /// A `RankHistogram`, without its replicates.
    public struct RankFigures: Equatable, Sendable {
        public var counts: [Int]
        /// The central 95 % of the counts of an exact posterior.
        public var band: ClosedRange<Int>
        public var pValue: Double
        public var expected: Double { Double(counts.reduce(0, +)) / Double(counts.count) }
    }

    public let setting: Setting
    /// z of the gallery, N × m.
    public let flows: Tensor
    /// Observed tracks of the gallery, N × D × (T + 1) × 2.
    public let tracks: Tensor
    /// The posteriors of all N queries by direction and scorer.
    public let retrieval: [Direction: [Scorer: [GalleryPosterior]]]
    /// log p(v_k | u_k) - log p(v_k) of each pair of the gallery: their mean is the mutual information.
    public let pointwiseInformation: [Double]
    /// The number of flows on which the estimate of each log p(v_k) rests (`TrackEvidence`).
    public let evidenceFlows: [Double]
    /// In the order of `Method`.
    public let estimates: [Estimates]

    public var galleryCount: Int { flows.rows }
    public var queryCount: Int { estimates.first?.means.rows ?? 0 }
    public var prior: StreamFunctionPrior { setting.ocean.prior }

    /// - Returns: nil if the record has no such estimates.
    public func estimates(_ method: Method) -> Estimates? { estimates.first { $0.method == method } }

    public func posteriors(_ direction: Direction, _ scorer: Scorer) -> [GalleryPosterior] {
        retrieval[direction]?[scorer] ?? []
    }

    public func figures(_ direction: Direction, _ scorer: Scorer) -> GalleryFigures {
        GalleryFigures(posteriors(direction, scorer), gallery: galleryCount)
    }

    /// How often the best row is right, against its probability.
    public func reliability(_ direction: Direction, _ scorer: Scorer, bins: Int = 10) -> Reliability {
        let posteriors = posteriors(direction, scorer)
        return Reliability(
            probabilities: posteriors.map { $0.bestProbabilities[0] }, isRight: posteriors.map { $0.rank == 1 },
            bins: bins)
    }

    /// I(u; v) of the source by the exact likelihood, in nats, with its standard error.
    public var mutualInformation: (value: Double, standardError: Double) {
        let count = Double(pointwiseInformation.count), mean = pointwiseInformation.reduce(0, +) / count
        let squares = pointwiseInformation.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (mean, (squares / max(count - 1, 1) / count).squareRoot())
    }
}
