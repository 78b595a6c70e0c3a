import CoupletTensors

/// A layer of an encoder. It declares its shapes and computes forward and backward over one shard.
///
/// Legend: B = rows of the shard. Every activation tensor has the shape B × (shape of one sample).
///
/// Forward and backward allocate nothing. The encoder's workspace allocates `savedForBackward` and `scratch` once. The
/// result of a layer depends only on the values of its arguments. It never depends on their addresses or on earlier
/// contents of `scratch`.
public protocol Layer: Sendable {
    /// Shape of one input sample.
    var inputShape: [Int] { get }
    /// Shape of one output sample.
    var outputShape: [Int] { get }
    /// Names and shapes of the parameters, in the order of the argument `parameters` below; empty for a layer without
    /// parameters. A checkpoint uses the same names, for example weight and bias.
    var parameterShapes: [(name: String, shape: [Int])] { get }
    /// Number of floats that forward saves for backward in addition to its output, for one shard of B rows.
    func savedForBackwardCount(rows: Int) -> Int
    /// Number of scratch floats that forward and backward need. All layers of a worker share this memory, so it holds
    /// nothing between calls.
    func scratchCount(rows: Int) -> Int
    /// Sets the initial parameters.
    /// - Parameters:
    ///   - firstNumber: parameter p uses the number `firstNumber` + p of the random stream `.initialization`.
    ///   - scale: factor on the initial weights.
    func initialize(_ parameters: [Tensor], philox: Philox, firstNumber: UInt64, scale: Float)
    /// Computes the output of one shard. Overwrites `output` and `savedForBackward`.
    func forward(_ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor)
    /// Computes the gradients of one shard. Overwrites `parameterGradients` and, unless it is nil, `inputGradient`.
    /// May also overwrite `outputGradient`.
    func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor)
    /// Number of floating-point operations of the matrix products in forward and backward for B rows, for benchmarks.
    func matrixProductFLOPs(rows: Int, needsInputGradient: Bool) -> Int
}

extension Layer {
    public func savedForBackwardCount(rows: Int) -> Int { 0 }
    public func scratchCount(rows: Int) -> Int { 0 }
    /// Number of values in one input sample.
    public var inputCount: Int { inputShape.reduce(1, *) }
    /// Number of values in one output sample.
    public var outputCount: Int { outputShape.reduce(1, *) }
}
