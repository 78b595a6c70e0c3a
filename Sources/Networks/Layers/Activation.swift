import CCoupletKernels
import CoupletTensors

/// The elementwise function f that a layer applies after its product.
public enum Activation: Equatable, Sendable {
    /// f(x) = x
    case identity
    /// f(x) = max(0, x)
    case relu
    /// f(x) = x for x > 0, else slope · x
    case leakyRelu(slope: Float)
    /// f(x) = x Φ(x), Φ the distribution function of N(0, 1), computed with the error function (not with the tanh
    /// approximation).
    case gelu
    /// f(x) = tanh x
    case tanh

    /// The functions by their names in a config.
    public enum Name: String, CaseIterable, Sendable {
        case relu
        case leakyRelu = "leaky_relu"
        case gelu, tanh, identity
    }

    /// Slope of leaky_relu if a config does not give one.
    public static let defaultSlope: Float = 0.01

    /// The function, for the key `activation` of an encoder's table. A new leaky_relu has the slope `defaultSlope`.
    public var name: Name {
        get {
            switch self {
            case .identity: .identity
            case .relu: .relu
            case .leakyRelu: .leakyRelu
            case .gelu: .gelu
            case .tanh: .tanh
            }
        }
        set {
            switch newValue {
            case .identity: self = .identity
            case .relu: self = .relu
            case .leakyRelu: self = .leakyRelu(slope: Self.defaultSlope)
            case .gelu: self = .gelu
            case .tanh: self = .tanh
            }
        }
    }

    /// The slope of leaky_relu, for the key `slope` of an encoder's table. Setting it has no effect on other functions.
    public var slope: Float {
        get { if case .leakyRelu(let slope) = self { slope } else { Self.defaultSlope } }
        set { if case .leakyRelu = self { self = .leakyRelu(slope: newValue) } }
    }

    /// Stops the program if leaky_relu has a slope below 0.
    func requireValidSlope() {
        precondition(
            slope >= 0,
            "leaky_relu with a negative slope, \(slope): the output does not have the sign of z that backward needs")
    }

    /// Whether forward saves f'(z) for backward. The other activations compute f'(z) from the output y = f(z).
    var savesDerivative: Bool { self == .gelu }

    /// The activation as a product applies it to its result; nil for one that takes a pass of its own.
    var epilogue: MatrixProduct.Epilogue.Activation? {
        switch self {
        case .identity: .identity
        case .relu: .relu
        case .leakyRelu(let slope): .leakyRelu(slope: slope)
        case .gelu, .tanh: nil
        }
    }

    /// y ← f(y + bias), in one pass over the rows.
    /// - Parameters:
    ///   - bias: one value per column; nil for none.
    ///   - derivative: receives f'(y + bias) if `savesDerivative`.
    func addBiasAndApply(bias: Tensor?, output: Tensor, derivative: Tensor) {
        let (rows, columns) = (output.rows, output.columns), bias = bias.map { UnsafePointer($0.pointer) }
        switch self {
        case .identity:
            if let bias { couplet_bias_identity(rows, columns, bias, output.pointer) }
        case .relu: couplet_bias_relu(rows, columns, bias, output.pointer)
        case .leakyRelu(let slope): couplet_bias_leaky_relu(rows, columns, bias, slope, output.pointer)
        case .gelu: couplet_bias_gelu(rows, columns, bias, output.pointer, derivative.pointer)
        case .tanh: couplet_bias_tanh(rows, columns, bias, output.pointer)
        }
    }

    /// y = f(a + b), in one pass, for an activation with an `epilogue`. y may be the memory of a.
    func applyToSum(_ a: Tensor, _ b: Tensor, into output: Tensor) {
        precondition(a.count == output.count && b.count == output.count, "\(a.shape) + \(b.shape) as \(output.shape)")
        switch self {
        case .relu: couplet_sum_relu(output.count, a.pointer, b.pointer, output.pointer)
        case .leakyRelu(let slope): couplet_sum_leaky_relu(output.count, a.pointer, b.pointer, slope, output.pointer)
        case .identity: couplet_sum(output.count, a.pointer, b.pointer, output.pointer)
        case .gelu, .tanh: preconditionFailure("\(self) takes a pass of its own")
        }
    }

    /// dZ = dY · f'(z) and db = Σ_rows dZ, in one pass. Rows are added in ascending order.
    /// - Parameters:
    ///   - derivative: f'(z) as `addBiasAndApply` wrote it, if `savesDerivative`.
    ///   - gradient: dY on entry, dZ on return.
    ///   - biasGradient: receives db; nil if there is no bias.
    func applyBackward(output: Tensor, derivative: Tensor, gradient: Tensor, biasGradient: Tensor?) {
        let (rows, columns) = (output.rows, output.columns)
        biasGradient?.fill(0)
        let sums = biasGradient.map { $0.pointer }
        switch self {
        case .identity:
            if let sums { couplet_backward_identity(rows, columns, gradient.pointer, sums) }
        case .relu: couplet_backward_relu(rows, columns, output.pointer, gradient.pointer, sums)
        case .leakyRelu(let slope):
            couplet_backward_leaky_relu(rows, columns, output.pointer, slope, gradient.pointer, sums)
        case .gelu: couplet_backward_gelu(rows, columns, derivative.pointer, gradient.pointer, sums)
        case .tanh: couplet_backward_tanh(rows, columns, output.pointer, gradient.pointer, sums)
        }
    }
}
