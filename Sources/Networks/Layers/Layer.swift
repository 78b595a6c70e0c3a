import CoupletTensors

/// A layer of an encoder: a value that knows its shapes, and has forward and backward over one shard.
///
/// Legend: B = rows of the shard. Tensors that a layer gets are B × (its shape). A layer allocates nothing in forward and backward:
/// what it needs beside its output lies in `kept` and `scratch`, made once by the workspace of its encoder.
/// Which numbers a layer computes depends on its arguments alone, never on where they lie or on what `scratch` held before.
public protocol Layer: Sendable {
    /// The shape of one sample going in and coming out.
    var inputShape: [Int] { get }
    var outputShape: [Int] { get }
    /// Its parameters in the order of `parameters` below; empty for a layer without. Names as in a checkpoint: weight, bias.
    var parameterShapes: [(name: String, shape: [Int])] { get }
    /// How many floats forward leaves to backward beside the output: one set for every shard whose activations are kept.
    func keptCount(rows: Int) -> Int
    /// How many floats of scratch forward and backward want. All layers of a worker share it, so nothing in it survives a call.
    func scratchCount(rows: Int) -> Int
    /// Sets the initial parameters. `number` is the first of this layer's numbers of the stream `.initialization`: parameter p uses
    /// number + p. `scale` multiplies the initial weights.
    func initialize(_ parameters: [Tensor], philox: Philox, number: UInt64, scale: Float)
    /// Overwrites `output` and `kept`.
    func forward(_ input: Tensor, parameters: [Tensor], output: Tensor, kept: Tensor, scratch: Tensor)
    /// Overwrites `parameterGradients` (they start from zero for every shard) and, unless nil, `inputGradient`.
    /// May overwrite `outputGradient`.
    func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, kept: Tensor, scratch: Tensor)
    /// The floating-point operations of its matrix products, forward and backward, for B rows: for `bench`.
    func matrixProductFLOPs(rows: Int, needsInputGradient: Bool) -> Int
}

extension Layer {
    public func keptCount(rows: Int) -> Int { 0 }
    public func scratchCount(rows: Int) -> Int { 0 }
    /// The numbers of a sample going in and coming out.
    public var inputCount: Int { inputShape.reduce(1, *) }
    public var outputCount: Int { outputShape.reduce(1, *) }
}
