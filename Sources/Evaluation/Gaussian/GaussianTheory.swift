import CoupletLosses
import CoupletTensors
import CoupletText

/// The closed-form results for a Gaussian pair (Baptista, Stuart, Tran 2025, arXiv 2505.24134): canonical correlations,
/// mutual information, and the minimiser of each loss and similarity for encoders of a given rank and infinitely many
/// pairs.
public struct GaussianTheory: Sendable {
    /// The minimiser of one loss with one similarity.
    public struct Answer: Sendable {
        public let similarity: Similarity
        public let loss: any Loss
        /// Nil if no closed form is known; then all following properties are nil.
        public var minimizer: GaussianMinimizer?
        /// The learned conditional of u given v at the minimum.
        public var firstGivenSecond: GaussianConditional?
        /// The learned conditional of v given u at the minimum.
        public var secondGivenFirst: GaussianConditional?
        /// √(E |m - m*|²_{C⁻¹} / E |m*|²_{C⁻¹}) of the conditional means of u given v, C = Cuu; nil if u and v are
        /// independent.
        public var firstMeanError: Double?
        /// The same for v given u, C = Cvv.
        public var secondMeanError: Double?
        /// |C - C*|_F / |C*|_F of the conditional covariance of u given v.
        public var firstCovarianceError: Double?
        /// The same for v given u.
        public var secondCovarianceError: Double?
        /// The term that batches of the given size add to the optimal loss.
        public var batchConstant: Double?
    }

    public let pair: GaussianPair
    /// e, the number of outputs of the encoders.
    public let rank: Int
    /// N, the batch size of `Answer.batchConstant`.
    public let batch: Int
    /// One answer for each of the objectives, in their order.
    public let answers: [Answer]

    /// |R - R_e|_F / |R|_F, R_e the best approximation of rank e: the relative error that encoders of this rank cannot
    /// avoid.
    public var truncationError: Double {
        let squares = pair.correlations.map { $0 * $0 }, all = squares.reduce(0, +)
        return all > 0 ? (squares.dropFirst(rank).reduce(0, +) / all).squareRoot() : 0
    }

    /// Every loss with a known closed form, in its usual weights, with every similarity but the cosine.
    public static let combinations: [(Similarity, any Loss)] = [Similarity.innerProduct, .quadratic].flatMap {
        similarity in
        let losses: [any Loss] = [
            .conditional(first: 0.5, second: 0.5), .conditional(first: 1, second: 0), .conditional(first: 0, second: 1),
            .joint,
        ]
        return losses.map { (similarity, $0) }
    }

    /// - Parameter objectives: the similarities and losses to answer for.
    /// - Throws: `GaussianCovarianceError` if the covariance is not valid, `LinearAlgebraError` if a decomposition does
    ///   not converge.
    public init(
        _ covariance: GaussianCovariance, rank: Int, batch: Int, objectives: [(Similarity, any Loss)]
    ) throws {
        let pair = try GaussianPair(covariance)
        self.pair = pair
        self.rank = rank
        self.batch = batch
        answers = try objectives.map { similarity, loss in
            try Self.answer(pair, similarity: similarity, loss: loss, rank: rank, batch: batch)
        }
    }

    private static func answer(
        _ pair: GaussianPair, similarity: Similarity, loss: any Loss, rank: Int, batch: Int
    ) throws -> Answer {
        guard let minimizer = GaussianMinimizer(pair, similarity: similarity, loss: loss, rank: rank) else {
            return Answer(similarity: similarity, loss: loss)
        }
        let (g, h) = minimizer.encoders()
        let tilt = GaussianTilt(pair, similarity: similarity, first: g, second: h)
        let first = try tilt.firstGivenSecond(), second = try tilt.secondGivenFirst()
        let signal = pair.whitenedCrossCovariance.frobeniusNorm
        func meanError(
            _ learned: GaussianConditional?, _ whitening: Whitening, given: Whitening, _ crossCovariance: Matrix
        ) -> Double? {
            guard let learned, signal > 1e-12 else { return nil }
            return (whitening.inverseRoot * learned.meanMap * given.root - crossCovariance).frobeniusNorm / signal
        }
        func covarianceError(_ learned: GaussianConditional?, _ exact: GaussianConditional) -> Double? {
            let size = exact.covariance.frobeniusNorm
            return size > 0 ? learned.map { ($0.covariance - exact.covariance).frobeniusNorm / size } : nil
        }
        let cross = pair.whitenedCrossCovariance
        return Answer(
            similarity: similarity, loss: loss, minimizer: minimizer, firstGivenSecond: first, secondGivenFirst: second,
            firstMeanError: meanError(first, pair.first, given: pair.second, cross),
            secondMeanError: meanError(second, pair.second, given: pair.first, cross.transposed),
            firstCovarianceError: covarianceError(first, pair.firstGivenSecond),
            secondCovarianceError: covarianceError(second, pair.secondGivenFirst),
            batchConstant: GaussianPopulationLoss(similarity: similarity, loss: loss)?.batchConstant(batchSize: batch))
    }
}

// MARK: - Table

extension GaussianTheory {
    /// The results as text tables.
    public var table: String {
        ([summary] + answers.map { Self.table($0, batch: batch) }).joined(separator: "\n")
    }

    private var summary: String {
        let covariance = pair.covariance
        var table = TextTable()
        table.add(["canonical pair"] + pair.correlations.indices.map { String($0 + 1) })
        table.add(["correlation"] + pair.correlations.map { NumberText.fixed($0) })
        // log N is the largest value that a one-sided loss on batches of N can show.
        let largestShown = log(Double(batch))
        return
            "a Gaussian pair of \(covariance.uu.rows) and \(covariance.vv.rows) dimensions, encoders of rank \(rank)\n"
            + table.text()
            + "  mutual information \(NumberText.fixed(pair.mutualInformation)) nats"
            + "; batches of \(batch) can show at most log N = \(NumberText.fixed(largestShown))\n"
            + "  this rank cannot represent \(NumberText.fixed(100 * truncationError, 2)) % of the cross-covariance "
            + "(Frobenius norm)\n"
    }

    private static func table(_ answer: Answer, batch: Int) -> String {
        let title = "\(answer.similarity.title), \(answer.loss.title)\n"
        guard let minimizer = answer.minimizer else { return title + "  no exact answer is known\n" }
        var values = TextTable()
        values.add(["canonical pair"] + minimizer.singularValues.indices.map { String($0 + 1) })
        values.add(["singular value of the coupling"] + minimizer.singularValues.map { NumberText.fixed($0) })
        if let first = minimizer.firstGram, let second = minimizer.secondGram {
            values.add(["first gram"] + first.map { NumberText.fixed($0) })
            values.add(["second gram"] + second.map { NumberText.fixed($0) })
        }
        var errors = TextTable()
        errors.add(["", "first given second", "second given first"])
        errors.add([
            "conditional mean, relative error", NumberText.fixed(answer.firstMeanError),
            NumberText.fixed(answer.secondMeanError),
        ])
        errors.add([
            "conditional covariance, relative error", NumberText.fixed(answer.firstCovarianceError),
            NumberText.fixed(answer.secondCovarianceError),
        ])
        var text = title + values.text() + errors.text() + "  optimal loss \(NumberText.fixed(minimizer.optimalLoss))"
        if let constant = answer.batchConstant, constant != 0 {
            let logged = NumberText.fixed(minimizer.optimalLoss + constant)
            text += "; about \(logged) as training logs it on batches of \(batch)"
        }
        return text + "\n"
    }
}

// MARK: - JSON

extension GaussianTheory {
    /// The results, with all entries of the conditional means' maps and of the covariances.
    public var json: JSONValue {
        func conditional(_ conditional: GaussianConditional?) -> JSONValue {
            conditional.map {
                .object([("mean_map", .rows(of: $0.meanMap)), ("covariance", .rows(of: $0.covariance))])
            } ?? .null
        }
        let answers = answers.map { answer -> JSONValue in
            .object([
                ("similarity", .string(answer.similarity.rawValue)), ("loss", .string(answer.loss.title)),
                ("singular_values", .numbers(answer.minimizer?.singularValues)),
                ("first_gram", .numbers(answer.minimizer?.firstGram)),
                ("second_gram", .numbers(answer.minimizer?.secondGram)),
                ("optimal_loss", .number(answer.minimizer?.optimalLoss)),
                ("batch_constant", .number(answer.batchConstant)), ("first_mean_error", .number(answer.firstMeanError)),
                ("second_mean_error", .number(answer.secondMeanError)),
                ("first_covariance_error", .number(answer.firstCovarianceError)),
                ("second_covariance_error", .number(answer.secondCovarianceError)),
                ("first_given_second", conditional(answer.firstGivenSecond)),
                ("second_given_first", conditional(answer.secondGivenFirst)),
            ])
        }
        let exact: [(String, JSONValue)] = [
            ("first_given_second", conditional(pair.firstGivenSecond)),
            ("second_given_first", conditional(pair.secondGivenFirst)),
        ]
        return .object([
            ("canonical_correlations", .numbers(pair.correlations)),
            ("mutual_information", .number(pair.mutualInformation)), ("rank", .integer(rank)),
            ("batch", .integer(batch)), ("truncation_error", .number(truncationError)), ("exact", .object(exact)),
            ("answers", .array(answers)),
        ])
    }
}
