import CoupletSchema
import CoupletTensors

/// The distribution of the initial weights and biases of an encoder: the block `encoders.initialization`.
///
/// | law | weights | variance v |
/// |---|---|---|
/// | `pytorch` | uniform | 1 / (3 in), so that they lie in ±1/√in |
/// | `he_uniform`, `he_normal` [1] | uniform, normal | 2 / in |
/// | `glorot_uniform`, `glorot_normal` [2] | uniform, normal | 2 / (in + out) |
/// | `lecun_uniform`, `lecun_normal` [3] | uniform, normal | 1 / in |
/// | `by_activation` | uniform | by the function that follows |
///
/// The function that follows is relu or gelu (variance of He), leaky_relu of slope a (2 / ((1 + a²) in)), tanh (that of
/// Glorot), or none (that of LeCun).
///
/// Uniform weights lie in [-√(3 v), √(3 v)), and normal ones are N(0, v). `in` is the number of inputs that an output
/// sums, and `out` the number of outputs to which an input contributes; for convolutions both count the taps of the
/// kernel. Biases are 0, or uniform in ±1/√in.
///
/// `pytorch` is how PyTorch's modules start: `nn.Linear` and `nn.Conv2d` as in the table, with uniform biases;
/// `nn.MultiheadAttention` with Glorot's law for Q, K and V and without biases; torchvision's residual networks with
/// N(0, 2 / out). `by_activation` starts these two in the same way. Embeddings of labels and tokens, positions and
/// normalisations have laws of their own, which no key changes.
///
/// 1. He, Zhang, Ren, Sun, *Delving Deep into Rectifiers*, ICCV 2015, section 2.2; `kaiming_` in PyTorch
/// 2. Glorot, Bengio, *Understanding the difficulty of training deep feedforward neural networks*, AISTATS 2010, eq.
///    16; `xavier_` in PyTorch
/// 3. LeCun, Bottou, Orr, Müller, *Efficient BackProp*, 1998, section 4.6
public struct WeightInitialization: Equatable, Sendable {
    public enum Law: String, CaseIterable, Sendable {
        case pytorch
        case heUniform = "he_uniform"
        case heNormal = "he_normal"
        case glorotUniform = "glorot_uniform"
        case glorotNormal = "glorot_normal"
        case lecunUniform = "lecun_uniform"
        case lecunNormal = "lecun_normal"
        case byActivation = "by_activation"

        /// How the biases start if a config does not say it.
        var biases: Biases { self == .pytorch ? .uniform : .zero }
        /// Whether a layer's `ParameterRole.ownDistribution` takes the place of the law.
        fileprivate var keepsOwnDistributions: Bool { self == .pytorch || self == .byActivation }
    }

    public enum Biases: String, CaseIterable, Sendable {
        case zero
        /// Uniform on [-1/√in, 1/√in).
        case uniform
    }

    public var law: Law
    /// Factor on all weights and biases that have a law.
    public var gain: Float
    public var biases: Biases

    /// - Parameter biases: nil for uniform ones with `pytorch` and zeros with every other law.
    public init(law: Law = .pytorch, gain: Float = 1, biases: Biases? = nil) {
        self.law = law
        self.gain = gain
        self.biases = biases ?? law.biases
    }

    /// The initialization of runs whose configs have no key for it, because they are older than the key.
    package static let beforeKey = WeightInitialization(law: .byActivation)

    package static let table = ConfigurationTable(
        WeightInitialization(),
        [
            .key(
                "law", \.law, .choice("law"),
                "Law of the initial weights; he is kaiming and glorot is xavier in PyTorch."),
            .key("gain", \.gain, .number(.positive, example: 0.5), "Factor on the initial weights and biases."),
            .key(
                "biases", \.biases, .choice("start of biases"),
                "Initial biases: zero, or uniform in ±1/√in, where in is the number of inputs that an output sums.",
                defaultText: "uniform with the law pytorch, zero with others"),
        ],
        complete: { initialization, block in
            if !block.has("biases") { initialization.biases = initialization.law.biases }
        })

    // MARK: - Drawing

    /// A distribution around 0 of independent numbers.
    public enum Distribution: Equatable, Sendable {
        case zero
        /// Uniform on [-bound, bound).
        case uniform(bound: Float)
        case normal(deviation: Float)
    }

    /// The distribution of a parameter, without the gain.
    public func distribution(of role: ParameterRole) -> Distribution {
        if let own = role.ownDistribution, law.keepsOwnDistributions { return own }
        let fanIn = Float(role.fanIn), fanOut = Float(role.fanOut)
        guard role.kind == .weight else {
            return biases == .zero ? .zero : .uniform(bound: (1 / fanIn).squareRoot())
        }
        return switch law {
        case .pytorch: .uniform(bound: (1 / fanIn).squareRoot())
        case .heUniform: .uniform(bound: (6 / fanIn).squareRoot())
        case .heNormal: .normal(deviation: (2 / fanIn).squareRoot())
        case .glorotUniform: .uniform(bound: (6 / (fanIn + fanOut)).squareRoot())
        case .glorotNormal: .normal(deviation: (2 / (fanIn + fanOut)).squareRoot())
        case .lecunUniform: .uniform(bound: (3 / fanIn).squareRoot())
        case .lecunNormal: .normal(deviation: (1 / fanIn).squareRoot())
        case .byActivation:
            switch role.activation {
            case .relu, .gelu: .uniform(bound: (6 / fanIn).squareRoot())
            case .leakyRelu(let slope): .uniform(bound: (6 / ((1 + slope * slope) * fanIn)).squareRoot())
            case .tanh: .uniform(bound: (6 / (fanIn + fanOut)).squareRoot())
            case .identity: .uniform(bound: (3 / fanIn).squareRoot())
            }
        }
    }

    /// Draws the parameters of a layer that have a role; leaves the others as they are.
    /// - Parameters:
    ///   - roles: `Layer.parameterRoles`.
    ///   - firstNumber: parameter p uses the number `firstNumber` + p of the random stream `.initialization`.
    ///   - scale: further factor on the parameters of the last map of the layer.
    public func fill(
        _ parameters: [Tensor], _ roles: [ParameterRole?], philox: Philox, firstNumber: UInt64, scale: Float
    ) {
        precondition(roles.count == parameters.count, "\(roles.count) roles for \(parameters.count) parameters")
        for (index, (parameter, role)) in zip(parameters, roles).enumerated() {
            guard let role else { continue }
            let number = firstNumber + UInt64(index), factor = gain * (role.isLast ? scale : 1)
            switch distribution(of: role) {
            case .zero: parameter.fill(0)
            case .uniform(let bound):
                philox.fillUniform(parameter, .initialization, number: number)
                let pointer = parameter.pointer, factor = bound * factor
                for i in 0..<parameter.count { pointer[i] = (2 * pointer[i] - 1) * factor }
            case .normal(let deviation):
                philox.fillNormal(parameter, .initialization, number: number)
                parameter.scale(by: factor * deviation)
            }
        }
    }
}
