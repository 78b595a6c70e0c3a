import CCoupletKernels

/// Scratch memory of the kernels of normalisation layers (couplet_normalization.h).
enum NormalizationScratch {
    static func count(channels: Int) -> Int { 14 * channels + 16 }
}

extension Activation {
    /// The activation as kernels with an epilogue name it: of those whose `epilogue` is not nil.
    var kernelCode: (code: Int32, slope: Float) {
        switch self {
        case .relu: (COUPLET_RELU, 0)
        case .leakyRelu(let slope): (COUPLET_LEAKY_RELU, slope)
        case .identity, .gelu, .tanh: (COUPLET_IDENTITY, 0)
        }
    }
}
