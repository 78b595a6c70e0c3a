import CoupletSchema
import CoupletTensors

/// y = x[0]: the features of the first position, x [positions, width], y [width], such as those of a class token after
/// attention. Zeros for a row without valid positions.
///
/// Backward: dX[0] = dY, and zeros for the other positions.
public struct FirstToken: Layer {
    public let inputShape: [Int]
    public let outputShape: [Int]

    public init(positions: Int, width: Int) {
        precondition(positions > 0 && width > 0, "the first of \(positions) positions of \(width) numbers")
        inputShape = [positions, width]
        outputShape = [width]
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
        for row in 0..<output.rows {
            if context.validPositions(row, of: inputShape[0]) > 0 {
                (output.pointer + row * outputCount).update(
                    from: input.pointer + row * inputCount, count: outputCount)
            } else {
                output.rows(row..<(row + 1)).fill(0)
            }
        }
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        guard let inputGradient else { return }
        inputGradient.fill(0)
        for row in 0..<outputGradient.rows where context.validPositions(row, of: inputShape[0]) > 0 {
            (inputGradient.pointer + row * inputCount).update(
                from: outputGradient.pointer + row * outputCount, count: outputCount)
        }
    }
}

extension FirstToken {
    /// `first_token` in a list of layers.
    public struct Kind: LayerKind {
        public init() {}

        public static let name = "first_token"
        public static let table = ConfigurationTable(
            Kind(), help: "The features of the first position, such as a class token.", [])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            let (positions, width) = try SequenceShape.of(inputShape, kind: Self.name)
            return FirstToken(positions: positions, width: width)
        }
    }
}
