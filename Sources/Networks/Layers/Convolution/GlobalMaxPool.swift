import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// y[c] = max of x[p][c] over all positions p: the pixels of an image, or the valid positions of a sequence.
///
/// The last axis has the channels; all axes before it are positions. The first of equal maxima receives the gradient,
/// and a NaN counts as the largest number. A sequence without valid positions gives 0. `savedForBackward` holds the
/// position of each maximum.
public struct GlobalMaxPool: Layer {
    public let inputShape: [Int]
    public var outputShape: [Int] { [inputShape[inputShape.count - 1]] }
    private let positions: Int

    /// - Parameter inputShape: [height, width, channels] or [positions, width].
    public init(inputShape: [Int]) {
        precondition(inputShape.count > 1 && inputShape.allSatisfy { $0 > 0 }, "global pooling of \(inputShape)")
        self.inputShape = inputShape
        positions = inputShape.dropLast().reduce(1, *)
    }

    public var tableName: String { Kind.name }
    public var addedPositions: Int? { nil }
    public var backwardReadsInput: Bool { false }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }

    public func savedForBackwardCount(rows: Int) -> Int { rows * outputCount }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        for row in 0..<output.rows {
            couplet_max_of_positions(
                context.validPositions(row, of: positions), outputCount, input.pointer + row * inputCount,
                output.pointer + row * outputCount, indices(savedForBackward) + row * outputCount)
        }
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        guard let inputGradient else { return }
        inputGradient.fill(0)
        let channels = outputCount
        for row in 0..<output.rows where context.validPositions(row, of: positions) > 0 {
            let from = outputGradient.pointer + row * channels, to = inputGradient.pointer + row * inputCount
            let indices = indices(savedForBackward) + row * channels
            for c in 0..<channels { to[Int(indices[c]) * channels + c] = from[c] }
        }
    }

    private func indices(_ savedForBackward: Tensor) -> UnsafeMutablePointer<Int32> {
        UnsafeMutableRawPointer(savedForBackward.pointer).assumingMemoryBound(to: Int32.self)
    }
}

extension GlobalMaxPool {
    /// `global_max_pool` in a list of layers.
    public struct Kind: LayerKind {
        public init() {}

        public static let name = "global_max_pool"
        public static let table = ConfigurationTable(
            Kind(), help: "Maximum of each channel over all pixels of an image, or over the positions of a sequence.",
            [])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            try requirePositions(inputShape)
            return GlobalMaxPool(inputShape: inputShape)
        }
    }
}
