import CoupletTensors

/// The continuous ranked probability score (CRPS) of a predicted distribution F of one number x, given the truth y:
/// `∫ (F(x) - [x ≥ y])² dx = E|X - y| - ½ E|X - X'|`. X and X' are independent draws of F.
///
/// Source: Gneiting and Raftery, *Strictly Proper Scoring Rules, Prediction, and Estimation*, JASA 2007.
///
/// It has the units of x. Smaller is better, and the true distribution has the smallest mean. For a distribution
/// without spread it is |x - y|.
public enum ContinuousRankedProbabilityScore {
    /// The score of N(mean, deviation²) in closed form: `σ (z (2Φ(z) - 1) + 2φ(z) - 1/√π)`, z = (y - mean)/σ.
    public static func gaussian(mean: Double, standardDeviation: Double, truth: Double) -> Double {
        precondition(standardDeviation >= 0, "a standard deviation of \(standardDeviation)")
        if standardDeviation == 0 { return abs(truth - mean) }
        let z = (truth - mean) / standardDeviation
        let density = exp(-0.5 * z * z) / (2 * Double.pi).squareRoot()
        return standardDeviation * (z * erf(z / 2.0.squareRoot()) + 2 * density - 1 / Double.pi.squareRoot())
    }

    /// An estimate from n samples of the predicted distribution: `mean |x_i - y| - Σ_i<j |x_i - x_j| / (n (n-1))`. Its
    /// expectation is the score of the distribution, for any n (the fair score of Ferro, *Fair Scores for Ensemble
    /// Forecasts*, QJRMS 2014).
    public static func samples(_ samples: [Double], truth: Double) -> Double {
        let count = Double(samples.count)
        precondition(samples.count > 1, "\(samples.count) samples")
        let distance = samples.reduce(0) { $0 + abs($1 - truth) } / count
        // In ascending order x_k is the larger one of k pairs and the smaller one of n - 1 - k.
        let spread = samples.sorted().enumerated().reduce(0) { sum, entry in
            sum + (2 * Double(entry.offset) + 1 - count) * entry.element
        }
        return distance - spread / (count * (count - 1))
    }

    /// The score of the discrete distribution with these values and weights.
    /// - Parameter weights: their sum is 1.
    public static func discrete(_ values: [Double], weights: [Double], truth: Double) -> Double {
        precondition(values.count == weights.count, "\(values.count) values with \(weights.count) weights")
        let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
        // ½ E|X - X'| = Σ_k x_k w_k (W_k - (1 - W_k - w_k)), with W_k the weight below x_k.
        var distance = 0.0, spread = 0.0, below = 0.0
        for index in order {
            let weight = weights[index]
            distance += weight * abs(values[index] - truth)
            spread += weight * (2 * below + weight - 1) * values[index]
            below += weight
        }
        return distance - spread
    }
}
