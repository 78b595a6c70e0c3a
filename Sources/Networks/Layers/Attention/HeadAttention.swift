import CCoupletKernels

/// O = softmax(Q Kᵀ / √d) V for the heads of each sequence of a strip (couplet_attention.h).
struct HeadAttention: Sendable {
    let width: Int
    let heads: Int
    /// Positions of a sequence, T, with padding.
    let length: Int

    private var headWidth: Int { width / heads }

    var scratchCount: Int { couplet_attention_scratch_count(length, headWidth) }

    /// Floats that forward saves beside queries, keys, values and O: for each head and position the greatest score and
    /// the sum of weights.
    func softmaxCount(samples: Int) -> Int { 2 * heads * length * samples }

    private func shape(_ positions: Int) -> couplet_attention_shape {
        couplet_attention_shape(
            positions: positions, heads: heads, head_width: headWidth, qkv_stride: 3 * width, out_stride: width)
    }

    /// - Parameters:
    ///   - qkv: the strip's queries, keys and values, rows × 3 width.
    ///   - output: receives O, rows × width.
    ///   - softmax: of the whole shard.
    func forward(
        _ strip: SequenceStrip, qkv: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>,
        softmax: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        var row = 0
        for sample in strip.samples {
            var shape = shape(strip.count(sample))
            couplet_attention(
                &shape, qkv + row * 3 * width, output + row * width, softmax + softmaxCount(samples: sample), scratch)
            row += strip.count(sample)
        }
    }

    /// The gradient of queries, keys and values for that of O.
    func backward(
        _ strip: SequenceStrip, qkv: UnsafePointer<Float>, output: UnsafePointer<Float>,
        softmax: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) {
        var row = 0
        for sample in strip.samples {
            var shape = shape(strip.count(sample))
            couplet_attention_backward(
                &shape, qkv + row * 3 * width, output + row * width, softmax + softmaxCount(samples: sample),
                outputGradient + row * width, gradient + row * 3 * width, scratch)
            row += strip.count(sample)
        }
    }

    /// Floating-point operations of forward and backward: two and five products, with the repeated one of backward.
    func matrixProductFLOPs(samples: Int) -> Int { 7 * 2 * length * length * width * samples }
    func forwardProductFLOPs(samples: Int) -> Int { 2 * 2 * length * length * width * samples }

    /// The parameters of the maps to queries, keys and values, and from O, with PyTorch's names and shapes
    /// (nn.MultiheadAttention).
    var parameterShapes: [(name: String, shape: [Int])] {
        [
            ("in_proj_weight", [3 * width, width]), ("in_proj_bias", [3 * width]),
            ("out_proj_weight", [width, width]), ("out_proj_bias", [width]),
        ]
    }

    /// Stops the program if the heads do not divide the width.
    func requireWholeHeads() {
        precondition(
            heads > 0 && width > 0 && length > 0 && width % heads == 0,
            "attention of \(heads) heads over \(length) positions of width \(width)")
    }
}
