import CCoupletKernels
import CoupletTensors

/// The feature map φ of a kernel on the data of one modality.
public struct KernelFeatures: Sendable {
    private enum Map: Sendable {
        case identity
        /// Frequencies ω / 2π, F/2 × n.
        case fourier(Tensor)
        /// The factors of each monomial, as indices into (1, x_1, …, x_n), and the square root of its multinomial
        /// coefficient.
        case monomials(degree: Int, factors: [Int32], coefficients: [Float])

        var isIdentity: Bool {
            if case .identity = self { true } else { false }
        }
    }

    /// n, the count of numbers of one sample; the number of classes if samples are labels.
    public let inputs: Int
    /// F, the number of features.
    public let count: Int
    private let classes: Int?
    private let map: Map

    /// Creates the feature map; nil if a polynomial kernel needs more than `DataKernel.maximumFeatureCount` features.
    /// - Parameters:
    ///   - inputs: the count of numbers of one sample.
    ///   - classes: the number of classes if samples are labels; nil otherwise.
    ///   - modality: the number of the modality; each modality has its own frequencies.
    public init?(_ kernel: DataKernel, inputs: Int, classes: Int? = nil, seed: UInt64, modality: Int) {
        let inputs = classes ?? inputs
        guard let count = kernel.featureCount(inputs: inputs) else { return nil }
        self.inputs = inputs
        self.classes = classes
        self.count = count
        switch kernel {
        case .linear: map = .identity
        case .gaussian(let bandwidth, let features):
            map = .fourier(Self.frequencies(features, inputs, bandwidth, seed, modality, isHeavyTailed: false))
        case .inverseMultiquadric(let bandwidth, let features):
            map = .fourier(Self.frequencies(features, inputs, bandwidth, seed, modality, isHeavyTailed: true))
        case .polynomial(let degree):
            let (factors, coefficients) = Self.monomials(inputs, degree)
            map = .monomials(degree: degree, factors: factors, coefficients: coefficients)
        }
    }

    /// Writes φ(x) of each sample x.
    ///
    /// Call it for one shard at a time, because the bits of a row may depend on the number of rows.
    /// - Parameters:
    ///   - samples: rows of the modality's shape, or labels.
    ///   - out: rows × F.
    ///   - scratch: at least `scratchCount(rows:)` numbers.
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

    /// Number of scratch elements that `evaluate` needs.
    public func scratchCount(rows: Int) -> Int { rows * (inputs + count / 2) }

    /// Draws the frequencies ω / 2π: standard normal numbers divided by 2π · bandwidth.
    ///
    /// For the inverse multiquadric each frequency is also multiplied by the absolute value of one more normal number.
    /// Half the square of that number is the gamma variable.
    private static func frequencies(
        _ features: Int, _ inputs: Int, _ bandwidth: Double, _ seed: UInt64, _ modality: Int, isHeavyTailed: Bool
    ) -> Tensor {
        precondition(features > 0 && features % 2 == 0, "\(features) Fourier features: cosine and sine come in pairs")
        let count = features / 2
        let philox = Philox(seed: seed), frequencies = Tensor([count, inputs])
        philox.fillNormal(frequencies, .features, number: UInt64(2 * modality))
        let sizes = philox.normals(count, .features, number: UInt64(2 * modality + 1))
        for k in 0..<count {
            let factor = (isHeavyTailed ? abs(Double(sizes[k])) : 1) / (bandwidth * 2 * Double.pi)
            for i in (k * inputs)..<((k + 1) * inputs) { frequencies[i] = Float(Double(frequencies[i]) * factor) }
        }
        return frequencies
    }

    /// Lists all multisets of `degree` indices into (1, x_1, …, x_n), each with √(degree! / Π multiplicity!).
    private static func monomials(_ inputs: Int, _ degree: Int) -> (factors: [Int32], coefficients: [Float]) {
        var factors: [Int32] = [], coefficients: [Float] = []
        var indices = [Int32](repeating: 0, count: degree)
        func extend(_ depth: Int, from smallest: Int32, _ weight: Double, run: Int) {
            if depth == degree {
                factors += indices
                coefficients.append(Float(weight.squareRoot()))
                return
            }
            for index in smallest...Int32(inputs) {
                indices[depth] = index
                // `weight` becomes degree! / Π multiplicity!, one factor for each index.
                let multiplicity = depth > 0 && index == indices[depth - 1] ? run + 1 : 1
                extend(depth + 1, from: index, weight * Double(depth + 1) / Double(multiplicity), run: multiplicity)
            }
        }
        extend(0, from: 0, 1, run: 0)
        return (factors, coefficients)
    }
}
