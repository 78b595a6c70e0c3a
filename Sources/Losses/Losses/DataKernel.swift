/// A kernel k on the data of a modality. The maximum mean discrepancy uses it to compare a learned conditional with the
/// data.
///
/// Each kernel has a feature map φ with ⟨φ(x), φ(y)⟩ = k(x, y) (`KernelFeatures`). Data are flat vectors; a label is
/// the unit vector of its class.
public enum DataKernel: Equatable, Sendable {
    /// e^{-|x - y|² / (2 bandwidth²)}, approximated by random Fourier features
    /// (Rahimi and Recht, *Random Features for Large-Scale Kernel Machines*, NIPS 2007).
    ///
    /// The approximation is a mean over random frequencies. Its expectation is k, its standard deviation about
    /// 1/√features.
    case gaussian(bandwidth: Double, features: Int)
    /// (1 + |x - y|² / bandwidth²)^{-½}, approximated by random Fourier features like `gaussian`.
    ///
    /// It is the mean of Gaussian kernels whose squared inverse bandwidth has a gamma distribution, so it is sensitive
    /// at short and long distances.
    case inverseMultiquadric(bandwidth: Double, features: Int)
    /// ⟨x, y⟩, exact. It sees only conditional means.
    case linear
    /// (1 + ⟨x, y⟩)^degree, exact. It sees all moments up to the degree.
    case polynomial(degree: Int)

    /// The largest number of features that a polynomial kernel may need.
    public static let maximumFeatureCount = 16_384

    /// Number of features F for data of `inputs` numbers; nil if a polynomial kernel needs more than
    /// `maximumFeatureCount`.
    public func featureCount(inputs: Int) -> Int? {
        switch self {
        case .gaussian(_, let features), .inverseMultiquadric(_, let features): return features
        case .linear: return inputs
        case .polynomial(let degree):
            // The binomial coefficient (inputs + degree over degree): the number of monomials of at most this degree.
            var count = 1
            for k in 1...degree {
                count = count * (inputs + k) / k
                if count > Self.maximumFeatureCount { return nil }
            }
            return count
        }
    }
}

/// The parts of a kernel as the keys of a config set them, one after the other. A part that the kernel does not have
/// reads as its default.
extension DataKernel {
    enum Name: String, CaseIterable, Sendable {
        case gaussian
        case inverseMultiquadric = "inverse_multiquadric"
        case linear, polynomial
    }

    var name: Name {
        get {
            switch self {
            case .gaussian: .gaussian
            case .inverseMultiquadric: .inverseMultiquadric
            case .linear: .linear
            case .polynomial: .polynomial
            }
        }
        set { set(newValue, bandwidth: bandwidth, features: features, degree: degree) }
    }

    var bandwidth: Double {
        get {
            switch self {
            case .gaussian(let bandwidth, _), .inverseMultiquadric(let bandwidth, _): bandwidth
            case .linear, .polynomial: 1
            }
        }
        set { set(name, bandwidth: newValue, features: features, degree: degree) }
    }

    var features: Int {
        get {
            switch self {
            case .gaussian(_, let features), .inverseMultiquadric(_, let features): features
            case .linear, .polynomial: 256
            }
        }
        set { set(name, bandwidth: bandwidth, features: newValue, degree: degree) }
    }

    var degree: Int {
        get { if case .polynomial(let degree) = self { degree } else { 2 } }
        set { set(name, bandwidth: bandwidth, features: features, degree: newValue) }
    }

    /// Whether the features are random Fourier features, with a bandwidth and a number.
    var hasFourierFeatures: Bool { name == .gaussian || name == .inverseMultiquadric }

    private mutating func set(_ name: Name, bandwidth: Double, features: Int, degree: Int) {
        switch name {
        case .gaussian: self = .gaussian(bandwidth: bandwidth, features: features)
        case .inverseMultiquadric: self = .inverseMultiquadric(bandwidth: bandwidth, features: features)
        case .linear: self = .linear
        case .polynomial: self = .polynomial(degree: degree)
        }
    }
}
