import CoupletTensors

/// How the weights before an activation start. All are uniform on [-b, b); biases start at zero.
///
/// | activation | name | b |
/// |---|---|---|
/// | relu, gelu | Kaiming uniform (He, Zhang, Ren, Sun, *Delving Deep into Rectifiers*, ICCV 2015, section 2.2) | √(6 / in) |
/// | leaky_relu | the same with its slope a | √(6 / ((1 + a²) in)) |
/// | tanh | Glorot uniform (Glorot, Bengio, *Understanding the difficulty of training …*, AISTATS 2010, eq. 16) | √(6 / (in + out)) |
/// | identity | LeCun uniform (LeCun, Bottou, Orr, Müller, *Efficient BackProp*, 1998, section 4.6): variance 1 / in | √(3 / in) |
struct WeightInitialization {
    /// b above.
    let bound: Float

    /// - Parameters:
    ///   - activation: what follows the weights.
    ///   - inputs, outputs: the terms of a sum into one output, and the sums that one input enters.
    init(activation: Activation, inputs: Int, outputs: Int) {
        let inputs = Float(inputs), outputs = Float(outputs)
        switch activation {
        case .relu, .gelu: bound = (6 / inputs).squareRoot()
        case .leakyRelu(let slope): bound = (6 / ((1 + slope * slope) * inputs)).squareRoot()
        case .tanh: bound = (6 / (inputs + outputs)).squareRoot()
        case .identity: bound = (3 / inputs).squareRoot()
        }
    }

    /// Fills `weight` with scale · uniform[-b, b) numbers of the stream `.initialization`.
    func fill(_ weight: Tensor, philox: Philox, number: UInt64, scale: Float) {
        philox.fillUniform(weight, .initialization, number: number)
        let pointer = weight.pointer, factor = bound * scale
        for i in 0..<weight.count { pointer[i] = (2 * pointer[i] - 1) * factor }
    }
}
