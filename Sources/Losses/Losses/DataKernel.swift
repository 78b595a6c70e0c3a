/// A kernel k on the data of a modality, by which the maximum mean discrepancy compares a learned conditional with the data, and how its features φ
/// with ⟨φ(x), φ(y)⟩ = k(x, y) are made. Data are flat vectors; a label is the unit vector of its class.
public enum DataKernel: Equatable, Sendable {
    /// e^{-|x - y|² / (2 bandwidth²)}, by so many random Fourier features (Rahimi and Recht, *Random Features for Large-Scale Kernel Machines*, NIPS 2007):
    /// k is met on average over the frequencies, with a deviation of about 1/√features.
    case gaussian(bandwidth: Double, features: Int)
    /// (1 + |x - y|² / bandwidth²)^{-½}, likewise: a Gaussian kernel whose squared inverse bandwidth is drawn from a gamma distribution, so it sees far and near.
    case inverseMultiquadric(bandwidth: Double, features: Int)
    /// ⟨x, y⟩, exactly: sees conditional means alone.
    case linear
    /// (1 + ⟨x, y⟩)^degree, exactly: sees all moments up to the degree.
    case polynomial(degree: Int)

    /// The most features that a polynomial kernel may take.
    public static let maximumFeatureCount = 16_384

    /// F, for data of so many numbers; nil where they would be more than `maximumFeatureCount`.
    public func featureCount(inputs: Int) -> Int? {
        switch self {
        case .gaussian(_, let features), .inverseMultiquadric(_, let features): return features
        case .linear: return inputs
        case .polynomial(let degree):
            // (inputs + degree over degree): the monomials of a degree up to it.
            var count = 1
            for k in 1...degree {
                count = count * (inputs + k) / k
                if count > Self.maximumFeatureCount { return nil }
            }
            return count
        }
    }
}
