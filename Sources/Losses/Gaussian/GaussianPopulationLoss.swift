import CoupletTensors
import Glibc

/// The loss of linear encoders over infinitely many Gaussian pairs, for similarities and losses whose expectations are
/// Gaussian integrals: inner product and quadratic similarity, conditional and joint losses (Baptista, Stuart, Tran
/// 2025, arXiv 2505.24134).
///
/// For encoders along canonical pairs the loss is a sum over the pairs. Let g and h be the lengths of G̃ and H̃ along a
/// pair with correlation σ, A = g h, and P = g², Q = h² for the quadratic similarity, P = Q = 0 for the inner product.
/// The pair's score is S = -½ P u² + A u v - ½ Q v², and
///
///     E[S] over pairs          -½ P - ½ Q + A σ
///     E_v log E_u e^S          -½ log(1 + P) + ½ A² / (1 + P) - ½ Q
///     log E_u E_v e^S          -½ log((1 + P) (1 + Q) - A²)
///
/// On batches of N pairs softmax losses are larger by `batchConstant`, because they sum over N candidates and an
/// expectation averages.
public struct GaussianPopulationLoss: Sendable {
    public let similarity: Similarity
    public let loss: Loss

    /// Creates the population loss; nil for the cosine and for losses other than conditional and joint, whose
    /// expectations have no such form here.
    public init?(similarity: Similarity, loss: Loss) {
        guard similarity != .cosine else { return nil }
        switch loss {
        case .conditional, .decoupled, .joint, .jointOffDiagonal: break
        case .sigmoid, .maximumMeanDiscrepancy, .lpSimCLR, .ntXent: return nil
        }
        self.similarity = similarity
        self.loss = loss
    }

    /// The difference between the loss on batches of N pairs and the population loss: (first + second) log N for
    /// conditional, (first + second) log(N - 1) for decoupled, 0 for joint.
    public func batchConstant(batchSize: Int) -> Double {
        switch loss {
        case .conditional(let first, let second): (first + second) * log(Double(batchSize))
        case .decoupled(let first, let second): (first + second) * log(Double(batchSize - 1))
        default: 0
        }
    }

    /// The contribution of one canonical pair; infinite if an integral diverges.
    public func value(first g: Double, second h: Double, correlation: Double) -> Double {
        let isQuadratic = similarity == .quadratic
        let a = g * h, p = isQuadratic ? g * g : 0, q = isQuadratic ? h * h : 0
        let positive = -0.5 * p - 0.5 * q + a * correlation
        switch loss {
        case .conditional(let first, let second), .decoupled(let first, let second):
            let firstGivenSecond = -0.5 * log1p(p) + 0.5 * a * a / (1 + p) - 0.5 * q
            let secondGivenFirst = -0.5 * log1p(q) + 0.5 * a * a / (1 + q) - 0.5 * p
            return first * (firstGivenSecond - positive) + second * (secondGivenFirst - positive)
        default:
            let determinant = (1 + p) * (1 + q) - a * a
            return determinant > 0 ? -0.5 * log(determinant) - positive : .infinity
        }
    }

    /// The lengths (g, h), both ≥ 0, that minimise a pair's contribution, found numerically.
    ///
    /// Valid only for the quadratic similarity, because the inner product determines only g h.
    func minimizer(correlation: Double) -> (first: Double, second: Double) {
        var search = LBFGS()
        search.tolerance = 1e-13
        let start = (0.5 * correlation / (1 - correlation)).squareRoot() + 0.1
        let best = search.minimize(from: [start, start]) { point, gradient in
            gradient = slope(first: point[0], second: point[1], correlation: correlation)
            return value(first: point[0], second: point[1], correlation: correlation)
        }
        return (abs(best.point[0]), abs(best.point[1]))
    }

    /// ∂/∂g and ∂/∂h of `value`, for the quadratic similarity and conditional losses.
    private func slope(first g: Double, second h: Double, correlation: Double) -> [Double] {
        guard let weights = loss.weights else { preconditionFailure("\(loss) has closed forms") }
        /// ∂/∂x and ∂/∂y of -½ log(1 + x²) + ½ x² y² / (1 + x²) - ½ y². x is the length of the modality that is
        /// predicted.
        func direction(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
            let p = 1 + x * x
            return (x * (y * y / p - 1) / p, y * (x * x / p - 1))
        }
        let a = direction(g, h), b = direction(h, g), both = weights.first + weights.second
        return [
            weights.first * a.x + weights.second * b.y + both * (g - correlation * h),
            weights.first * a.y + weights.second * b.x + both * (h - correlation * g),
        ]
    }
}
