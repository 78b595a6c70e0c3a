import CoupletSchema

/// For token ids: learned vectors of tokens and positions, transformer blocks, a normalisation, pooling, and a linear
/// layer (Vaswani et al., *Attention Is All You Need*, NeurIPS 2017; Devlin et al., *BERT*, NAACL 2019). Every token
/// attends to all tokens of its text; padding is left out everywhere and costs nothing in the blocks.
public struct TextTransformerEncoder: StackedArchitecture {
    /// Number of token ids; nil for that of the tokenizer that made the samples.
    public var vocabulary: Int?
    public var stack: TransformerStack
    public var pool: SequencePool

    public init(
        vocabulary: Int? = nil, stack: TransformerStack = TransformerStack(depth: 4), pool: SequencePool = .mean
    ) {
        self.vocabulary = vocabulary
        self.stack = stack
        self.pool = pool
    }

    public static let name = "text_transformer"
    public static let table = ConfigurationTable(
        TextTransformerEncoder(), help: "A transformer over token ids, for text.",
        [TokenTable.vocabularyKey(\.vocabulary)]
            + stackKeys + [
                .key("pool", \.pool, .choice("pool"), "What makes one vector of the tokens.")
            ])

    public func completed(vocabulary: Int) -> Self {
        var copy = self
        copy.vocabulary = self.vocabulary ?? vocabulary
        return copy
    }

    public func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] {
        try requireNumbers(classes)
        try stack.check(self)
        let positions = try TokenTable.positions(inputShape, kind: "kind text_transformer")
        return [
            TokenEmbedding(
                positions: positions, vocabulary: try TokenTable.required(vocabulary, kind: "kind text_transformer"),
                width: stack.width),
            PositionalEmbedding(inputShape: [positions, stack.width]),
        ] + stack.blocks(positions: positions) + pool.layers(positions: positions, width: stack.width)
            + [Linear(inputShape: [stack.width], outputs: embedding)]
    }
}
