import CCoupletKernels
import CoupletTensors

/// y = W[x]: one learned vector for each label. x is a Float32 that holds an integer 0 … classes - 1; W [classes,
/// embedding].
///
/// Backward: dW[k] = Σ dY[i] over the rows i with label k, in ascending order. Labels have no gradient.
/// The initial entries are independent N(0, 1 / embedding), so a vector has an expected squared length of 1.
public struct LabelEmbedding: Layer {
    public let classes: Int
    public let inputShape = [1]
    public let outputShape: [Int]

    public init(classes: Int, embedding: Int) {
        precondition(classes > 0 && embedding > 0, "an embedding of \(classes) labels in \(embedding) dimensions")
        self.classes = classes
        outputShape = [embedding]
    }

    public var parameterShapes: [(name: String, shape: [Int])] { [("weight", [classes, outputCount])] }

    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }

    public func initialize(_ parameters: [Tensor], philox: Philox, firstNumber: UInt64, scale: Float) {
        philox.fillNormal(parameters[0], .initialization, number: firstNumber)
        parameters[0].scale(by: scale / Float(outputCount).squareRoot())
    }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let columns = outputCount
        for row in 0..<input.count {
            (output.pointer + row * columns).update(
                from: parameters[0].pointer + label(input, row) * columns, count: columns)
        }
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
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

    private func label(_ input: Tensor, _ row: Int) -> Int {
        let value = input.pointer[row]
        precondition(
            value >= 0 && value < Float(classes),
            "row \(row) of a shard has the label \(value), but there are \(classes) classes")
        return Int(value)
    }
}
