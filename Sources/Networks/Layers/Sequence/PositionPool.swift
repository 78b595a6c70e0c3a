import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// The mean or sum of each feature over the positions of a sample: x [positions, width], or [height, width, channels]
/// with pixels as positions; y [width]. Padding is left out. A row without valid positions gives zeros.
///
/// mean: y = Σ_t x[t] / n, dX[t] = dY / n; sum: y = Σ_t x[t], dX[t] = dY. n is the number of valid positions; sums run
/// in blocks of 32 positions, which start at zero and are added in order. The gradient of padding is 0.
public struct PositionPool: Layer {
    public enum Reduction: String, CaseIterable, Sendable {
        case mean, sum
    }

    public let reduction: Reduction
    public let inputShape: [Int]
    public let outputShape: [Int]
    private let positions: Int

    /// - Parameter inputShape: the positions, in one or more extents, and the features.
    public init(_ reduction: Reduction, inputShape: [Int]) {
        precondition(inputShape.count >= 2 && inputShape.allSatisfy { $0 > 0 }, "\(reduction) over \(inputShape)")
        self.reduction = reduction
        self.inputShape = inputShape
        outputShape = [inputShape[inputShape.count - 1]]
        positions = inputShape.dropLast().reduce(1, *)
    }

    public var tableName: String { "\(reduction.rawValue)_pool" }
    public var addedPositions: Int? { nil }
    public var backwardReadsInput: Bool { false }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let width = outputCount
        for row in 0..<output.rows {
            let count = validPositions(row, context), x = input.pointer + row * inputCount
            let y = output.pointer + row * width
            couplet_sum_positions(count, width, x, reduction == .mean ? Float(count) : 1, y)
        }
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        guard let inputGradient else { return }
        let width = outputCount
        for row in 0..<outputGradient.rows {
            let count = validPositions(row, context), dx = inputGradient.pointer + row * inputCount
            let dy = outputGradient.pointer + row * width
            couplet_spread_positions(count, positions, width, dy, reduction == .mean ? Float(count) : 1, dx)
        }
    }

    private func validPositions(_ row: Int, _ context: LayerContext) -> Int {
        context.validPositions(row, of: positions)
    }
}

extension LayerContext {
    /// The number of valid positions of a row of a sequence.
    func validPositions(_ row: Int, of positions: Int) -> Int {
        lengths.map { min(max($0[row], 0), positions) } ?? positions
    }
}

extension PositionPool {
    /// `mean_pool` in a list of layers.
    public struct MeanKind: LayerKind {
        public init() {}

        public static let name = "mean_pool"
        public static let table = ConfigurationTable(MeanKind(), help: "The mean over the positions.", [])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            try requirePositions(inputShape)
            return PositionPool(.mean, inputShape: inputShape)
        }
    }

    /// `sum_pool` in a list of layers.
    public struct SumKind: LayerKind {
        public init() {}

        public static let name = "sum_pool"
        public static let table = ConfigurationTable(SumKind(), help: "The sum over the positions.", [])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            try requirePositions(inputShape)
            return PositionPool(.sum, inputShape: inputShape)
        }
    }

    /// `global_average_pool` in a list of layers: `mean_pool` by the name that people know for images.
    public struct GlobalAverageKind: LayerKind {
        public init() {}

        public static let name = "global_average_pool"
        public static let table = ConfigurationTable(
            GlobalAverageKind(),
            help: "Mean of each channel over all pixels of an image, or over the positions of a sequence.", [])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            try requirePositions(inputShape)
            return PositionPool(.mean, inputShape: inputShape)
        }
    }
}

extension LayerKind {
    /// Throws an error if a shape has no positions.
    func requirePositions(_ inputShape: [Int]) throws(NetworkError) {
        guard inputShape.count >= 2 else {
            throw NetworkError(
                reason: "\(Self.name) needs an image or a sequence, a shape of at least two extents, but it follows a "
                    + "layer with output shape \(inputShape)",
                remedy:
                    "put it before flatten, and use no second pooling of all positions; if the samples are token ids, "
                    + "put token_embedding before it")
        }
    }
}
