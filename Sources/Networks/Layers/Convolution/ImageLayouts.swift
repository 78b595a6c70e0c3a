import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// Images [channels, height, width], as sources deliver them, to [height, width, channels], as the layers of images
/// take them. An image of one channel is the same in both.
///
/// An encoder for images begins with it.
public struct ChannelsLast: Layer {
    public let inputShape: [Int]
    public var outputShape: [Int] { [inputShape[1], inputShape[2], inputShape[0]] }

    /// - Parameter inputShape: [channels, height, width].
    public init(inputShape: [Int]) {
        precondition(inputShape.count == 3 && inputShape.allSatisfy { $0 > 0 }, "an image of shape \(inputShape)")
        self.inputShape = inputShape
    }

    public var tableName: String { "channels_last" }
    public var addedPositions: Int? { nil }
    public var backwardReadsInput: Bool { false }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        transposeRows(input, rows: inputShape[0], columns: inputShape[1] * inputShape[2], into: output)
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        guard let inputGradient else { return }
        transposeRows(outputGradient, rows: inputShape[1] * inputShape[2], columns: inputShape[0], into: inputGradient)
    }
}

/// A sample as one row of numbers. An image [height, width, channels] is put in the order channels, height, width,
/// which PyTorch's flatten gives, so that the weights of a linear layer after it mean the same.
public struct Flatten: Layer {
    public let inputShape: [Int]
    public var outputShape: [Int] { [inputCount] }

    public init(inputShape: [Int]) {
        precondition(!inputShape.isEmpty && inputShape.allSatisfy { $0 > 0 }, "flatten of \(inputShape)")
        self.inputShape = inputShape
    }

    public var tableName: String { Kind.name }
    public var addedPositions: Int? { nil }
    public var backwardReadsInput: Bool { false }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }

    /// Channels of an image; 1 for other samples, which keep their order.
    private var channels: Int { inputShape.count == 3 ? inputShape[2] : 1 }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        transposeRows(input, rows: inputCount / channels, columns: channels, into: output)
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        guard let inputGradient else { return }
        transposeRows(outputGradient, rows: channels, columns: inputCount / channels, into: inputGradient)
    }
}

extension Flatten {
    /// `flatten` in a list of layers.
    public struct Kind: LayerKind {
        public init() {}

        public static let name = "flatten"
        public static let table = ConfigurationTable(
            Kind(), help: "The sample as one row of numbers; images in the order channels, height, width.", [])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer { Flatten(inputShape: inputShape) }
    }
}

/// A sequence of vectors [positions, width] as an image of one channel, [positions, width, 1], for convolutions over
/// positions and features. Padding is part of the image.
public struct Unsqueeze: Layer {
    public let inputShape: [Int]
    public var outputShape: [Int] { inputShape + [1] }

    public init(inputShape: [Int]) {
        precondition(inputShape.count == 2 && inputShape.allSatisfy { $0 > 0 }, "unsqueeze of \(inputShape)")
        self.inputShape = inputShape
    }

    public var tableName: String { Kind.name }
    public var addedPositions: Int? { nil }
    public var backwardReadsInput: Bool { false }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        output.pointer.update(from: input.pointer, count: input.count)
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        inputGradient?.pointer.update(from: outputGradient.pointer, count: outputGradient.count)
    }
}

extension Unsqueeze {
    /// `unsqueeze` in a list of layers.
    public struct Kind: LayerKind {
        public init() {}

        public static let name = "unsqueeze"
        public static let table = ConfigurationTable(
            Kind(), help: "A sequence of vectors as an image of one channel, for conv2d over positions and features.",
            [])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            guard inputShape.count == 2 else {
                throw NetworkError(
                    reason: "unsqueeze takes a sequence, positions × width, and not the shape \(inputShape)",
                    remedy: "put it after a layer that returns a sequence, such as token_embedding")
            }
            return Unsqueeze(inputShape: inputShape)
        }
    }
}

/// Transposes each sample, rows × columns.
private func transposeRows(_ input: Tensor, rows: Int, columns: Int, into output: Tensor) {
    if rows == 1 || columns == 1 {
        output.pointer.update(from: input.pointer, count: input.count)
        return
    }
    for sample in 0..<input.rows {
        let start = sample * rows * columns
        couplet_transpose(rows, columns, input.pointer + start, columns, output.pointer + start, rows)
    }
}
