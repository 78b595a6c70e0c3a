import CCoupletKernels
import CoupletTensors

extension Activation {
    /// Whether backward needs f'(z) as forward left it; the others have it from the output y = f(z) alone.
    var keepsDerivative: Bool { self == .gelu }

    /// y ← f(y + bias) in one pass over `rows × columns`; `kept` gets f'(y + bias) where `keepsDerivative`.
    func apply(rows: Int, columns: Int, bias: Tensor?, output: Tensor, kept: Tensor) {
        let bias = bias.map { UnsafePointer($0.pointer) }
        switch self {
        case .identity:
            if let bias { couplet_bias_identity(rows, columns, bias, output.pointer) }
        case .relu: couplet_bias_relu(rows, columns, bias, output.pointer)
        case .leakyRelu(let slope): couplet_bias_leaky_relu(rows, columns, bias, slope, output.pointer)
        case .gelu: couplet_bias_gelu(rows, columns, bias, output.pointer, kept.pointer)
        case .tanh: couplet_bias_tanh(rows, columns, bias, output.pointer)
        }
    }

    /// dZ = dY · f'(z) in place of dY, and the column sums of dZ (rows in sequence) in `biasGradient`, in one pass.
    func applyBackward(rows: Int, columns: Int, output: Tensor, kept: Tensor, gradient: Tensor, biasGradient: Tensor?) {
        biasGradient?.fill(0)
        let sums = biasGradient.map { $0.pointer }
        switch self {
        case .identity:
            if let sums { couplet_backward_identity(rows, columns, gradient.pointer, sums) }
        case .relu: couplet_backward_relu(rows, columns, output.pointer, gradient.pointer, sums)
        case .leakyRelu(let slope):
            couplet_backward_leaky_relu(rows, columns, output.pointer, slope, gradient.pointer, sums)
        case .gelu: couplet_backward_gelu(rows, columns, kept.pointer, gradient.pointer, sums)
        case .tanh: couplet_backward_tanh(rows, columns, output.pointer, gradient.pointer, sums)
        }
    }
}
