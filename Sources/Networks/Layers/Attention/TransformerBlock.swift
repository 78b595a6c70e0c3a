import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// A block of a transformer with normalisation before each part (Xiong et al., *On Layer Normalization in the
/// Transformer Architecture*, ICML 2020), as PyTorch's nn.TransformerEncoderLayer(norm_first=True, activation="gelu"):
/// with x [T, W],
///
///     x₁ = x + dropout(attention(norm₁(x)))
///     h  = gelu(norm₂(x₁) W₁ᵀ + b₁)
///     y  = x₁ + dropout(h W₂ᵀ + b₂)
///
/// with the attention of `SelfAttention` and a hidden width of its own. Positions beyond the length of a sequence cost
/// nothing; their outputs are zero.
///
/// All steps of a few sequences follow one another while their rows are in the cache (`SequenceStrip`). Forward saves
/// Q, K, V, O, x₁ and the argument of gelu, 5 W + hidden numbers a position; backward computes both normalisations,
/// gelu, the weights of the attention and the numbers of dropout again.
public struct TransformerBlock: Layer {
    /// [T, W]
    public let inputShape: [Int]
    public var outputShape: [Int] { inputShape }
    /// H
    public var heads: Int { attention.heads }
    /// Width between W₁ and W₂.
    public let hidden: Int
    /// Probability that dropout sets a number to zero, in training.
    public let dropout: Float
    private let attention: HeadAttention

    /// - Parameters:
    ///   - inputShape: [positions, width]; `heads` divides the width.
    ///   - dropout: at least 0 and below 1.
    public init(inputShape: [Int], heads: Int, hidden: Int, dropout: Float = 0) {
        precondition(
            inputShape.count == 2 && hidden > 0, "a block over samples of shape \(inputShape), \(hidden) hidden")
        precondition(dropout >= 0 && dropout < 1, "dropout with probability \(dropout)")
        self.inputShape = inputShape
        self.hidden = hidden
        self.dropout = dropout
        attention = HeadAttention(width: inputShape[1], heads: heads, length: inputShape[0])
        attention.requireWholeHeads()
    }

    /// Added to the variance of a normalisation.
    package static var epsilon: Float { RowNormalization.epsilon }

    /// The hidden width that a ratio gives.
    static func hidden(ratio: Double, width: Int) -> Int {
        max(1, Int(min(ratio * Double(width) + 0.5, Double(ConfigurationLimits.extent))))
    }

    private var length: Int { inputShape[0] }
    private var width: Int { inputShape[1] }

    public var tableName: String { Kind.name }
    public var backwardReadsOutput: Bool { false }

    /// The names of PyTorch, with "/" for the dots between modules.
    public var parameterShapes: [(name: String, shape: [Int])] {
        [("norm1/weight", [width]), ("norm1/bias", [width])]
            + prefixed(attention.parameterShapes, with: "self_attn")
            + [
                ("norm2/weight", [width]), ("norm2/bias", [width]),
                ("linear1/weight", [hidden, width]), ("linear1/bias", [hidden]),
                ("linear2/weight", [width, hidden]), ("linear2/bias", [width]),
            ]
    }

    public func savedForBackwardCount(rows: Int) -> Int { SavedMemory.count(self, samples: rows) }

    public func scratchCount(rows: Int) -> Int { ScratchMemory.count(self, samples: rows) }

    /// Maps as in `SelfAttention` and `Linear`. The last of both parts count as last ones.
    public var parameterRoles: [ParameterRole?] {
        [nil, nil] + ParameterRole.attention(width: width) + [nil, nil]
            + ParameterRole.map(fanIn: width, fanOut: hidden, activation: .gelu).map { $0?.beforeLast }
            + ParameterRole.map(fanIn: hidden, fanOut: width)
    }

    /// Normalisations start with weight 1 and bias 0.
    public func initialize(_ parameters: [Tensor], philox: Philox, firstNumber: UInt64, scale: Float) {
        for (parameter, (name, _)) in zip(parameters, parameterShapes) where name.hasPrefix("norm") {
            parameter.fill(name.hasSuffix("weight") ? 1 : 0)
        }
        WeightInitialization().fill(
            parameters, parameterRoles, philox: philox, firstNumber: firstNumber, scale: scale)
    }

    // MARK: - Forward

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let samples = output.rows, width = width
        let saved = SavedMemory(self, samples: samples, savedForBackward)
        let memory = ScratchMemory(self, samples: samples, scratch), maps = Maps(parameters, memory, isBackward: false)
        SequenceStrip.forEach(shard: samples, length: length, lengths: context.lengths) { strip in
            let rows = strip.rows, saved = saved.part(strip, self)
            let x = strip.gathered(input, width: width, memory.input)

            maps.norm1.forward(rows, x, memory.rows)
            maps.inner.forward(rows, memory.rows, saved.qkv)
            attention.forward(
                strip, qkv: saved.qkv, output: saved.heads, softmax: saved.softmax, scratch: memory.attention)
            maps.outer.forward(rows, saved.heads, saved.middle)
            drop(saved.middle, strip, branch: 0, context)
            couplet_add(rows * width, x, saved.middle)

            maps.norm2.forward(rows, saved.middle, memory.rows)
            maps.linear1.forward(rows, memory.rows, saved.hidden)
            couplet_gelu(rows * hidden, saved.hidden, memory.hidden)
            let y = strip.place(output, width: width, memory.rows)
            maps.linear2.forward(rows, memory.hidden, y)
            drop(y, strip, branch: 1, context)
            couplet_add(rows * width, saved.middle, y)
            strip.scatter(y, to: output, width: width)
        }
        SequenceStrip.clearPadding(
            of: output, shard: samples, length: length, width: width, lengths: context.lengths)
    }

    // MARK: - Backward

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        let samples = output.rows, width = width, drops = context.mode == .training && dropout > 0
        let saved = SavedMemory(self, samples: samples, savedForBackward)
        let memory = ScratchMemory(self, samples: samples, scratch), maps = Maps(parameters, memory, isBackward: true)
        let gradients = parameterGradients
        for gradient in gradients { gradient.fill(0) }
        SequenceStrip.forEach(shard: samples, length: length, lengths: context.lengths) { strip in
            let rows = strip.rows, saved = saved.part(strip, self)
            let dy = strip.gathered(outputGradient, width: width, memory.output)

            // The branch of the hidden layer. `branch` holds the gradient of its output, then of its input.
            var ahead = dy
            if drops {
                memory.branch.update(from: dy, count: rows * width)
                drop(memory.branch, strip, branch: 1, context)
                ahead = memory.branch
            }
            maps.linear2.inputGradient(rows, ahead, memory.wide)
            couplet_gelu_and_gradient(
                rows, hidden, saved.hidden, memory.wide, memory.hidden, gradients[9].pointer)
            maps.linear2.addGradients(rows, ahead, memory.hidden, weight: gradients[10], bias: gradients[11])
            maps.norm2.forward(rows, saved.middle, memory.rows)
            maps.linear1.addGradients(rows, memory.wide, memory.rows, weight: gradients[8], bias: nil)
            maps.linear1.inputGradient(rows, memory.wide, memory.branch)
            maps.norm2.backward(
                rows, saved.middle, memory.branch, weight: gradients[6], bias: gradients[7],
                scratch: memory.normalization)
            couplet_add(rows * width, memory.branch, dy)

            // The branch of the attention; dy is the gradient of x₁.
            ahead = dy
            if drops {
                memory.branch.update(from: dy, count: rows * width)
                drop(memory.branch, strip, branch: 0, context)
                ahead = memory.branch
            }
            maps.outer.addGradients(rows, ahead, saved.heads, weight: gradients[4], bias: gradients[5])
            maps.outer.inputGradient(rows, ahead, memory.rows)
            attention.backward(
                strip, qkv: saved.qkv, output: saved.heads, softmax: saved.softmax, outputGradient: memory.rows,
                gradient: memory.wide, scratch: memory.attention)
            let x = strip.gathered(input, width: width, memory.input)
            maps.norm1.forward(rows, x, memory.rows)
            maps.inner.addGradients(rows, memory.wide, memory.rows, weight: gradients[2], bias: gradients[3])
            let dx = inputGradient.map { strip.place($0, width: width, memory.branch) } ?? memory.branch
            maps.inner.inputGradient(rows, memory.wide, dx)
            maps.norm1.backward(
                rows, x, dx, weight: gradients[0], bias: gradients[1], scratch: memory.normalization)
            guard let inputGradient else { return }
            couplet_add(rows * width, dy, dx)
            strip.scatter(dx, to: inputGradient, width: width)
        }
        if let inputGradient {
            SequenceStrip.clearPadding(
                of: inputGradient, shard: samples, length: length, width: width, lengths: context.lengths)
        }
    }

    /// Dropout of the output of a branch, or of its gradient (Srivastava et al., JMLR 2014): numbers survive with
    /// probability 1 - p and are divided by it. The branches are the inner layers 0 and 1 in the keys of random
    /// numbers.
    private func drop(
        _ values: UnsafeMutablePointer<Float>, _ strip: SequenceStrip, branch: Int, _ context: LayerContext
    ) {
        guard context.mode == .training, dropout > 0 else { return }
        let context = context.inner(branch, statistics: 0..<0)
        var values = values
        for sample in strip.samples {
            let count = strip.count(sample) * width
            context.dropOut(values, count: count, row: sample, probability: dropout)
            values += count
        }
    }

    public func matrixProductFLOPs(rows: Int, needsInputGradient: Bool) -> Int {
        // The input of each product depends on parameters of the block, so all gradients are needed.
        3 * 2 * rows * length * width * (4 * width + 2 * hidden) + attention.matrixProductFLOPs(samples: rows)
    }

    public func forwardProductFLOPs(rows: Int) -> Int {
        2 * rows * length * width * (4 * width + 2 * hidden) + attention.forwardProductFLOPs(samples: rows)
    }

    // MARK: - Memory

    /// The linear maps and normalisations with their parameters.
    private struct Maps {
        let norm1, norm2: RowNormalization
        let inner, outer, linear1, linear2: RowMap

        init(_ parameters: [Tensor], _ memory: ScratchMemory, isBackward: Bool) {
            func map(_ index: Int, _ packed: UnsafeMutablePointer<Float>) -> RowMap {
                RowMap(
                    weight: parameters[index], bias: parameters[index + 1], isBackward: isBackward, packed: packed)
            }
            func norm(_ index: Int) -> RowNormalization {
                RowNormalization(weight: parameters[index], bias: parameters[index + 1], moments: memory.moments)
            }
            let weights = memory.weights
            (norm1, inner, outer) = (norm(0), map(2, weights[0]), map(4, weights[1]))
            (norm2, linear1, linear2) = (norm(6), map(8, weights[2]), map(10, weights[3]))
        }
    }

    /// What forward saves, of the shard or of a strip.
    private struct SavedMemory {
        var qkv, heads, middle, hidden: UnsafeMutablePointer<Float>
        /// Of the whole shard.
        let softmax: UnsafeMutablePointer<Float>

        init(_ layer: TransformerBlock, samples: Int, _ saved: Tensor) {
            var division = BufferDivision(saved)
            let parts = Self.counts(layer, samples: samples).map { division.next([$0]).pointer }
            (qkv, heads, middle, hidden, softmax) = (parts[0], parts[1], parts[2], parts[3], parts[4])
        }

        func part(_ strip: SequenceStrip, _ layer: TransformerBlock) -> SavedMemory {
            var part = self
            part.qkv += strip.start * 3 * layer.width
            part.heads += strip.start * layer.width
            part.middle += strip.start * layer.width
            part.hidden += strip.start * layer.hidden
            return part
        }

        private static func counts(_ layer: TransformerBlock, samples: Int) -> [Int] {
            let rows = samples * layer.length
            return [3 * layer.width, layer.width, layer.width, layer.hidden].map { rows * $0 }
                + [layer.attention.softmaxCount(samples: samples)]
        }

        static func count(_ layer: TransformerBlock, samples: Int) -> Int {
            counts(layer, samples: samples).reduce(0) { $0 + BufferDivision.padded($1) }
        }
    }

    /// The memory of a strip.
    private struct ScratchMemory {
        /// The rows of input and output gradient without padding; results of steps; two of the hidden width, one of
        /// which holds the gradient of Q, K and V, too.
        let input, output, rows, branch, hidden, wide: UnsafeMutablePointer<Float>
        let moments, normalization, attention: UnsafeMutablePointer<Float>
        /// The packed weights of the four maps.
        let weights: [UnsafeMutablePointer<Float>]

        init(_ layer: TransformerBlock, samples: Int, _ scratch: Tensor) {
            var division = BufferDivision(scratch)
            let parts = Self.counts(layer, samples: samples).map { division.next([$0]).pointer }
            (input, output, rows, branch) = (parts[0], parts[1], parts[2], parts[3])
            (hidden, wide, moments) = (parts[4], parts[5], parts[6])
            (normalization, attention, weights) = (parts[7], parts[8], Array(parts[9...]))
        }

        private static func counts(_ layer: TransformerBlock, samples: Int) -> [Int] {
            let width = layer.width, rows = SequenceStrip.maximumRows(length: layer.length, shard: samples)
            return [width, width, width, width, layer.hidden, max(layer.hidden, 3 * width), 2].map { rows * $0 }
                + [
                    RowNormalization.scratchCount(width: width), layer.attention.scratchCount,
                    RowMap.packedCount(inputs: width, outputs: 3 * width),
                    RowMap.packedCount(inputs: width, outputs: width),
                    RowMap.packedCount(inputs: width, outputs: layer.hidden),
                    RowMap.packedCount(inputs: layer.hidden, outputs: width),
                ]
        }

        static func count(_ layer: TransformerBlock, samples: Int) -> Int {
            counts(layer, samples: samples).reduce(0) { $0 + BufferDivision.padded($1) }
        }
    }
}

extension TransformerBlock {
    /// `transformer` in a list of layers.
    public struct Kind: LayerKind {
        public var heads: Int
        /// Hidden width over the width.
        public var ratio: Double
        public var dropout: Float

        public init(heads: Int, ratio: Double = 4, dropout: Float = 0) {
            self.heads = heads
            self.ratio = ratio
            self.dropout = dropout
        }

        public static let name = "transformer"
        public static let shortKey: String? = "heads"
        public static let table = ConfigurationTable(
            Kind(heads: 1), help: "A transformer block with normalisation before attention and hidden layer.",
            [
                .required(
                    "heads", \.heads, .integer(1...ConfigurationLimits.extent, example: 3), "Heads of attention."),
                .key(
                    "mlp_ratio", \.ratio, .number(.positive, example: 4),
                    "Width of the hidden layer over that of the input."),
                .key(
                    "dropout", \.dropout, .number(.belowOne, example: 0.1), "Probability of dropout after both parts."),
            ])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            try checkHeads(heads, inputShape: inputShape)
            return TransformerBlock(
                inputShape: inputShape, heads: heads, hidden: hidden(width: inputShape[1]), dropout: dropout)
        }

        private func hidden(width: Int) -> Int { TransformerBlock.hidden(ratio: ratio, width: width) }
    }
}
