import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// y = Σ_t W[x[t]] over the positions t with x[t] ≠ 0, or the mean of these vectors: a set of token ids as one vector.
/// x [positions] holds whole numbers 0 … vocabulary - 1 in Float32, W [vocabulary, width], y [width]. Id 0 is padding,
/// as with `padding_idx=0` of PyTorch's nn.EmbeddingBag. A row of padding gives zeros.
///
/// Backward: dW[k] = Σ dY[i] / n[i] over the positions (i, t) with id k, in ascending order, where n[i] is the number
/// of valid ids of row i, or 1 for the sum. W[0] has no gradient. Ids and initial entries are as in `TokenEmbedding`.
///
/// A batch reads few rows of a large table. With `sparse`, a training step costs only these rows, and its optimizer
/// leaves the others alone (`SparseTable`).
public struct EmbeddingBag: Layer {
    public enum Reduction: String, CaseIterable, Sendable {
        case mean, sum
    }

    public let vocabulary: Int
    public let reduction: Reduction
    /// Whether a training step touches only the rows that its batch reads.
    public let isSparse: Bool
    public let inputShape: [Int]
    public let outputShape: [Int]

    /// - Parameters:
    ///   - vocabulary: number of ids, with that of padding.
    ///   - sparse: whether a training step touches only the rows that its batch reads. Only the first layer of an
    ///     encoder can be sparse.
    public init(positions: Int, vocabulary: Int, width: Int, reduction: Reduction = .mean, sparse: Bool = true) {
        precondition(positions > 0 && width > 0, "a bag of \(positions) token ids in \(width) dimensions")
        precondition(
            vocabulary > 1 && vocabulary <= TokenTable.largestVocabulary, "an embedding bag of \(vocabulary) token ids")
        self.vocabulary = vocabulary
        self.reduction = reduction
        isSparse = sparse
        inputShape = [positions]
        outputShape = [width]
    }

    public var parameterShapes: [(name: String, shape: [Int])] { [("weight", [vocabulary, outputCount])] }
    public var sparseTable: SparseTable? {
        isSparse ? SparseTable(rows: vocabulary, width: outputCount, zeroIsPadding: true) : nil
    }
    public var tableName: String { Kind.name }
    public var readsTokens: Bool { true }
    public var tokenVocabulary: Int? { vocabulary }
    public var addedPositions: Int? { nil }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { reduction == .mean }

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
        couplet_embedding_bag(
            input.rows, inputCount, outputCount, vocabulary, input.pointer, parameters[0].pointer,
            reduction == .mean ? 1 : 0, output.pointer)
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        if context.touchedRows == nil { parameterGradients[0].fill(0) }
        couplet_embedding_bag_backward(
            input.rows, inputCount, outputCount, context.touchedRows ?? vocabulary, input.pointer,
            reduction == .mean ? 1 : 0, outputGradient.pointer, parameterGradients[0].pointer)
        inputGradient?.fill(0)
    }
}

extension EmbeddingBag {
    /// `embedding_bag` in a list of layers.
    public struct Kind: LayerKind {
        /// Number of token ids; nil for that of the tokenizer that made the samples.
        public var vocabulary: Int?
        public var width: Int
        public var reduction: Reduction
        public var sparse: Bool

        public init(vocabulary: Int? = nil, width: Int, reduction: Reduction = .mean, sparse: Bool = true) {
            self.vocabulary = vocabulary
            self.width = width
            self.reduction = reduction
            self.sparse = sparse
        }

        public static let name = "embedding_bag"
        public static let table = ConfigurationTable(
            Kind(width: 1),
            help: "The mean or sum of the learned vectors of a sample's token ids; id 0 is padding.",
            [
                TokenTable.vocabularyKey(\.vocabulary),
                .required(
                    "width", \.width, .integer(1...ConfigurationLimits.extent, example: 128), "Numbers of a vector."),
                .key("reduction", \.reduction, .choice("reduction"), "What becomes of the vectors."),
                .key("sparse", \.sparse, .flag, TokenTable.sparseHelp),
            ])

        public func completed(vocabulary: Int) -> Self {
            var copy = self
            copy.vocabulary = self.vocabulary ?? vocabulary
            return copy
        }

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            EmbeddingBag(
                positions: try TokenTable.positions(inputShape, kind: Self.name),
                vocabulary: try TokenTable.required(vocabulary, kind: Self.name), width: width,
                reduction: reduction, sparse: sparse)
        }
    }
}
