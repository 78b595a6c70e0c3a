import CoupletEvaluation
import CoupletPairs
import CoupletTensors

/// The most probable flow given tracks and a Gaussian at it, by variational assimilation (4D-Var; Le Dimet and
/// Talagrand, *Variational Algorithms for Analysis and Assimilation of Meteorological Observations*, Tellus 1986).
///
/// It minimises `½|z|² + 1/(2σ²) |observed - x(z)|²` by the Levenberg–Marquardt method, where x(z) are the integrated
/// positions. Their Jacobian J is computed by central differences. The covariance is that of the linearised model,
/// `(I + JᵀJ/σ²)⁻¹` (Laplace's approximation). The posterior may have several modes; the search finds one.
package struct VariationalFlowEstimate {
    private let model: DrifterModel
    /// D × 2.
    private let starts: Tensor
    /// Observed positions, D × (T + 1) × 2.
    private let tracks: Tensor

    private static let largestIterations = 30
    /// Step of the differences, in units of the prior's deviation. Positions in single precision then give derivatives
    /// to about 10⁻⁴.
    private static let differenceStep: Float = 0.02

    /// - Parameter tracks: observed, D × (T + 1) × 2.
    package init(_ tracks: Tensor, of model: DrifterModel) {
        precondition(tracks.count == model.trackNumbers, "tracks \(tracks.shape)")
        self.model = model
        self.tracks = tracks
        starts = Tensor([model.drifters, 2])
        for drifter in 0..<model.drifters {
            for axis in 0..<2 { starts[2 * drifter + axis] = tracks[drifter * 2 * (model.times + 1) + axis] }
        }
    }

    /// Searches from a flow.
    /// - Parameter start: z, m numbers.
    /// - Returns: the estimate, and the log-density Φ(z) - ½|z|² at its mean.
    /// - Throws: `LinearAlgebraError` if a number is not finite.
    package func estimate(from start: [Double]) throws -> (estimate: GaussianFlowEstimate, logDensity: Double) {
        let m = model.prior.dimension, weight = 1 / (model.noise * model.noise)
        var z = start, damping = 1e-3
        var (jacobian, residual) = linearisation(at: z), density = logDensity(z)
        for _ in 0..<Self.largestIterations {
            var precision = Matrix(rows: m, columns: m), gradient = Matrix(rows: m, columns: 1)
            precision.setProduct(jacobian, jacobian, firstTransposed: true)
            gradient.setProduct(
                jacobian, Matrix(rows: residual.count, columns: 1, elements: residual), firstTransposed: true)
            let right = weight * gradient - Matrix(rows: m, columns: 1, elements: z)
            // The damping grows until a step raises the density.
            var improvement = -1.0
            while improvement < 0, damping < 1e6 {
                let system = (1 + damping) * Matrix.identity(m) + weight * precision
                let proposal = zip(z, try system.solve(right).elements).map(+), proposed = logDensity(proposal)
                improvement = proposed - density
                if improvement >= 0 {
                    (z, density) = (proposal, proposed)
                    damping = max(0.2 * damping, 1e-6)
                } else {
                    damping *= 5
                }
            }
            if improvement < 0 { break }
            (jacobian, residual) = linearisation(at: z)
            if improvement <= 1e-4 { break }
        }
        var precision = Matrix(rows: m, columns: m)
        precision.setProduct(jacobian, jacobian, firstTransposed: true)
        let covariance = try (.identity(m) + weight * precision).inverse()
        return (GaussianFlowEstimate(mean: z, covariance: covariance), density)
    }

    /// Φ(z) - ½|z|².
    private func logDensity(_ z: [Double]) -> Double {
        let likelihood = model.logLikelihoods(tracks: tracks, flows: Tensor([1, z.count], z.map(Float.init)))[0]
        return likelihood - 0.5 * z.reduce(0) { $0 + $1 * $1 }
    }

    /// Returns J and observed - x(z), without the starts.
    private func linearisation(at z: [Double]) -> (jacobian: Matrix, residual: [Double]) {
        let m = z.count, flows = Tensor([2 * m + 1, m]), all = Tensor([2 * m + 1, model.drifters, 2])
        for row in 0...2 * m {
            for i in 0..<m { flows[row * m + i] = Float(z[i]) }
            all.rows(row..<row + 1).copy(from: starts)
        }
        for i in 0..<m {
            flows[2 * i * m + i] += Self.differenceStep
            flows[(2 * i + 1) * m + i] -= Self.differenceStep
        }
        let positions = model.positions(flows: flows, starts: all), size = model.trackNumbers
        let observed = (0..<size).filter { $0 / 2 % (model.times + 1) > 0 }
        var jacobian = Matrix(rows: observed.count, columns: m)
        for (row, number) in observed.enumerated() {
            for i in 0..<m {
                let step = Double(flows[2 * i * m + i]) - Double(flows[(2 * i + 1) * m + i])
                jacobian[row, i] =
                    (Double(positions[2 * i * size + number]) - Double(positions[(2 * i + 1) * size + number])) / step
            }
        }
        return (jacobian, observed.map { Double(tracks[$0]) - Double(positions[2 * m * size + $0]) })
    }
}

/// log p(tracks) = log E[p(tracks | flow)] over the prior, by importance sampling.
///
/// A plain mean over prior flows needs about as many flows as the mutual information has e-folds: few of them explain
/// the tracks at all. So most flows come from a Gaussian g at the variational estimate instead (`ReferenceGaussian`).
/// The flow z has the weight `p(z)/q(z)` with the mixture `q = a p + (1 - a) g`, so weights are at most 1/a (defensive
/// mixture; Hesterberg, *Weighted Average Importance Sampling and Defensive Mixture Distributions*, Technometrics
/// 1995).
package struct TrackEvidence {
    /// log p(tracks), without the constant that `DrifterModel.logLikelihoods` omits.
    package let logEvidence: Double
    /// (Σ w)²/Σ w² of the terms of the mean: the mean rests on about so many flows.
    package let effectiveFlows: Double

    /// a, the share of the prior in the mixture.
    private static let priorShare = 0.25

    /// - Parameters:
    ///   - tracks: observed, D × (T + 1) × 2.
    ///   - estimate: a Gaussian near the posterior.
    ///   - count: number of flows.
    ///   - philox: the generator of the flows; `number` distinguishes the tracks.
    /// - Throws: `LinearAlgebraError` if the covariance is not positive definite.
    package init(
        _ tracks: Tensor, of model: DrifterModel, near estimate: GaussianFlowEstimate, count: Int, philox: Philox,
        number: UInt64
    ) throws {
        let m = model.prior.dimension, priorCount = max(1, Int(Self.priorShare * Double(count)))
        let share = Double(priorCount) / Double(count)
        let near = try ReferenceGaussian(estimate)
        let normals = Matrix(
            rows: count, columns: m, elements: philox.normals(count * m, .evaluation, number: number).map(Double.init))
        let flows = near.marginal.points(normals)
        for i in 0..<priorCount * m { flows[i] = Float(normals.elements[i]) }
        let likelihoods = model.logLikelihoods(tracks: tracks, flows: flows)
        // p/q of each flow, with log p - log (a p + (1 - a) g) = -log (a + (1 - a) g/p).
        let terms = zip(likelihoods, near.logPriorRatios(flows)).map { likelihood, ratio in
            likelihood - LogSumExp.value([log(share), log(1 - share) - ratio])
        }
        logEvidence = LogSumExp.meanValue(terms)
        effectiveFlows = exp(2 * LogSumExp.value(terms) - LogSumExp.value(terms.map { 2 * $0 }))
    }
}

/// A Gaussian q near a posterior: the reference of pCN in place of the prior, and a proposal of importance sampling.
///
/// pCN leaves q invariant; with `Φ + log p - log q` in place of Φ the target is the same posterior ∝ e^Φ p
/// (Rudolf and Sprungk, *On a Generalization of the Preconditioned Crank–Nicolson Metropolis Algorithm*, Foundations of
/// Computational Mathematics 2018). A q near the posterior lets the chains take long steps: the prior's step size must
/// suit the direction that the tracks determine best, and the chains then creep along all others.
package struct ReferenceGaussian: Sendable {
    /// q: the mean of the estimate, and its covariance times a factor above 1, so that q is wider than the posterior.
    package let marginal: GaussianMarginal

    private static let spread = 1.5

    /// - Throws: `LinearAlgebraError` if the covariance is not positive definite.
    package init(_ estimate: GaussianFlowEstimate) throws {
        marginal = GaussianMarginal(
            mean: estimate.mean, factor: try (Self.spread * estimate.covariance).choleskyFactor())
    }

    private init(_ marginal: GaussianMarginal) { self.marginal = marginal }

    /// The prior N(0, I) of m normal numbers itself.
    package static func prior(_ m: Int) -> ReferenceGaussian { ReferenceGaussian(.standard(m)) }

    /// log p(z) - log q(z) of rows z, with the prior p = N(0, I).
    package func logPriorRatios(_ flows: Tensor) -> [Double] {
        let m = marginal.dimension, factor = marginal.factor
        let logDeterminant = factor.diagonal.reduce(0) { $0 + log($1) }
        return (0..<flows.rows).map { row in
            // ξ = L⁻¹ (z - mean) by forward substitution.
            var whitened = [Double](repeating: 0, count: m), square = 0.0, whitenedSquare = 0.0
            for i in 0..<m {
                let z = Double(flows[row * m + i])
                var value = z - marginal.mean[i]
                for j in 0..<i { value -= factor[i, j] * whitened[j] }
                whitened[i] = value / factor[i, i]
                square += z * z
                whitenedSquare += whitened[i] * whitened[i]
            }
            return 0.5 * (whitenedSquare - square) + logDeterminant
        }
    }
}
