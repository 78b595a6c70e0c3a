import CCoupletKernels
import CoupletTensors

#if canImport(Glibc)
    import Glibc
#endif

/// The feature map φ of a kernel on one modality's data.
public struct KernelFeatures: Sendable {
    fileprivate enum Map: Sendable {
        case identity
        /// Frequencies in turns, F/2 × n.
        case fourier(Tensor)
        /// For each monomial its factors, places in (1, x_1, …, x_n), and the root of its multinomial coefficient.
        case monomials(degree: Int, factors: [Int32], coefficients: [Float])
    }

    /// n: the numbers of one sample, or its classes.
    public let inputs: Int
    /// F.
    public let count: Int
    private let classes: Int?
    private let map: Map

    /// Nil where a polynomial kernel would take more than `DataKernel.maximumFeatureCount`.
    /// - Parameters:
    ///   - inputs: the numbers of one sample.
    ///   - classes: where samples are labels, how many there are: a label counts as a unit vector.
    ///   - modality: the number of the modality; each has frequencies of its own.
    public init?(_ kernel: DataKernel, inputs: Int, classes: Int? = nil, seed: UInt64, modality: Int) {
        let inputs = classes ?? inputs
        guard let count = kernel.featureCount(inputs: inputs) else { return nil }
        self.inputs = inputs
        self.classes = classes
        self.count = count
        switch kernel {
        case .linear: map = .identity
        case .gaussian(let bandwidth, let features):
            precondition(
                features > 0 && features % 2 == 0, "\(features) Fourier features: cosine and sine come in pairs")
            map = .fourier(Self.frequencies(features / 2, inputs, bandwidth, seed, modality, isHeavyTailed: false))
        case .inverseMultiquadric(let bandwidth, let features):
            precondition(
                features > 0 && features % 2 == 0, "\(features) Fourier features: cosine and sine come in pairs")
            map = .fourier(Self.frequencies(features / 2, inputs, bandwidth, seed, modality, isHeavyTailed: true))
        case .polynomial(let degree):
            let (factors, coefficients) = Self.monomials(inputs, degree)
            map = .monomials(degree: degree, factors: factors, coefficients: coefficients)
        }
    }

    /// Writes φ of some samples.
    ///
    /// A shard at a time, always of one size, so that the bits depend on nothing else.
    /// - Parameters:
    ///   - samples: rows of the modality's shape, or labels.
    ///   - out: rows × F.
    ///   - scratch: at least rows × max(n, F/2) numbers.
    public func evaluate(_ samples: Tensor, into out: Tensor, scratch: Tensor) {
        let rows = out.rows
        precondition(
            out.columns == count && scratch.count >= scratchCount(rows: rows),
            "features \(out.shape), scratch \(scratch.shape)")
        var samples = samples
        if let classes {
            let indicators = map.isIdentity ? out : scratch.flat(0..<(rows * classes)).reshaped([rows, classes])
            couplet_indicators(rows, classes, samples.pointer, indicators.pointer)
            samples = indicators
        }
        precondition(samples.count == rows * inputs, "samples \(samples.shape) of \(inputs) numbers")
        switch map {
        case .identity: if classes == nil { out.copy(from: samples) }
        case .fourier(let frequencies):
            let turns = scratch.flat((rows * inputs)..<(rows * (inputs + count / 2))).reshaped([rows, count / 2])
            MatrixProduct.multiply(samples.reshaped([rows, inputs]), .asIs, frequencies, .transposed, into: turns)
            couplet_fourier_features(
                rows, count / 2, turns.pointer, Float((2 / Double(count)).squareRoot()), out.pointer)
        case .monomials(let degree, let factors, let coefficients):
            couplet_monomials(rows, inputs, samples.pointer, count, degree, factors, coefficients, out.pointer)
        }
    }

    /// How many numbers `evaluate` needs as scratch.
    public func scratchCount(rows: Int) -> Int { rows * (inputs + count / 2) }

    /// ω / 2π: normal over the bandwidth, for the inverse multiquadric times the size of one more normal number (then 2s, s the gamma variable, is its square).
    private static func frequencies(
        _ count: Int, _ inputs: Int, _ bandwidth: Double, _ seed: UInt64, _ modality: Int, isHeavyTailed: Bool
    ) -> Tensor {
        let philox = Philox(seed: seed), frequencies = Tensor([count, inputs])
        philox.fillNormal(frequencies, .features, number: UInt64(2 * modality))
        let sizes = philox.normals(count, .features, number: UInt64(2 * modality + 1))
        for k in 0..<count {
            let factor = (isHeavyTailed ? abs(Double(sizes[k])) : 1) / (bandwidth * 2 * Double.pi)
            for place in (k * inputs)..<((k + 1) * inputs) {
                frequencies[place] = Float(Double(frequencies[place]) * factor)
            }
        }
        return frequencies
    }

    /// All multisets of `degree` places in (1, x_1, …, x_n), each with √(degree! / Π multiplicity!).
    private static func monomials(_ inputs: Int, _ degree: Int) -> (factors: [Int32], coefficients: [Float]) {
        var factors: [Int32] = [], coefficients: [Float] = []
        var places = [Int32](repeating: 0, count: degree)
        func extend(_ depth: Int, from smallest: Int32, _ weight: Double, run: Int) {
            if depth == degree {
                factors += places
                coefficients.append(Float(weight.squareRoot()))
                return
            }
            for place in smallest...Int32(inputs) {
                places[depth] = place
                // degree! / Π multiplicity!, built up factor by factor.
                let multiplicity = depth > 0 && place == places[depth - 1] ? run + 1 : 1
                extend(depth + 1, from: place, weight * Double(depth + 1) / Double(multiplicity), run: multiplicity)
            }
        }
        extend(0, from: 0, 1, run: 0)
        return (factors, coefficients)
    }
}

extension KernelFeatures.Map {
    fileprivate var isIdentity: Bool {
        if case .identity = self { true } else { false }
    }
}
