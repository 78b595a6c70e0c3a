import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// y = [c; x]: puts a learned vector c [W] in front of a sequence x [T, W], whose output after a transformer stands for
/// the whole sequence (Devlin et al., *BERT*, NAACL 2019; Dosovitskiy et al., *An Image is Worth 16x16 Words*, ICLR
/// 2021).
///
/// Backward: dX = dY without its first position; dc = Σ_rows dY at the first position, in ascending order.
public struct ClassToken: Layer {
    /// [T, W]
    public let inputShape: [Int]
    /// [T + 1, W]
    public let outputShape: [Int]

    /// - Parameter inputShape: [positions, width]
    public init(inputShape: [Int]) {
        precondition(
            inputShape.count == 2 && inputShape.allSatisfy { $0 > 0 }, "a token before samples of shape \(inputShape)")
        self.inputShape = inputShape
        outputShape = [inputShape[0] + 1, inputShape[1]]
    }

    private var width: Int { inputShape[1] }

    public var tableName: String { Kind.name }
    public var backwardReadsInput: Bool { false }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }
    public var addedPositions: Int? { 1 }
    public var parameterShapes: [(name: String, shape: [Int])] { [("class_token", [width])] }

    /// Normal with standard deviation 0.02.
    public func initialize(_ parameters: [Tensor], philox: Philox, firstNumber: UInt64, scale: Float) {
        philox.fillNormal(parameters[0], .initialization, number: firstNumber)
        parameters[0].scale(by: 0.02 * scale)
    }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        for row in 0..<input.rows {
            let y = output.pointer + row * outputCount
            y.update(from: parameters[0].pointer, count: width)
            (y + width).update(from: input.pointer + row * inputCount, count: inputCount)
        }
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        parameterGradients[0].fill(0)
        for row in 0..<outputGradient.rows {
            let dy = outputGradient.pointer + row * outputCount
            couplet_add(width, dy, parameterGradients[0].pointer)
            if let inputGradient {
                (inputGradient.pointer + row * inputCount).update(from: dy + width, count: inputCount)
            }
        }
    }
}

extension ClassToken {
    /// `class_token` in a list of layers.
    public struct Kind: LayerKind {
        public init() {}

        public static let name = "class_token"
        public static let table = ConfigurationTable(
            Kind(), help: "Puts a learned vector in front of a sequence.", [])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            try checkSequence(inputShape)
            return ClassToken(inputShape: inputShape)
        }
    }
}
