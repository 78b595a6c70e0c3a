import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// y = x, where positions of zeros at the end of a sample are padding: sets and series of vectors of different lengths,
/// x [positions, width]. The layers after it leave the padding out (`LayerContext.lengths`), as Keras' Masking does. It
/// has an effect as the first layer of an encoder only.
public struct Masking: Layer {
    public let inputShape: [Int]
    public var outputShape: [Int] { inputShape }

    public init(positions: Int, width: Int) {
        precondition(positions > 0 && width > 0, "masking of \(positions) positions of \(width) numbers")
        inputShape = [positions, width]
    }

    public var tableName: String { Kind.name }
    public var readsTokens: Bool { true }
    public var backwardReadsInput: Bool { false }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }

    public func countPositions(of input: Tensor, into counts: Tensor) {
        couplet_count_positions(input.rows, inputShape[0], inputShape[1], input.pointer, counts.pointer)
    }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) { output.copy(from: input) }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) { inputGradient?.copy(from: outputGradient) }
}

extension Masking {
    /// `masking` in a list of layers.
    public struct Kind: LayerKind {
        public init() {}

        public static let name = "masking"
        public static let table = ConfigurationTable(
            Kind(), help: "As the first layer: positions of zeros at the end of a sample are padding.", [])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            let (positions, width) = try SequenceShape.of(inputShape, kind: Self.name)
            return Masking(positions: positions, width: width)
        }
    }
}

/// The shape of a sequence, [positions, width].
enum SequenceShape {
    static func of(_ inputShape: [Int], kind: String) throws(NetworkError) -> (positions: Int, width: Int) {
        guard inputShape.count == 2 else {
            throw NetworkError(
                reason: "\(kind) needs sequences of shape [positions, width], but finds the shape \(inputShape)",
                remedy: inputShape.count == 1
                    ? "put token_embedding before it if the samples are token ids"
                    : "remove the layer, or change those before it")
        }
        return (inputShape[0], inputShape[1])
    }
}
