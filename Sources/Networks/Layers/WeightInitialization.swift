import CoupletTensors

/// Initial weights of a layer: uniform on [-b, b), where b depends on the activation that follows. Biases start at
/// zero.
///
/// | activation | name | b |
/// |---|---|---|
/// | relu, gelu | Kaiming uniform [1] | √(6 / in) |
/// | leaky_relu with slope a | Kaiming uniform [1] | √(6 / ((1 + a²) in)) |
/// | tanh | Glorot uniform [2] | √(6 / (in + out)) |
/// | identity | LeCun uniform [3]: variance 1 / in | √(3 / in) |
///
/// 1. He, Zhang, Ren, Sun, *Delving Deep into Rectifiers*, ICCV 2015, section 2.2
/// 2. Glorot, Bengio, *Understanding the difficulty of training deep feedforward neural networks*, AISTATS 2010, eq. 16
/// 3. LeCun, Bottou, Orr, Müller, *Efficient BackProp*, 1998, section 4.6
public struct WeightInitialization: Sendable {
    /// b in the table.
    private let bound: Float

    /// - Parameters:
    ///   - activation: the function that follows the weights.
    ///   - fanIn: number of inputs that each output sums, `in`.
    ///   - fanOut: number of outputs that each input contributes to, `out`.
    public init(activation: Activation, fanIn: Int, fanOut: Int) {
        let fanIn = Float(fanIn), fanOut = Float(fanOut)
        switch activation {
        case .relu, .gelu: bound = (6 / fanIn).squareRoot()
        case .leakyRelu(let slope): bound = (6 / ((1 + slope * slope) * fanIn)).squareRoot()
        case .tanh: bound = (6 / (fanIn + fanOut)).squareRoot()
        case .identity: bound = (3 / fanIn).squareRoot()
        }
    }

    /// weight ← scale · uniform[-b, b), from the random stream `.initialization`.
    public func fill(_ weight: Tensor, philox: Philox, number: UInt64, scale: Float) {
        philox.fillUniform(weight, .initialization, number: number)
        let pointer = weight.pointer, factor = bound * scale
        for i in 0..<weight.count { pointer[i] = (2 * pointer[i] - 1) * factor }
    }
}
