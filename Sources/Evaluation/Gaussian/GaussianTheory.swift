import CoupletLosses
import CoupletTensors

/// What the theory says of a Gaussian pair before anything is trained (Baptista, Stuart, Tran 2025, arXiv 2505.24134): canonical correlations, mutual
/// information, and what each loss and similarity makes of encoders of a given rank with infinitely many pairs.
public struct GaussianTheory: Sendable {
    /// One loss with one similarity.
    public struct Answer: Sendable {
        public let similarity: Similarity
        public let loss: Loss
        /// Nil where no exact answer is known.
        public let minimizer: GaussianMinimizer?
        /// The learned laws of u given v and of v given u at the minimum.
        public let firstGivenSecond: GaussianConditional?, secondGivenFirst: GaussianConditional?
        /// √(E |m - m*|²_{C⁻¹} / E |m*|²_{C⁻¹}) of the conditional means of u given v and of v given u, C = Cuu and Cvv; nil where u and v are independent.
        public let firstMeanError: Double?, secondMeanError: Double?
        /// |C - C*|_F / |C*|_F of the conditional covariances.
        public let firstCovarianceError: Double?, secondCovarianceError: Double?
        /// What batches of the asked size add to the optimal loss.
        public let batchConstant: Double?
    }

    public let pair: GaussianPair
    public let rank: Int
    /// N, of the batches that `batchConstant` is told for.
    public let batch: Int
    /// The answers asked for, in their order.
    public let answers: [Answer]

    /// |R - R_e|_F / |R|_F, R_e the best approximation of rank e: what no encoders of this rank can hold.
    public var truncationError: Double {
        let squares = pair.correlations.map { $0 * $0 }, all = squares.reduce(0, +)
        return all > 0 ? (squares.dropFirst(rank).reduce(0, +) / all).squareRoot() : 0
    }

    /// Every loss that has such answers with every similarity that is not the cosine, in its usual weights.
    public static let combinations: [(Similarity, Loss)] = [Similarity.innerProduct, .quadratic].flatMap { similarity in
        [
            Loss.conditional(first: 0.5, second: 0.5), .conditional(first: 1, second: 0),
            .conditional(first: 0, second: 1), .joint,
        ].map { (similarity, $0) }
    }

    /// - Parameter objectives: what to answer for.
    /// - Throws: `GaussianCovarianceError`, `LinearAlgebraError`.
    public init(_ covariance: GaussianCovariance, rank: Int, batch: Int, objectives: [(Similarity, Loss)]) throws {
        pair = try GaussianPair(covariance)
        self.rank = rank
        self.batch = batch
        answers = try objectives.map { [pair] in
            try Self.answer(pair, similarity: $0.0, loss: $0.1, rank: rank, batch: batch)
        }
    }

    private static func answer(_ pair: GaussianPair, similarity: Similarity, loss: Loss, rank: Int, batch: Int) throws
        -> Answer
    {
        guard let minimizer = GaussianMinimizer(pair, similarity: similarity, loss: loss, rank: rank) else {
            return Answer(
                similarity: similarity, loss: loss, minimizer: nil, firstGivenSecond: nil, secondGivenFirst: nil,
                firstMeanError: nil,
                secondMeanError: nil, firstCovarianceError: nil, secondCovarianceError: nil, batchConstant: nil)
        }
        let (g, h) = minimizer.encoders()
        let tilt = GaussianTilt(pair, similarity: similarity, first: g, second: h)
        let first = try tilt.firstGivenSecond(), second = try tilt.secondGivenFirst()
        let signal = pair.whitenedCrossCovariance.frobeniusNorm
        func meanError(_ learned: GaussianConditional?, _ own: Whitening, _ other: Whitening, _ cross: Matrix)
            -> Double?
        {
            guard let learned, signal > 1e-12 else { return nil }
            return (own.inverseRoot * learned.meanMap * other.root - cross).frobeniusNorm / signal
        }
        func covarianceError(_ learned: GaussianConditional?, _ exact: GaussianConditional) -> Double? {
            let size = exact.covariance.frobeniusNorm
            return size > 0 ? learned.map { ($0.covariance - exact.covariance).frobeniusNorm / size } : nil
        }
        let cross = pair.whitenedCrossCovariance
        return Answer(
            similarity: similarity, loss: loss, minimizer: minimizer, firstGivenSecond: first, secondGivenFirst: second,
            firstMeanError: meanError(first, pair.first, pair.second, cross),
            secondMeanError: meanError(second, pair.second, pair.first, cross.transposed),
            firstCovarianceError: covarianceError(first, pair.firstGivenSecond),
            secondCovarianceError: covarianceError(second, pair.secondGivenFirst),
            batchConstant: GaussianPopulationLoss(similarity: similarity, loss: loss)?.batchConstant(batch: batch))
    }
}
