import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// y[t] = W[x[t]]: one learned vector for each token id. x [positions] holds whole numbers 0 … vocabulary - 1 in
/// Float32, W [vocabulary, width], y [positions, width]. Id 0 is padding, at the end of a row: its vector is zero,
/// whatever W[0] holds, and W[0] has no gradient, as with `padding_idx=0` of PyTorch's nn.Embedding. The layers after
/// it know the positions before the padding (`LayerContext.lengths`).
///
/// Backward: dW[k] = Σ dY[i, t] over the positions with id k, in ascending order of (i, t). Ids have no gradient. What
/// reads the samples checks the ids (`tokenVocabulary`); one that is not valid has a vector of NaN here.
///
/// The initial entries are independent N(0, 1 / width), but for W[0] = 0, so a vector has an expected squared length of
/// 1. PyTorch's N(0, 1) has the length √width: steps of Adam, which move an entry by about the learning rate, would
/// hardly change the vectors of rare tokens.
public struct TokenEmbedding: Layer {
    public let vocabulary: Int
    /// Whether a training step touches only the rows that its batch reads (`SparseTable`).
    public let isSparse: Bool
    public let inputShape: [Int]
    public let outputShape: [Int]

    /// - Parameters:
    ///   - vocabulary: number of ids, with that of padding.
    ///   - sparse: whether a training step touches only the rows that its batch reads. Only the first layer of an
    ///     encoder can be sparse.
    public init(positions: Int, vocabulary: Int, width: Int, sparse: Bool = false) {
        precondition(
            positions > 0 && width > 0, "an embedding of \(positions) positions in \(width) dimensions")
        precondition(
            vocabulary > 1 && vocabulary <= TokenTable.largestVocabulary, "an embedding of \(vocabulary) token ids")
        self.vocabulary = vocabulary
        isSparse = sparse
        inputShape = [positions]
        outputShape = [positions, width]
    }

    public var parameterShapes: [(name: String, shape: [Int])] { [("weight", [vocabulary, outputShape[1]])] }
    public var sparseTable: SparseTable? {
        isSparse ? SparseTable(rows: vocabulary, width: outputShape[1], zeroIsPadding: true) : nil
    }
    public var tableName: String { Kind.name }
    public var readsTokens: Bool { true }
    public var tokenVocabulary: Int? { vocabulary }
    public var addedPositions: Int? { 0 }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }

    public func countPositions(of input: Tensor, into counts: Tensor) {
        couplet_count_positions(input.rows, inputCount, 1, input.pointer, counts.pointer)
    }

    public func initialize(_ parameters: [Tensor], philox: Philox, firstNumber: UInt64, scale: Float) {
        TokenTable.initialize(parameters[0], philox: philox, number: firstNumber, scale: scale)
    }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        couplet_embed(
            input.count, outputShape[1], vocabulary, input.pointer, parameters[0].pointer, output.pointer)
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        if context.touchedRows == nil { parameterGradients[0].fill(0) }
        couplet_embed_backward(
            input.count, outputShape[1], context.touchedRows ?? vocabulary, input.pointer, outputGradient.pointer,
            parameterGradients[0].pointer)
        inputGradient?.fill(0)
    }
}

/// The table of an embedding of token ids.
enum TokenTable {
    /// Float32 holds all whole numbers up to 2²⁴.
    static let largestVocabulary = 1 << 24

    /// Independent N(0, scale² / width), and zeros for padding.
    static func initialize(_ table: Tensor, philox: Philox, number: UInt64, scale: Float) {
        philox.fillNormal(table, .initialization, number: number)
        table.scale(by: scale / Float(table.columns).squareRoot())
        table.rows(0..<1).fill(0)
    }

    /// The positions of a sample of token ids.
    static func positions(_ inputShape: [Int], kind: String) throws(NetworkError) -> Int {
        guard inputShape.count == 1 else {
            throw NetworkError(
                reason: "\(kind) needs token ids, one whole number a position, but the samples have the shape "
                    + "\(inputShape)",
                remedy: "make it the first layer, and store the ids as N × positions")
        }
        return inputShape[0]
    }

    /// The key `vocabulary`, which a tokenizer of the data replaces.
    static func vocabularyKey<Block>(
        _ path: WritableKeyPath<Block, Int?> & Sendable
    ) -> ConfigurationKey<Block> {
        .key(
            "vocabulary", path, .optional(vocabularyType, isOmitted: true), vocabularyHelp,
            defaultText: "that of the data's tokenizer")
    }

    /// The vocabulary, which the config or a tokenizer of the data must name.
    static func required(_ vocabulary: Int?, kind: String) throws(NetworkError) -> Int {
        if let vocabulary { return vocabulary }
        throw NetworkError(
            reason: "\(kind) has no vocabulary, and the data name no tokenizer",
            remedy: "set vocabulary to the number of token ids, with 0 for padding")
    }

    /// The type of the key `vocabulary`.
    static var vocabularyType: ConfigurationType<Int> { .integer(2...largestVocabulary, example: 10_000) }
    static let sparseHelp =
        "Whether a training step touches only the vectors of the tokens in its batch; the others have no weight decay "
        + "and no decay of moments in that step."
    static let vocabularyHelp = "Number of token ids, with 0 for padding; the largest id is one less."
}

extension TokenEmbedding {
    /// `token_embedding` in a list of layers.
    public struct Kind: LayerKind {
        /// Number of token ids; nil for that of the tokenizer that made the samples.
        public var vocabulary: Int?
        public var width: Int
        public var sparse: Bool

        public init(vocabulary: Int? = nil, width: Int, sparse: Bool = false) {
            self.vocabulary = vocabulary
            self.width = width
            self.sparse = sparse
        }

        public static let name = "token_embedding"
        public static let table = ConfigurationTable(
            Kind(width: 1), help: "One learned vector for each token id; id 0 is padding.",
            [
                TokenTable.vocabularyKey(\.vocabulary),
                .required(
                    "width", \.width, .integer(1...ConfigurationLimits.extent, example: 128), "Numbers of a vector."),
                .key("sparse", \.sparse, .flag, TokenTable.sparseHelp),
            ])

        public func completed(vocabulary: Int) -> Self {
            var copy = self
            copy.vocabulary = self.vocabulary ?? vocabulary
            return copy
        }

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            TokenEmbedding(
                positions: try TokenTable.positions(inputShape, kind: Self.name),
                vocabulary: try TokenTable.required(vocabulary, kind: Self.name), width: width,
                sparse: sparse)
        }
    }
}
