import CoupletSchema

/// For token ids: vectors of the tokens, convolutions of several kernel sizes side by side with relu, the largest value
/// of each feature over the positions, dropout, and a linear layer (Kim, *Convolutional Neural Networks for Sentence
/// Classification*, EMNLP 2014).
///
/// A window may reach beyond the ends of a text, where it finds zeros: so a text may be shorter than the kernels. There
/// is one window for each token; padding adds none.
public struct TextConvolutionalEncoder: EncoderArchitecture {
    /// Number of token ids; nil for that of the tokenizer that made the samples.
    public var vocabulary: Int?
    public var width: Int
    public var kernels: [Int]
    public var channels: Int
    /// Probability with which dropout removes a feature.
    public var dropout: Float

    public init(
        vocabulary: Int? = nil, width: Int = 128, kernels: [Int] = [3, 4, 5], channels: Int = 100, dropout: Float = 0
    ) {
        self.vocabulary = vocabulary
        self.width = width
        self.kernels = kernels
        self.channels = channels
        self.dropout = dropout
    }

    public static let name = "text_cnn"
    public static let table = ConfigurationTable(
        TextConvolutionalEncoder(), help: "Convolutions over token ids with pooling, for text.",
        [
            TokenTable.vocabularyKey(\.vocabulary),
            .key("width", \.width, size, "Width of a token's vector."),
            .key(
                "kernels", \.kernels, .list(size, example: "[3, 4, 5]", minimum: 1),
                "Window sizes of the convolutions, in tokens."),
            .key("channels", \.channels, size, "Features of each convolution."),
            .key(
                "dropout", \.dropout, .number(.belowOne, example: 0.5),
                "Probability with which a feature of the pooling is set to zero in training."),
        ])

    private static var size: ConfigurationType<Int> { .integer(1...ConfigurationLimits.extent, example: 128) }

    public func completed(vocabulary: Int) -> Self {
        var copy = self
        copy.vocabulary = self.vocabulary ?? vocabulary
        return copy
    }

    public func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] {
        try requireNumbers(classes)
        try checkSizes(kernels, "kernels")
        guard !kernels.isEmpty else {
            throw NetworkError(reason: "kind text_cnn has no kernels", remedy: "list at least one kernel size")
        }
        guard dropout >= 0, dropout < 1 else {
            throw NetworkError(
                reason: "kind text_cnn has the dropout \(dropout)", remedy: "choose a number from 0 to below 1")
        }
        let positions = try TokenTable.positions(inputShape, kind: "kind text_cnn")
        let tokens = TokenEmbedding(
            positions: positions, vocabulary: try TokenTable.required(vocabulary, kind: "kind text_cnn"), width: width)
        let convolutions = Parallel(
            kernels.map { kernel in
                let convolution = Conv1d(
                    inputShape: tokens.outputShape, channels: channels, kernel: kernel, activation: .relu)
                return Sequential([convolution, GlobalMaxPool(inputShape: convolution.outputShape)])
            })
        let features: [any Layer] =
            dropout > 0
            ? [convolutions, Dropout(inputShape: convolutions.outputShape, probability: dropout)] : [convolutions]
        return [tokens] + features + [Linear(inputShape: convolutions.outputShape, outputs: embedding)]
    }
}
