import CCoupletKernels
import CoupletTensors

/// The scratch of a pooled convolution in pieces, and the copies between PyTorch's order and the kernels'.
struct PooledConvolutionBuffers {
    typealias Floats = UnsafeMutablePointer<Float>

    /// The input image with its border of zeros, channels last.
    let image: Floats
    /// Two convolved rows, or two rows of their gradient.
    let rows: Floats
    /// A pooled image, or its gradient, as pixels × lanes.
    let pooled: Floats
    /// [tap][input][lanes]; in backward [block of 16 inputs][output][tap][16].
    let weights: Floats
    /// The bias, in backward its gradient, lanes.
    let bias: Floats
    /// [tap][input][lanes] for few input channels, else [output][tap][input].
    let weightGradient: Floats
    /// The gradient of 16 channels of the input image, with its border.
    let imageGradient: Floats
    private let sizes: PooledConvolutionSizes

    init(_ sizes: PooledConvolutionSizes, _ scratch: Tensor) {
        precondition(
            scratch.count >= sizes.scratchCount, "scratch of \(scratch.count) floats, \(sizes.scratchCount) wanted")
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

    /// Zeros for the border and the channels that `packImage` leaves out; they stay from image to image.
    func clearImage() { image.update(repeating: 0, count: sizes.image) }

    func clearSums() {
        bias.update(repeating: 0, count: sizes.lanes)
        weightGradient.update(repeating: 0, count: sizes.weightGradient)
    }

    func packImage(_ source: Floats, _ order: ImageLayout) {
        let (width, channels, packed) = (sizes.width, sizes.channels, sizes.imageChannels)
        for row in 0..<sizes.height {
            let target = image + ((row + 1) * (width + 2) + 1) * packed
            switch order {
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

    func unpackImageGradient(_ block: Int, _ target: Floats, _ order: ImageLayout) {
        let (height, width, channels) = (sizes.height, sizes.width, sizes.channels)
        let first = 16 * block, count = min(16, channels - first)
        for row in 0..<height {
            let source = imageGradient + ((row + 1) * (width + 2) + 1) * 16
            switch order {
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
