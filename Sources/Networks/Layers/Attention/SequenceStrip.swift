import CCoupletKernels
import CoupletTensors

/// A few sequences of a shard, which a layer takes through all its steps at once: what it computes in between stays in
/// the cache.
///
/// The valid positions of the sequences lie one after another, as rows of matrices, so padding costs nothing. Sums over
/// the rows of a shard are the products of the strips, added in ascending order. A strip holds as many whole sequences
/// as fit into 256 positions with padding, at least one: a function of the length alone.
struct SequenceStrip {
    /// Positions of a strip, with padding.
    static let positions = 256

    /// Rows of the shard.
    let samples: Range<Int>
    /// Positions of a sequence, T, with padding.
    let length: Int
    private let lengths: SequenceLengths?
    /// Valid positions of all sequences.
    let rows: Int

    private init(samples: Range<Int>, length: Int, lengths: SequenceLengths?) {
        self.samples = samples
        self.length = length
        self.lengths = lengths
        rows = lengths.map { lengths in samples.reduce(0) { $0 + lengths[$1] } } ?? samples.count * length
    }

    /// Sequences of a strip.
    static func samples(length: Int) -> Int { max(1, positions / length) }

    /// The rows that a strip may have, for a shard of some sequences.
    static func maximumRows(length: Int, shard: Int) -> Int { min(samples(length: length), shard) * length }

    /// Calls `body` for each strip of a shard that has valid positions, in ascending order.
    static func forEach(shard: Int, length: Int, lengths: SequenceLengths?, body: (SequenceStrip) -> Void) {
        for start in stride(from: 0, to: shard, by: samples(length: length)) {
            let strip = SequenceStrip(
                samples: start..<min(start + samples(length: length), shard), length: length, lengths: lengths)
            if strip.rows > 0 { body(strip) }
        }
    }

    /// The number of valid positions of a sequence.
    func count(_ sample: Int) -> Int { lengths?[sample] ?? length }

    /// The first position of the strip's part of a buffer with one entry for each position of the shard.
    var start: Int { samples.lowerBound * length }

    /// The strip's rows of a tensor [shard, T, width]: in place, or copied without padding to `memory`.
    func gathered(_ tensor: Tensor, width: Int, _ memory: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Float> {
        guard lengths != nil else { return tensor.pointer + start * width }
        var row = 0
        for sample in samples {
            (memory + row * width).update(from: tensor.pointer + sample * length * width, count: count(sample) * width)
            row += count(sample)
        }
        return memory
    }

    /// Where the strip's rows of a tensor [shard, T, width] are computed: in place, or in `memory` for `scatter`.
    func place(_ tensor: Tensor, width: Int, _ memory: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Float> {
        lengths == nil ? tensor.pointer + start * width : memory
    }

    /// Copies rows from the memory of `place` to a tensor whose padding is zero.
    func scatter(_ rows: UnsafeMutablePointer<Float>, to tensor: Tensor, width: Int) {
        guard lengths != nil else { return }
        var row = 0
        for sample in samples {
            (tensor.pointer + sample * length * width).update(from: rows + row * width, count: count(sample) * width)
            row += count(sample)
        }
    }

    /// Sets the padding of a tensor [shard, T, width] to zero.
    static func clearPadding(of tensor: Tensor, shard: Int, length: Int, width: Int, lengths: SequenceLengths?) {
        guard let lengths else { return }
        for sample in 0..<shard {
            let count = lengths[sample]
            (tensor.pointer + (sample * length + count) * width).update(repeating: 0, count: (length - count) * width)
        }
    }
}

// MARK: - A linear map of the rows of a strip

/// z = x Wᵀ + b with W [out, in] for some rows, and its gradients. W is packed once for all strips.
struct RowMap {
    let weight: Tensor
    let bias: Tensor
    /// W as the products of the forward or of the backward pass read it, `packedCount` floats.
    private let packed: UnsafeMutablePointer<Float>

    private var outputs: Int { weight.rows }
    private var inputs: Int { weight.columns }

    /// - Parameter isBackward: false for `forward`, true for `inputGradient`.
    init(weight: Tensor, bias: Tensor, isBackward: Bool, packed: UnsafeMutablePointer<Float>) {
        self.weight = weight
        self.bias = bias
        self.packed = packed
        if isBackward {
            couplet_product_pack(inputs, outputs, weight.pointer, inputs, 0, packed)
        } else {
            couplet_product_pack(outputs, inputs, weight.pointer, inputs, 1, packed)
        }
    }

    static func packedCount(inputs: Int, outputs: Int) -> Int {
        max(couplet_product_packed_count(inputs, outputs), couplet_product_packed_count(outputs, inputs))
    }

    func forward(_ rows: Int, _ x: UnsafePointer<Float>, _ z: UnsafeMutablePointer<Float>) {
        var epilogue = couplet_epilogue(bias: bias.pointer, activation: COUPLET_IDENTITY, slope: 0)
        couplet_product_packed(rows, outputs, inputs, x, inputs, 0, packed, 0, z, outputs, &epilogue)
    }

    /// dX = dZ W
    func inputGradient(_ rows: Int, _ dz: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>) {
        couplet_product_packed(rows, inputs, outputs, dz, outputs, 0, packed, 0, dx, inputs, nil)
    }

    /// dW += dZᵀ X, and db += Σ_rows dZ in ascending order, for gradients that begin with zeros.
    func addGradients(
        _ rows: Int, _ dz: UnsafePointer<Float>, _ x: UnsafePointer<Float>, weight weightGradient: Tensor,
        bias biasGradient: Tensor?
    ) {
        MatrixProduct.multiply(
            m: outputs, n: inputs, k: rows, dz, .transposed, stride: outputs, x, .asIs, stride: inputs,
            accumulate: true, weightGradient.pointer, stride: inputs)
        if let biasGradient { couplet_backward_identity(rows, outputs, dz, biasGradient.pointer) }
    }
}

// MARK: - Layer normalisation of the rows of a strip

/// y = (x - mean) / √(variance + ε) · weight + bias for each row (Ba, Kiros, Hinton, *Layer Normalization*, 2016).
struct RowNormalization {
    /// PyTorch's.
    static let epsilon: Float = 1e-5

    let weight: Tensor
    let bias: Tensor
    /// Two numbers for each row of a strip.
    let moments: UnsafeMutablePointer<Float>

    private var width: Int { weight.count }

    /// Also leaves the moments of the rows for `inputGradient`.
    func forward(_ rows: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
        couplet_layer_norm(
            rows, width, x, Self.epsilon, weight.pointer, bias.pointer, y, moments, moments + rows)
    }

    /// Turns dY into dX, and adds to the gradients of weight and bias.
    func backward(
        _ rows: Int, _ x: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>, weight weightGradient: Tensor,
        bias biasGradient: Tensor, scratch: UnsafeMutablePointer<Float>
    ) {
        let sums = scratch + Self.kernelScratchCount(width: width)
        couplet_layer_norm_backward(
            rows, width, x, moments, moments + rows, weight.pointer, gradient, sums, sums + width, gradient, scratch)
        couplet_add(width, sums, weightGradient.pointer)
        couplet_add(width, sums + width, biasGradient.pointer)
    }

    static func scratchCount(width: Int) -> Int { kernelScratchCount(width: width) + 2 * width }

    private static func kernelScratchCount(width: Int) -> Int { NormalizationScratch.count(channels: width) }
}
