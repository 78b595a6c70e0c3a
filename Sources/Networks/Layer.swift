import Tensors

/// A layer of an encoder: a value that knows its shapes, and has forward and backward over one shard.
///
/// Legend: B = rows of the shard. Tensors that a layer gets are B × (its shape). A layer allocates nothing in forward and backward:
/// what it needs beside its output lies in its scratch, made once.
public protocol Layer: Sendable {
    /// The shape of one sample going in and coming out.
    var inputShape: [Int] { get }
    var outputShape: [Int] { get }
    /// Its parameters in the order of `parameters` below; empty for a layer without. Names as in a checkpoint: weight, bias.
    var parameterShapes: [(name: String, shape: [Int])] { get }
    /// How many floats of scratch a worker gives it for shards of this many rows; shared between forward and backward of a layer, and
    /// not kept between them.
    func scratchCount(rows: Int) -> Int
    /// Sets the initial parameters. `number` is the first of this layer's numbers of the stream `.initialization`: parameter p uses number + p.
    func initialize(_ parameters: [Tensor], philox: Philox, stream number: UInt64, scale: Float)
    func forward(_ input: Tensor, parameters: [Tensor], output: Tensor, scratch: Tensor)
    /// Overwrites `parameterGradients` (they start from zero for every shard) and, unless nil, `inputGradient`.
    /// May overwrite `outputGradient`.
    func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, scratch: Tensor)
    /// The floating-point operations of its matrix products, forward and both products of backward, for B rows: for `bench`.
    func productOperations(rows: Int, needsInputGradient: Bool) -> Int
}
