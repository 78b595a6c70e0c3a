import CoupletSchema
import CoupletTensors

/// Multi-head self-attention over the positions of a sequence or the elements of a set (Vaswani et al., *Attention Is
/// All You Need*, NeurIPS 2017, section 3.2): with x [T, W], heads of width d = W / H,
///
///     [Q K V] = x Winᵀ + bin        for each head h: O_h = softmax(Q_h K_hᵀ / √d) V_h        y = O Woutᵀ + bout
///
/// Positions beyond the length of a sequence are left out: they are no keys, and their outputs are zero. Parameters
/// have the names and shapes of PyTorch's nn.MultiheadAttention, with "out_proj_weight" for "out_proj.weight".
///
/// Scores are computed in tiles of at most 64 × 256 a head and never stored as a whole. Forward saves Q, K, V, O, and
/// two numbers for each head and position; backward computes the weights again.
public struct SelfAttention: Layer {
    /// [T, W]
    public let inputShape: [Int]
    public var outputShape: [Int] { inputShape }
    /// H
    public var heads: Int { attention.heads }
    private let attention: HeadAttention

    /// - Parameter inputShape: [positions, width]; `heads` divides the width.
    public init(inputShape: [Int], heads: Int) {
        precondition(inputShape.count == 2, "attention over samples of shape \(inputShape)")
        self.inputShape = inputShape
        attention = HeadAttention(width: inputShape[1], heads: heads, length: inputShape[0])
        attention.requireWholeHeads()
    }

    private var length: Int { inputShape[0] }
    private var width: Int { inputShape[1] }

    public var tableName: String { Kind.name }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }
    public var parameterShapes: [(name: String, shape: [Int])] { attention.parameterShapes }

    public func savedForBackwardCount(rows: Int) -> Int { SavedMemory.count(self, samples: rows) }

    public func scratchCount(rows: Int) -> Int { ScratchMemory.count(self, samples: rows) }

    public var parameterRoles: [ParameterRole?] { ParameterRole.attention(width: width) }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let saved = SavedMemory(self, samples: output.rows, savedForBackward)
        let memory = ScratchMemory(self, samples: output.rows, scratch)
        let (inner, outer) = memory.maps(parameters, isBackward: false)
        SequenceStrip.forEach(shard: output.rows, length: length, lengths: context.lengths) { strip in
            let qkv = saved.qkv.pointer + strip.start * 3 * width, heads = saved.heads.pointer + strip.start * width
            inner.forward(strip.rows, strip.gathered(input, width: width, memory.first), qkv)
            attention.forward(
                strip, qkv: qkv, output: heads, softmax: saved.softmax.pointer, scratch: memory.attention)
            let y = strip.place(output, width: width, memory.first)
            outer.forward(strip.rows, heads, y)
            strip.scatter(y, to: output, width: width)
        }
        SequenceStrip.clearPadding(
            of: output, shard: output.rows, length: length, width: width, lengths: context.lengths)
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        let saved = SavedMemory(self, samples: output.rows, savedForBackward)
        let memory = ScratchMemory(self, samples: output.rows, scratch)
        let (inner, outer) = memory.maps(parameters, isBackward: true)
        for gradient in parameterGradients { gradient.fill(0) }
        SequenceStrip.forEach(shard: output.rows, length: length, lengths: context.lengths) { strip in
            let qkv = saved.qkv.pointer + strip.start * 3 * width, heads = saved.heads.pointer + strip.start * width
            let dy = strip.gathered(outputGradient, width: width, memory.first)
            outer.addGradients(strip.rows, dy, heads, weight: parameterGradients[2], bias: parameterGradients[3])
            outer.inputGradient(strip.rows, dy, memory.second)
            attention.backward(
                strip, qkv: qkv, output: heads, softmax: saved.softmax.pointer, outputGradient: memory.second,
                gradient: memory.qkv, scratch: memory.attention)
            let x = strip.gathered(input, width: width, memory.second)
            inner.addGradients(strip.rows, memory.qkv, x, weight: parameterGradients[0], bias: parameterGradients[1])
            guard let inputGradient else { return }
            let dx = strip.place(inputGradient, width: width, memory.first)
            inner.inputGradient(strip.rows, memory.qkv, dx)
            strip.scatter(dx, to: inputGradient, width: width)
        }
        if let inputGradient {
            SequenceStrip.clearPadding(
                of: inputGradient, shard: output.rows, length: length, width: width, lengths: context.lengths)
        }
    }

    public func matrixProductFLOPs(rows: Int, needsInputGradient: Bool) -> Int {
        let product = 2 * rows * length * width * width
        return product * (3 * (needsInputGradient ? 3 : 2) + 3) + attention.matrixProductFLOPs(samples: rows)
    }

    public func forwardProductFLOPs(rows: Int) -> Int {
        4 * 2 * rows * length * width * width + attention.forwardProductFLOPs(samples: rows)
    }

    /// What forward saves. Each sequence's rows begin at its own place, with the rows of a strip together.
    private struct SavedMemory {
        let qkv, heads, softmax: Tensor

        init(_ layer: SelfAttention, samples: Int, _ saved: Tensor) {
            let rows = samples * layer.length
            var division = BufferDivision(saved)
            qkv = division.next([rows, 3 * layer.width])
            heads = division.next([rows, layer.width])
            softmax = division.next([layer.attention.softmaxCount(samples: samples)])
        }

        static func count(_ layer: SelfAttention, samples: Int) -> Int {
            let rows = samples * layer.length
            return BufferDivision.padded(rows * 3 * layer.width) + BufferDivision.padded(rows * layer.width)
                + BufferDivision.padded(layer.attention.softmaxCount(samples: samples))
        }
    }

    /// The memory of a strip.
    private struct ScratchMemory {
        let first, second, qkv, attention: UnsafeMutablePointer<Float>
        private let innerWeight, outerWeight: UnsafeMutablePointer<Float>

        init(_ layer: SelfAttention, samples: Int, _ scratch: Tensor) {
            var division = BufferDivision(scratch)
            let parts = Self.counts(layer, samples: samples).map { division.next([$0]).pointer }
            (first, second, qkv, attention) = (parts[0], parts[1], parts[2], parts[3])
            (innerWeight, outerWeight) = (parts[4], parts[5])
        }

        func maps(_ parameters: [Tensor], isBackward: Bool) -> (inner: RowMap, outer: RowMap) {
            (
                RowMap(weight: parameters[0], bias: parameters[1], isBackward: isBackward, packed: innerWeight),
                RowMap(weight: parameters[2], bias: parameters[3], isBackward: isBackward, packed: outerWeight)
            )
        }

        private static func counts(_ layer: SelfAttention, samples: Int) -> [Int] {
            let width = layer.width, rows = SequenceStrip.maximumRows(length: layer.length, shard: samples)
            return [
                rows * width, rows * width, rows * 3 * width, layer.attention.scratchCount,
                RowMap.packedCount(inputs: width, outputs: 3 * width),
                RowMap.packedCount(inputs: width, outputs: width),
            ]
        }

        static func count(_ layer: SelfAttention, samples: Int) -> Int {
            counts(layer, samples: samples).reduce(0) { $0 + BufferDivision.padded($1) }
        }
    }
}

extension SelfAttention {
    /// `self_attention` in a list of layers.
    public struct Kind: LayerKind {
        public var heads: Int

        public init(heads: Int) { self.heads = heads }

        public static let name = "self_attention"
        public static let shortKey: String? = "heads"
        public static let table = ConfigurationTable(
            Kind(heads: 1), help: "Multi-head self-attention over the positions of a sequence or set.",
            [.required("heads", \.heads, .integer(1...ConfigurationLimits.extent, example: 3), "Heads.")])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            try checkHeads(heads, inputShape: inputShape)
            return SelfAttention(inputShape: inputShape, heads: heads)
        }
    }
}

extension LayerKind {
    /// Throws an error unless samples are sequences whose width the heads divide.
    func checkHeads(_ heads: Int, inputShape: [Int]) throws(NetworkError) {
        try checkSequence(inputShape)
        guard heads > 0, inputShape[1] % heads == 0 else {
            throw NetworkError(
                reason: "\(heads) heads cannot divide the width \(inputShape[1])",
                remedy: "choose a number of heads that divides the width")
        }
    }

    /// Throws an error unless samples are sequences or sets, [positions, width].
    func checkSequence(_ inputShape: [Int]) throws(NetworkError) {
        guard inputShape.count != 2 else { return }
        throw NetworkError(
            reason:
                "\(Self.name) needs sequences or sets, [positions, width], but its input has the shape \(inputShape)",
            remedy: "begin with patch_embedding for images, or token_embedding for tokens")
    }
}
