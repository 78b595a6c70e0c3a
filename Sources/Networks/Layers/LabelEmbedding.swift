import CCoupletKernels
import CoupletTensors

/// y = W[x]: a vector of its own for each label; x a Float32 holding an integer 0 … classes - 1, W [classes, embedding].
///
/// Backward: dW[k] = Σ dY[i] over the rows i of label k, rows in sequence. A label has no gradient.
/// Starts with independent N(0, 1 / embedding) numbers: vectors of length about 1.
public struct LabelEmbedding: Layer {
    public let classes: Int
    public let inputShape = [1]
    public let outputShape: [Int]

    public init(classes: Int, embedding: Int) {
        precondition(classes > 0 && embedding > 0, "\(classes) labels of \(embedding) numbers")
        self.classes = classes
        outputShape = [embedding]
    }

    public var parameterShapes: [(name: String, shape: [Int])] { [("weight", [classes, outputCount])] }

    public func initialize(_ parameters: [Tensor], philox: Philox, number: UInt64, scale: Float) {
        philox.fillNormal(parameters[0], .initialization, number: number)
        couplet_scale(parameters[0].count, scale / Float(outputCount).squareRoot(), parameters[0].pointer)
    }

    public func forward(_ input: Tensor, parameters: [Tensor], output: Tensor, kept: Tensor, scratch: Tensor) {
        let columns = outputCount
        for row in 0..<input.count {
            (output.pointer + row * columns).update(
                from: parameters[0].pointer + label(input, row) * columns, count: columns)
        }
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, kept: Tensor, scratch: Tensor
    ) {
        let columns = outputCount
        parameterGradients[0].fill(0)
        for row in 0..<input.count {
            couplet_add(
                columns, outputGradient.pointer + row * columns,
                parameterGradients[0].pointer + label(input, row) * columns)
        }
        inputGradient?.fill(0)
    }

    /// A look-up has no product.
    public func matrixProductFLOPs(rows: Int, needsInputGradient: Bool) -> Int { 0 }

    private func label(_ input: Tensor, _ row: Int) -> Int {
        let value = input.pointer[row]
        precondition(
            value >= 0 && value < Float(classes), "label \(value) of \(classes) classes, in row \(row) of a shard")
        return Int(value)
    }
}
