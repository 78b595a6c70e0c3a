import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// Each head h returns a weighted mean of the positions t: y_h = Σ_t a_ht x_h[t], a_h = softmax_t(q_h · x[t] / √width).
///
/// x is [positions, width]. A head has a learned query q_h [width]. Its x_h is the h-th part of the features, width /
/// heads of them. y [width] holds the y_h in order. Padding has no weight. A row without valid positions gives zeros.
///
/// It is the pooling by multi-head attention of Lee, Lee, Kim, Kosiorek, Choi, Teh, *Set Transformer*, ICML 2019,
/// section 3.2, with one seed vector: seed and key projection are one vector a head, q_h; the projections of values and
/// output are linear layers before and after this one.
///
/// Backward, with da_ht = dy_h · x_h[t] and ds_ht = a_ht (da_ht - Σ_u a_hu da_hu) / √width: dq_h = Σ ds_ht x[t] over
/// all rows; dx[t] = Σ_h ds_ht q_h, and a_ht dy_h in the part of head h. The sum of a row runs over t in order, and the
/// rows are added in order. Forward saves a. The initial queries are uniform with the variance 1 / width, so the first
/// weights are nearly equal.
public struct AttentionPool: Layer {
    public let heads: Int
    public let inputShape: [Int]
    public let outputShape: [Int]

    /// - Parameter heads: a divisor of the width.
    public init(positions: Int, width: Int, heads: Int = 1) {
        precondition(positions > 0 && width > 0, "attention pooling of \(positions) positions of \(width) numbers")
        precondition(heads > 0 && width % heads == 0, "attention pooling of \(width) features in \(heads) heads")
        self.heads = heads
        inputShape = [positions, width]
        outputShape = [width]
    }

    private var positions: Int { inputShape[0] }
    private var width: Int { inputShape[1] }
    private var scale: Float { 1 / Float(width).squareRoot() }

    public var parameterShapes: [(name: String, shape: [Int])] { [("query", [heads, width])] }
    public var tableName: String { Kind.name }
    public var addedPositions: Int? { nil }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }

    /// The weights a.
    public func savedForBackwardCount(rows: Int) -> Int { rows * heads * positions }
    public func scratchCount(rows: Int) -> Int { heads * positions + width }

    public var parameterRoles: [ParameterRole?] { [.weight(fanIn: width, fanOut: heads)] }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        for row in 0..<output.rows {
            couplet_attention_pool(
                context.validPositions(row, of: positions), positions, width, heads, scale,
                input.pointer + row * inputCount, parameters[0].pointer,
                savedForBackward.pointer + row * heads * positions, output.pointer + row * width)
        }
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        parameterGradients[0].fill(0)
        for row in 0..<outputGradient.rows {
            couplet_attention_pool_backward(
                context.validPositions(row, of: positions), positions, width, heads, scale,
                input.pointer + row * inputCount, parameters[0].pointer,
                savedForBackward.pointer + row * heads * positions, outputGradient.pointer + row * width,
                scratch.pointer, parameterGradients[0].pointer, inputGradient.map { $0.pointer + row * inputCount })
        }
    }
}

extension AttentionPool {
    /// `attention_pool` in a list of layers.
    public struct Kind: LayerKind {
        public var heads: Int

        public init(heads: Int = 1) { self.heads = heads }

        public static let name = "attention_pool"
        public static let shortKey: String? = "heads"
        public static let table = ConfigurationTable(
            Kind(), help: "Weighted means of the positions, with weights by learned queries.",
            [
                .key(
                    "heads", \.heads, .integer(1...ConfigurationLimits.extent, example: 4),
                    "Number of queries; each pools its part of the features.")
            ])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            let (positions, width) = try SequenceShape.of(inputShape, kind: Self.name)
            guard heads > 0, width % heads == 0 else {
                throw NetworkError(
                    reason: "attention_pool divides \(width) features between \(heads) heads",
                    remedy: "choose a divisor of \(width)")
            }
            return AttentionPool(positions: positions, width: width, heads: heads)
        }
    }
}
