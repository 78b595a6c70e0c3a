import CoupletLosses
import CoupletTensors

/// Sampled moments beside those of the learned coupling in closed form: what a sampler for linear encoders of a Gaussian pair must find.
public struct MomentComparison: Equatable, Sendable {
    /// The closed form, d numbers and d × d.
    public let mean: [Double], covariance: Matrix
    /// (sampled - closed form) / standard error, of each mean.
    public let meanDeviations: [Double]
    /// The same of the covariances on and below the diagonal, row by row; empty where none were sampled.
    public let covarianceDeviations: [Double]

    /// - Parameter given: v.
    public init(_ moments: ConditionalMoments, _ law: GaussianConditional, given: [Double]) {
        let mean = law.mean(given: given)
        self.mean = mean
        covariance = law.covariance
        meanDeviations = mean.indices.map { Self.deviation(moments.mean[$0], mean[$0], moments.meanError[$0]) }
        var deviations: [Double] = []
        if let sampled = moments.covariance, let error = moments.covarianceError {
            for i in mean.indices {
                for j in 0...i { deviations.append(Self.deviation(sampled[i, j], law.covariance[i, j], error[i, j])) }
            }
        }
        covarianceDeviations = deviations
    }

    public var deviations: [Double] { meanDeviations + covarianceDeviations }

    /// What does not vary has no standard error, and rounding alone may part it from the closed form.
    private static func deviation(_ sampled: Double, _ exact: Double, _ error: Double) -> Double {
        let difference = sampled - exact
        return error == 0 && abs(difference) <= 1e-6 * (1 + abs(exact)) ? 0 : difference / error
    }

    /// What share of these deviations lies within 3 standard errors: of a normal law 99.73 %.
    public static func shareWithinThree(_ deviations: [Double]) -> Double {
        Double(deviations.count { abs($0) <= 3 }) / Double(max(deviations.count, 1))
    }

    /// What the largest of `count` deviations of a sampler without fault exceeds with a probability of at most `probability`, however they
    /// depend on each other (Bonferroni): for `count` normal variables, x with count · P(|X| > x) = probability.
    public static func bound(count: Int, probability: Double = 0.01) -> Double {
        -NormalQuantile.value(probability / (2 * Double(max(count, 1))))
    }
}
