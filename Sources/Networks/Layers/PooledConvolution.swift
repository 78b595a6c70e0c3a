import CCoupletKernels
import CoupletTensors

/// Memory layout of an image of shape [channels, height, width].
public enum ImageLayout: Sendable {
    /// All pixels of a channel are contiguous, as in the shape and in PyTorch. Sources deliver this layout.
    case channelsFirst
    /// All channels of a pixel are contiguous. Convolutions pass images on in this layout, because the kernels compute
    /// on the channels of a pixel.
    case channelsLast
}

/// y = maxpool(relu(x ⋆ W + b)): a 3 × 3 convolution with padding 1, then 2 × 2 max pooling with stride 2; W [out, in,
/// 3, 3], b [out].
///
/// z[o] at (i, j) is b[o] + Σ_c,p,q x[c] at (i + p - 1, j + q - 1) · W[o, c, p, q], as in PyTorch. Pooling drops an odd
/// last row or column.
///
/// One layer fuses the three operations for three reasons: convolved rows stay in the cache; memory holds only the
/// pooled output (a quarter); only one of four gradients before pooling is nonzero, so both products of backward need a
/// quarter of the dense operations. `savedForBackward` holds one byte per output, its code: the position 0 … 3 of the
/// maximum among the four pixels (the first of equal ones), or 4 if relu set the output to zero.
public struct PooledConvolution: Layer {
    public let inputShape: [Int]
    public let outputShape: [Int]
    /// Layout of `input` and `inputGradient`. Shapes are [channels, height, width] in both layouts.
    public let inputLayout: ImageLayout
    /// Layout of `output` and `outputGradient`.
    public let outputLayout: ImageLayout
    private let sizes: Sizes

    /// - Parameter inputShape: [channels, height, width]; height and width are at least 2.
    public init(
        inputShape: [Int], channels: Int, inputLayout: ImageLayout = .channelsFirst,
        outputLayout: ImageLayout = .channelsFirst
    ) {
        precondition(
            inputShape.count == 3 && inputShape[0] > 0 && inputShape[1] > 1 && inputShape[2] > 1 && channels > 0,
            "a pooled convolution from \(inputShape) to \(channels) channels")
        self.inputShape = inputShape
        outputShape = [channels, inputShape[1] / 2, inputShape[2] / 2]
        // With one channel, both layouts are the same.
        self.inputLayout = inputShape[0] == 1 ? .channelsLast : inputLayout
        self.outputLayout = outputLayout
        sizes = Sizes(channels: inputShape[0], height: inputShape[1], width: inputShape[2], outputs: channels)
    }

    public var parameterShapes: [(name: String, shape: [Int])] {
        [("weight", [sizes.outputs, sizes.channels, 3, 3]), ("bias", [sizes.outputs])]
    }

    public func savedForBackwardCount(rows: Int) -> Int { rows * sizes.codeBytes / MemoryLayout<Float>.stride }

    public func scratchCount(rows: Int) -> Int { sizes.scratchCount }

    /// Backward reads the codes in its place.
    public var backwardReadsOutput: Bool { false }

    public var parameterRoles: [ParameterRole?] {
        ParameterRole.map(fanIn: 9 * sizes.channels, fanOut: 9 * sizes.outputs, activation: .relu)
    }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let buffers = Buffers(sizes, scratch)
        buffers.packWeights(parameters[0])
        buffers.packBias(parameters[1])
        buffers.clearImage()
        let rowFloats = 2 * (sizes.width + 2) * sizes.imageChannels, pooledRow = sizes.pooledWidth * sizes.lanes
        for image in 0..<output.rows {
            buffers.packImage(input.pointer + image * inputCount, inputLayout)
            let result = output.pointer + image * outputCount, codes = codes(savedForBackward, image)
            let pooled = outputIsPacked ? result : buffers.pooled
            for row in 0..<sizes.pooledHeight {
                couplet_convolve(
                    2, 2 * sizes.pooledWidth, sizes.imageChannels, sizes.lanes, buffers.image + row * rowFloats,
                    rowFloats / 2, buffers.weights, buffers.rows)
                couplet_bias_relu_max_pool(
                    sizes.pooledWidth, sizes.lanes, buffers.rows, buffers.bias, pooled + row * pooledRow,
                    codes + row * pooledRow)
            }
            switch outputLayout {
            case .channelsFirst:
                couplet_transpose(sizes.pixels, sizes.outputs, pooled, sizes.lanes, result, sizes.pixels)
            case .channelsLast:
                if !outputIsPacked {
                    couplet_copy_rows(sizes.pixels, sizes.outputs, pooled, sizes.lanes, result, sizes.outputs)
                }
            }
        }
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        let buffers = Buffers(sizes, scratch)
        if inputGradient != nil { buffers.packWeightsByInput(parameters[0]) }
        buffers.clearImage()
        buffers.clearGradientSums()
        for image in 0..<output.rows {
            buffers.packImage(input.pointer + image * inputCount, inputLayout)
            let codes = codes(savedForBackward, image)
            let gradient = pooledGradient(outputGradient.pointer + image * outputCount, buffers)
            couplet_relu_backward_from_code(sizes.pixels, sizes.lanes, codes, gradient, buffers.bias)
            addWeightGradient(buffers, codes, gradient)
            if let inputGradient {
                for block in 0..<sizes.inputBlocks {
                    couplet_convolve_input_pooled(
                        sizes.pooledHeight, sizes.pooledWidth, sizes.lanes, codes, gradient,
                        buffers.weightsByInput(block), sizes.height + 2, sizes.width + 2, buffers.imageGradient)
                    buffers.unpackImageGradient(block, inputGradient.pointer + image * inputCount, inputLayout)
                }
            }
        }
        buffers.unpackWeightGradient(parameterGradients[0])
        parameterGradients[1].pointer.update(from: buffers.bias, count: sizes.outputs)
    }

    /// Counts the dense convolution: 9 · in multiplications and as many additions for every output before pooling, in
    /// forward and in each product of backward. The kernels of backward execute fewer.
    public func matrixProductFLOPs(rows: Int, needsInputGradient: Bool) -> Int {
        2 * rows * sizes.height * sizes.width * 9 * sizes.channels * sizes.outputs * (needsInputGradient ? 3 : 2)
    }

    /// Whether the kernels can read and write the output tensor directly.
    private var outputIsPacked: Bool { outputLayout == .channelsLast && sizes.lanes == sizes.outputs }

    private func codes(_ savedForBackward: Tensor, _ image: Int) -> UnsafeMutablePointer<UInt8> {
        (UnsafeMutableRawPointer(savedForBackward.pointer) + image * sizes.codeBytes).assumingMemoryBound(
            to: UInt8.self)
    }

    /// Gradient of a pooled image as pixels × lanes. Lanes beyond the channels may hold any values: their codes are 4,
    /// so `couplet_relu_backward_from_code` sets them to zero.
    private func pooledGradient(_ gradient: UnsafeMutablePointer<Float>, _ buffers: Buffers) -> UnsafeMutablePointer<
        Float
    > {
        if outputIsPacked { return gradient }
        switch outputLayout {
        case .channelsFirst:
            couplet_transpose(sizes.outputs, sizes.pixels, gradient, sizes.pixels, buffers.pooled, sizes.lanes)
        case .channelsLast:
            couplet_copy_rows(sizes.pixels, sizes.outputs, gradient, sizes.outputs, buffers.pooled, sizes.lanes)
        }
        return buffers.pooled
    }

    /// Adds the weight gradient of one image. The sum of each image starts at zero, so the rounding error does not grow
    /// with the shard.
    private func addWeightGradient(
        _ buffers: Buffers, _ codes: UnsafeMutablePointer<UInt8>, _ gradient: UnsafeMutablePointer<Float>
    ) {
        let stride = (sizes.width + 2) * sizes.imageChannels, pooledRow = sizes.pooledWidth * sizes.lanes
        guard sizes.hasFewChannels else {
            couplet_convolve_weights_pooled(
                sizes.pooledHeight, sizes.pooledWidth, sizes.imageChannels, sizes.outputs, sizes.lanes, buffers.image,
                stride, codes, gradient, buffers.weightGradient)
            return
        }
        for row in 0..<sizes.pooledHeight {
            couplet_max_unpool(
                sizes.pooledWidth, sizes.lanes, codes + row * pooledRow, gradient + row * pooledRow, buffers.rows)
            couplet_convolve_weights(
                2, 2 * sizes.pooledWidth, sizes.channels, sizes.lanes, buffers.image + 2 * row * stride, stride,
                buffers.rows, buffers.weightGradient)
        }
    }
}

/// Sizes of a pooled convolution and of its scratch buffers. They depend on the shapes alone.
private struct Sizes {
    let channels: Int
    let height: Int
    let width: Int
    let outputs: Int
    let pooledHeight: Int
    let pooledWidth: Int

    init(channels: Int, height: Int, width: Int, outputs: Int) {
        self.channels = channels
        self.height = height
        self.width = width
        self.outputs = outputs
        pooledHeight = height / 2
        pooledWidth = width / 2
    }

    /// Whether the input channels would leave most of a vector register empty. The weight gradient then vectorises over
    /// the outputs.
    var hasFewChannels: Bool { channels <= 4 }
    /// Channels of a pixel of the packed input; the padding channels are zero.
    var imageChannels: Int { hasFewChannels ? channels : Self.roundUp(channels) }
    /// Channels of a pixel of packed results; the padding channels are zero.
    var lanes: Int { Self.roundUp(outputs) }
    /// Pixels of a pooled image.
    var pixels: Int { pooledHeight * pooledWidth }
    /// Bytes that forward saves for one image.
    var codeBytes: Int { pixels * lanes }
    /// Number of blocks of 16 input channels, for the input gradient.
    var inputBlocks: Int { Self.roundUp(channels) / 16 }
    /// Floats of one block of weights by input channel: [output][tap][16].
    var inputBlockFloats: Int { lanes * 9 * 16 }

    // Floats of the scratch buffers, all multiples of 16.
    var image: Int { Self.roundUp((height + 2) * (width + 2) * imageChannels) }
    var rows: Int { 2 * 2 * pooledWidth * lanes }
    var weights: Int { max(9 * imageChannels * lanes, inputBlocks * inputBlockFloats) }
    var weightGradient: Int { 9 * imageChannels * lanes }
    var imageGradient: Int { (height + 2) * (width + 2) * 16 }
    var scratchCount: Int { image + rows + pixels * lanes + weights + lanes + weightGradient + imageGradient }

    private static func roundUp(_ count: Int) -> Int { (count + 15) / 16 * 16 }
}

/// The scratch memory of a pooled convolution, divided into buffers, with the copies between PyTorch's layout and the
/// kernels' layout.
private struct Buffers {
    typealias Floats = UnsafeMutablePointer<Float>

    /// The input image with a border of zeros, channels last.
    let image: Floats
    /// Two convolved rows, or the gradient of two rows.
    let rows: Floats
    /// A pooled image, or its gradient, as pixels × lanes.
    let pooled: Floats
    /// Forward: [tap][input][lanes]. Backward: [block of 16 inputs][output][tap][16].
    let weights: Floats
    /// Forward: the bias. Backward: its gradient. [lanes].
    let bias: Floats
    /// [tap][input][lanes] with few input channels, else [output][tap][input].
    let weightGradient: Floats
    /// Gradient of 16 channels of the input image, with its border.
    let imageGradient: Floats
    private let sizes: Sizes

    init(_ sizes: Sizes, _ scratch: Tensor) {
        precondition(
            scratch.count >= sizes.scratchCount, "scratch has \(scratch.count) floats; \(sizes.scratchCount) are needed"
        )
        self.sizes = sizes
        image = scratch.pointer
        rows = image + sizes.image
        pooled = rows + sizes.rows
        weights = pooled + sizes.pixels * sizes.lanes
        bias = weights + sizes.weights
        weightGradient = bias + sizes.lanes
        imageGradient = weightGradient + sizes.weightGradient
    }

    func packWeights(_ weight: Tensor) {
        weights.update(repeating: 0, count: sizes.weights)
        let inputs = sizes.channels
        for tap in 0..<9 {
            for input in 0..<inputs {
                let source = weight.pointer + input * 9 + tap,
                    target = weights + (tap * sizes.imageChannels + input) * sizes.lanes
                for output in 0..<sizes.outputs { target[output] = source[output * inputs * 9] }
            }
        }
    }

    func packWeightsByInput(_ weight: Tensor) {
        weights.update(repeating: 0, count: sizes.weights)
        for output in 0..<sizes.outputs {
            for input in 0..<sizes.channels {
                let source = weight.pointer + (output * sizes.channels + input) * 9
                let target = weightsByInput(input / 16) + output * 144 + input % 16
                for tap in 0..<9 { target[16 * tap] = source[tap] }
            }
        }
    }

    func weightsByInput(_ block: Int) -> Floats { weights + block * sizes.inputBlockFloats }

    func packBias(_ values: Tensor) {
        bias.update(repeating: 0, count: sizes.lanes)
        bias.update(from: values.pointer, count: sizes.outputs)
    }

    /// Writes zeros to the border and to the padding channels. `packImage` does not touch them, so one call serves all
    /// images.
    func clearImage() { image.update(repeating: 0, count: sizes.image) }

    func clearGradientSums() {
        bias.update(repeating: 0, count: sizes.lanes)
        weightGradient.update(repeating: 0, count: sizes.weightGradient)
    }

    func packImage(_ source: Floats, _ layout: ImageLayout) {
        let (width, channels, packed) = (sizes.width, sizes.channels, sizes.imageChannels)
        for row in 0..<sizes.height {
            let target = image + ((row + 1) * (width + 2) + 1) * packed
            switch layout {
            case .channelsFirst:
                couplet_transpose(channels, width, source + row * width, sizes.height * width, target, packed)
            case .channelsLast:
                let pixels = source + row * width * channels
                if packed == channels {
                    target.update(from: pixels, count: width * channels)
                } else {
                    couplet_copy_rows(width, channels, pixels, channels, target, packed)
                }
            }
        }
    }

    func unpackImageGradient(_ block: Int, _ target: Floats, _ layout: ImageLayout) {
        let (height, width, channels) = (sizes.height, sizes.width, sizes.channels)
        let first = 16 * block, count = min(16, channels - first)
        for row in 0..<height {
            let source = imageGradient + ((row + 1) * (width + 2) + 1) * 16
            switch layout {
            case .channelsFirst:
                couplet_transpose(width, count, source, 16, target + (first * height + row) * width, height * width)
            case .channelsLast:
                couplet_copy_rows(width, count, source, 16, target + row * width * channels + first, channels)
            }
        }
    }

    func unpackWeightGradient(_ gradient: Tensor) {
        let (inputs, packed, lanes) = (sizes.channels, sizes.imageChannels, sizes.lanes)
        for output in 0..<sizes.outputs {
            for input in 0..<inputs {
                let target = gradient.pointer + (output * inputs + input) * 9
                for tap in 0..<9 {
                    target[tap] =
                        weightGradient[
                            sizes.hasFewChannels
                                ? (tap * packed + input) * lanes + output : (output * 9 + tap) * packed + input]
                }
            }
        }
    }
}
