import CoupletSchema

/// For sets of vectors or of token ids: transformer blocks without positions, so that the order of the elements has no
/// effect, a normalisation, pooling, and a linear layer (Lee, Lee, Kim, Kosiorek, Choi, Teh, *Set Transformer*, ICML
/// 2019: its blocks of self-attention, with normalisation before each part).
///
/// A sample is a set of vectors, [positions, features], or of token ids, [positions], where each id has a learned
/// vector. Elements of zeros at the end of a sample, and the token id 0, are padding.
public struct SetTransformerEncoder: StackedArchitecture {
    /// What makes one vector of the elements.
    public enum Pool: String, CaseIterable, Sendable {
        case mean, attention
    }

    /// Number of token ids; nil for sets of vectors.
    public var vocabulary: Int?
    public var stack: TransformerStack
    public var pool: Pool

    public init(
        stack: TransformerStack = TransformerStack(width: 128, depth: 2, heads: 4), pool: Pool = .mean,
        vocabulary: Int? = nil
    ) {
        self.vocabulary = vocabulary
        self.stack = stack
        self.pool = pool
    }

    public static let name = "attention"
    public static let table = ConfigurationTable(
        SetTransformerEncoder(), help: "Self-attention over the elements of a set, without an order.",
        [
            .key(
                "vocabulary", \.vocabulary, .optional(TokenTable.vocabularyType),
                "Number of token ids, for sets of ids; null for sets of vectors.")
        ] + stackKeys + [
            .key("pool", \.pool, .choice("pool"), "What makes one vector of the elements.")
        ])

    public func completed(vocabulary: Int) -> Self {
        var copy = self
        copy.vocabulary = self.vocabulary ?? vocabulary
        return copy
    }

    public func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] {
        try requireNumbers(classes)
        try stack.check(self)
        let first = try first(inputShape), positions = inputShape[0]
        return first + stack.blocks(positions: positions)
            + (pool == .mean ? SequencePool.mean : .attention).layers(positions: positions, width: stack.width)
            + [Linear(inputShape: [stack.width], outputs: embedding)]
    }

    /// The layers that find the padding and give each element the width of the blocks.
    private func first(_ inputShape: [Int]) throws(NetworkError) -> [any Layer] {
        if let vocabulary {
            let positions = try TokenTable.positions(inputShape, kind: "kind attention with a vocabulary")
            return [TokenEmbedding(positions: positions, vocabulary: vocabulary, width: stack.width)]
        }
        guard inputShape.count == 2 else {
            throw NetworkError(
                reason: "kind attention needs sets of vectors, samples of shape [positions, features], but samples "
                    + "have the shape \(inputShape)",
                remedy: inputShape.count == 1
                    ? "give vocabulary if the samples are token ids, or use kind mlp"
                    : "use kind vit for images")
        }
        return [
            Masking(positions: inputShape[0], width: inputShape[1]),
            Linear(inputShape: inputShape, outputs: stack.width, overLastAxis: true),
        ]
    }
}
