import CoupletEvaluation
import CoupletPairs
import CoupletTensors

/// One method's estimate of a flow from its tracks, compared with the true flow.
package struct FlowEstimate: Sendable {
    /// The posterior mean of z, m numbers.
    package let mean: [Double]
    /// Posterior samples of z, L × m, row-major; nil if the method draws none.
    package var samples: [Double]?
    package var chains: AssimilationRecord.ChainFigures?
    /// |mean - truth|² and the posterior variance of ψ, and |mean - truth|² of the velocity, each as a mean over the
    /// square.
    package let squaredError: Double, variance: Double, squaredVelocityError: Double
    /// The mean CRPS of ψ at the points of the scoring grid, in units of its prior deviation.
    package let score: Double
}

/// Makes `FlowEstimate`s from distributions of z of several forms.
package struct FlowEstimator: Sendable {
    package let prior: StreamFunctionPrior
    /// The map from z to ψ at points of a grid, in units of its prior deviation, points × m.
    private let points: Matrix
    /// The weights of |z_i|² in the mean of ψ² and of |u|² over the square.
    private let energies: [Double], velocityEnergies: [Double]

    /// Side of the grid at whose points distributions are scored.
    private static let scoringSide = 8

    package init(_ prior: StreamFunctionPrior) {
        self.prior = prior
        points = prior.map(to: .streamFunction, side: Self.scoringSide)
        energies = prior.deviations.flatMap { [0.5 * $0 * $0, 0.5 * $0 * $0] }
        let wavenumbers = prior.wavenumbers.flatMap { k in [k, k] }
        velocityEnergies = zip(energies, wavenumbers).map { energy, k in
            energy * k.squaredAngularWavenumber
        }
    }

    /// The means of ψ² and |u|² of a flow over the square.
    package func squares(of flow: [Double]) -> (streamFunction: Double, velocity: Double) {
        (Self.weighted(energies, flow), Self.weighted(velocityEnergies, flow))
    }

    private static func weighted(_ weights: [Double], _ z: [Double]) -> Double {
        zip(weights, z).reduce(0) { $0 + $1.0 * $1.1 * $1.1 }
    }

    /// ψ at the scoring points of flows, flows × points.
    package func fields(_ flows: Matrix) -> Matrix {
        var result = Matrix(rows: flows.rows, columns: points.rows)
        result.setProduct(flows, points, secondTransposed: true)
        return result
    }

    private func estimate(
        _ mean: [Double], truth: [Double], variances: [Double], score: (_ point: Int, _ truth: Double) -> Double
    ) -> FlowEstimate {
        let difference = zip(mean, truth).map(-)
        let trueField = fields(Matrix(rows: 1, columns: truth.count, elements: truth)).elements
        let scores = trueField.enumerated().map { score($0.offset, $0.element) }
        return FlowEstimate(
            mean: mean, squaredError: Self.weighted(energies, difference),
            variance: zip(energies, variances).reduce(0) { $0 + $1.0 * $1.1 },
            squaredVelocityError: Self.weighted(velocityEnergies, difference),
            score: scores.reduce(0, +) / Double(scores.count))
    }

    /// The estimate of a Gaussian distribution of z.
    package func estimate(_ gaussian: GaussianFlowEstimate, truth: [Double]) -> FlowEstimate {
        let mean = fields(Matrix(rows: 1, columns: truth.count, elements: gaussian.mean)).elements
        let product = points * gaussian.covariance
        let deviations = (0..<points.rows).map { point in
            max(0, (0..<truth.count).reduce(0) { $0 + product[point, $1] * points[point, $1] }).squareRoot()
        }
        return estimate(gaussian.mean, truth: truth, variances: gaussian.covariance.diagonal) { point, truth in
            ContinuousRankedProbabilityScore.gaussian(
                mean: mean[point], standardDeviation: deviations[point], truth: truth)
        }
    }

    /// The estimate of a discrete distribution on flows.
    /// - Parameters:
    ///   - flows: N × m.
    ///   - fields: those of the flows, as `fields(_:)` gives them.
    ///   - weights: N, with the sum 1.
    package func estimate(_ flows: Matrix, fields: Matrix, weights: [Double], truth: [Double]) -> FlowEstimate {
        let m = truth.count
        var mean = [Double](repeating: 0, count: m), squares = mean
        for (row, weight) in weights.enumerated() where weight > 0 {
            for i in 0..<m {
                mean[i] += weight * flows[row, i]
                squares[i] += weight * flows[row, i] * flows[row, i]
            }
        }
        let used = weights.indices.filter { weights[$0] > 1e-12 }, usedWeights = used.map { weights[$0] }
        return estimate(mean, truth: truth, variances: zip(squares, mean).map { max(0, $0 - $1 * $1) }) {
            point, truth in
            ContinuousRankedProbabilityScore.discrete(
                used.map { fields[$0, point] }, weights: usedWeights, truth: truth)
        }
    }

    /// The estimate of the draws of Markov chains, whose points are z.
    /// - Parameter count: L, the number of samples to keep; the mean is that of all draws.
    package func estimate(_ draws: ChainDraws, samples count: Int, truth: [Double]) -> FlowEstimate {
        let m = truth.count, all = Matrix(draws.draws.reshaped([draws.count, m])), total = Double(draws.count)
        var mean = [Double](repeating: 0, count: m), variances = mean
        for row in 0..<all.rows { for i in 0..<m { mean[i] += all[row, i] / total } }
        for row in 0..<all.rows {
            for i in 0..<m { variances[i] += (all[row, i] - mean[i]) * (all[row, i] - mean[i]) / (total - 1) }
        }
        let samples = Matrix(draws.samples(count)), sampled = fields(samples)
        var result = estimate(mean, truth: truth, variances: variances) { point, truth in
            ContinuousRankedProbabilityScore.samples((0..<count).map { sampled[$0, point] }, truth: truth)
        }
        result.samples = samples.elements
        result.chains = .init(
            rHat: draws.rHat, effectiveSampleSize: draws.effectiveSampleSize, acceptance: draws.acceptance)
        return result
    }

    // MARK: - All queries

    /// Number of bins of rank histograms. The number of samples plus 1 is a multiple of it.
    package static let rankBins = 20

    /// The estimates of all queries by one method, with their figures.
    /// - Parameter truths: z of the queries, each m numbers.
    package func summary(
        _ method: AssimilationRecord.Method, _ estimates: [FlowEstimate], truths: [[Double]]
    ) -> AssimilationRecord.Estimates {
        let squares = truths.map(squares)
        let energy = squares.reduce(0) { $0 + $1.streamFunction }, velocity = squares.reduce(0) { $0 + $1.velocity }
        let count = Double(estimates.count)
        let figures = AssimilationRecord.Figures(
            error: (estimates.reduce(0) { $0 + $1.squaredError } / energy).squareRoot(),
            velocityError: (estimates.reduce(0) { $0 + $1.squaredVelocityError } / velocity).squareRoot(),
            spread: (estimates.reduce(0) { $0 + $1.variance } / energy).squareRoot(),
            rankedProbabilityScore: estimates.reduce(0) { $0 + $1.score } / count * Double.pi.squareRoot())
        let samples = estimates.compactMap(\.samples), m = prior.dimension
        let histogram =
            samples.count < estimates.count
            ? nil : RankHistogram(zip(truths, samples).map { .init(truth: $0, samples: $1) }, bins: Self.rankBins)
        return AssimilationRecord.Estimates(
            method: method, means: Matrix(rows: estimates.count, columns: m, elements: estimates.flatMap(\.mean)),
            samples: histogram.map {
                Tensor([estimates.count, $0.samples, m], samples.flatMap { $0.map(Float.init) })
            },
            chains: estimates.compactMap(\.chains), figures: figures,
            ranks: histogram.map { .init(counts: $0.counts, band: $0.band(), pValue: $0.pValue) })
    }
}
