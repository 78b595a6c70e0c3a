import CoupletSchema

/// Transformer blocks with a normalisation after the last one: what `vit`, `text_transformer` and `attention` share.
public struct TransformerStack: Equatable, Sendable {
    /// Numbers a position.
    public var width: Int
    /// Number of blocks.
    public var depth: Int
    /// Heads of attention; a divisor of the width.
    public var heads: Int
    /// Width of the hidden layers over `width`.
    public var ratio: Double
    /// Probability of dropout after attention and hidden layer.
    public var dropout: Float

    public init(width: Int = 192, depth: Int = 6, heads: Int = 3, ratio: Double = 4, dropout: Float = 0) {
        self.width = width
        self.depth = depth
        self.heads = heads
        self.ratio = ratio
        self.dropout = dropout
    }

    /// Throws an error if the sizes do not fit each other.
    func check<Architecture: EncoderArchitecture>(_ architecture: Architecture) throws(NetworkError) {
        try architecture.checkSizes([width], "width")
        try architecture.checkSizes([depth], "depth")
        guard heads > 0, width % heads == 0 else {
            throw NetworkError(
                reason: "kind \(Architecture.name) has \(heads) heads, which cannot divide the width \(width)",
                remedy: "choose a number of heads that divides the width, such as "
                    + "\((1...width).last { width % $0 == 0 && $0 <= max(1, heads) } ?? 1)")
        }
        guard ratio > 0, dropout >= 0, dropout < 1 else {
            throw NetworkError(
                reason: "kind \(Architecture.name) has mlp_ratio \(ratio) and dropout \(dropout)",
                remedy: "mlp_ratio must be above 0, and dropout from 0 to below 1")
        }
    }

    /// The blocks for sequences of some positions.
    func blocks(positions: Int) -> [any Layer] {
        (0..<depth).map { _ in
            TransformerBlock(
                inputShape: [positions, width], heads: heads,
                hidden: TransformerBlock.hidden(ratio: ratio, width: width), dropout: dropout)
        }
    }
}

/// An architecture with a stack of transformer blocks.
protocol StackedArchitecture: EncoderArchitecture {
    var stack: TransformerStack { get set }
}

extension StackedArchitecture {
    /// The keys of the stack, for the table of the architecture.
    static var stackKeys: [ConfigurationKey<Self>] {
        let size = ConfigurationType<Int>.integer(1...ConfigurationLimits.extent, example: 192)
        return [
            .key("width", \.stack.width, size, "Numbers a position."),
            .key("depth", \.stack.depth, .integer(1...1_000, example: 6), "Number of transformer blocks."),
            .key("heads", \.stack.heads, size, "Heads of attention; a divisor of the width."),
            .key(
                "mlp_ratio", \.stack.ratio, .number(.positive, example: 4), "Width of the hidden layers over `width`."),
            .key(
                "dropout", \.stack.dropout, .number(.belowOne, example: 0.1),
                "Probability of dropout after attention and hidden layer."),
        ]
    }
}

/// What makes one vector of the positions of a sequence.
public enum SequencePool: String, CaseIterable, Sendable {
    case mean, first, attention

    /// The last normalisation and the pooling, from [positions, width] to [width].
    func layers(positions: Int, width: Int) -> [any Layer] {
        let norm = LayerNorm(inputShape: [positions, width])
        switch self {
        case .mean: return [norm, PositionPool(.mean, inputShape: [positions, width])]
        // Normalisation of a position does not read the others.
        case .first: return [FirstToken(positions: positions, width: width), LayerNorm(inputShape: [width])]
        case .attention: return [norm, AttentionPool(positions: positions, width: width)]
        }
    }
}
