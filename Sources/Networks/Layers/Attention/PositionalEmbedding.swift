import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// y = x + P for sequences x [T, W] with a learned vector for each position, P [T, W] (Gehring et al., *Convolutional
/// Sequence to Sequence Learning*, ICML 2017, section 3.1).
///
/// Backward: dX = dY; dP = Σ_rows dY, in ascending order. Positions beyond the length of a sequence are zero, and have
/// no part in dP.
public struct PositionalEmbedding: Layer {
    /// [T, W]
    public let inputShape: [Int]
    public var outputShape: [Int] { inputShape }

    /// - Parameter inputShape: [positions, width]
    public init(inputShape: [Int]) {
        precondition(
            inputShape.count == 2 && inputShape.allSatisfy { $0 > 0 }, "positions of samples of shape \(inputShape)")
        self.inputShape = inputShape
    }

    public var tableName: String { Kind.name }
    public var backwardReadsInput: Bool { false }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }
    public var parameterShapes: [(name: String, shape: [Int])] { [("weight", inputShape)] }

    /// Normal with standard deviation 0.02, as in *An Image is Worth 16x16 Words* (Dosovitskiy et al., ICLR 2021).
    public func initialize(_ parameters: [Tensor], philox: Philox, firstNumber: UInt64, scale: Float) {
        philox.fillNormal(parameters[0], .initialization, number: firstNumber)
        parameters[0].scale(by: 0.02 * scale)
    }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        forEachRow(of: input, context) { row, count in
            let y = output.pointer + row * inputCount
            y.update(from: input.pointer + row * inputCount, count: count)
            couplet_add(count, parameters[0].pointer, y)
            (y + count).update(repeating: 0, count: inputCount - count)
        }
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        parameterGradients[0].fill(0)
        forEachRow(of: outputGradient, context) { row, count in
            let dy = outputGradient.pointer + row * inputCount
            couplet_add(count, dy, parameterGradients[0].pointer)
            guard let dx = inputGradient.map({ $0.pointer + row * inputCount }) else { return }
            dx.update(from: dy, count: count)
            (dx + count).update(repeating: 0, count: inputCount - count)
        }
    }

    /// Calls `body` for each row with its number of values that are not padding.
    private func forEachRow(of tensor: Tensor, _ context: LayerContext, body: (_ row: Int, _ count: Int) -> Void) {
        for row in 0..<tensor.rows { body(row, (context.lengths?[row] ?? inputShape[0]) * inputShape[1]) }
    }
}

extension PositionalEmbedding {
    /// `positional_embedding` in a list of layers.
    public struct Kind: LayerKind {
        public init() {}

        public static let name = "positional_embedding"
        public static let table = ConfigurationTable(
            Kind(), help: "Adds a learned vector for each position of a sequence.", [])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            try checkSequence(inputShape)
            return PositionalEmbedding(inputShape: inputShape)
        }
    }
}
