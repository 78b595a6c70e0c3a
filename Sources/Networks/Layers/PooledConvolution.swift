import CCoupletKernels
import CoupletTensors

/// y = maxpool(relu(x ⋆ W + b)): 3 × 3 convolution with padding 1, then 2 × 2 max pooling with stride 2; W [out, in, 3, 3], b [out].
///
/// x[c] at (i, j) enters z[o] at (i - p + 1, j - q + 1) by W[o, c, p, q], as in PyTorch. An odd last row or column falls away in pooling.
/// The three are one layer because convolved rows then need not leave the cache, only the pooled output is kept (a quarter), and
/// backward uses that one of four gradients before pooling is not zero: both its products take a quarter of the dense operations.
/// `kept` holds one byte per output: which of the four it came from (the first of equals), or that relu cut it.
public struct PooledConvolution: Layer {
    public let inputShape: [Int]
    public let outputShape: [Int]
    /// How images lie in `input` and `inputGradient`, and in `output` and `outputGradient`. Shapes are [channels, height, width] in both.
    public let inputLayout: ImageLayout
    public let outputLayout: ImageLayout
    private let sizes: PooledConvolutionSizes

    /// - Parameter inputShape: [channels, height, width], both sides at least 2.
    public init(
        inputShape: [Int], channels: Int, inputLayout: ImageLayout = .channelsFirst,
        outputLayout: ImageLayout = .channelsFirst
    ) {
        precondition(
            inputShape.count == 3 && inputShape[0] > 0 && inputShape[1] > 1 && inputShape[2] > 1 && channels > 0,
            "a pooled convolution from \(inputShape) to \(channels) channels")
        self.inputShape = inputShape
        outputShape = [channels, inputShape[1] / 2, inputShape[2] / 2]
        // One channel lies the same in both orders.
        self.inputLayout = inputShape[0] == 1 ? .channelsLast : inputLayout
        self.outputLayout = outputLayout
        sizes = PooledConvolutionSizes(
            channels: inputShape[0], height: inputShape[1], width: inputShape[2], outputs: channels)
    }

    public var parameterShapes: [(name: String, shape: [Int])] {
        [("weight", [sizes.outputs, sizes.channels, 3, 3]), ("bias", [sizes.outputs])]
    }

    public func keptCount(rows: Int) -> Int { rows * sizes.codeBytes / MemoryLayout<Float>.stride }

    public func scratchCount(rows: Int) -> Int { sizes.scratchCount }

    public func initialize(_ parameters: [Tensor], philox: Philox, number: UInt64, scale: Float) {
        WeightInitialization(activation: .relu, inputs: 9 * sizes.channels, outputs: 9 * sizes.outputs)
            .fill(parameters[0], philox: philox, number: number, scale: scale)
        parameters[1].fill(0)
    }

    public func forward(_ input: Tensor, parameters: [Tensor], output: Tensor, kept: Tensor, scratch: Tensor) {
        let buffers = PooledConvolutionBuffers(sizes, scratch)
        buffers.packWeights(parameters[0])
        buffers.packBias(parameters[1])
        buffers.clearImage()
        let rowFloats = 2 * (sizes.width + 2) * sizes.imageChannels, pooledRow = sizes.pooledWidth * sizes.lanes
        for image in 0..<output.rows {
            buffers.packImage(input.pointer + image * inputCount, inputLayout)
            let result = output.pointer + image * outputCount, code = codes(kept, image)
            let pooled = outputIsPacked ? result : buffers.pooled
            for row in 0..<sizes.pooledHeight {
                couplet_convolve(
                    2, 2 * sizes.pooledWidth, sizes.imageChannels, sizes.lanes, buffers.image + row * rowFloats,
                    rowFloats / 2,
                    buffers.weights, buffers.rows)
                couplet_pool(
                    sizes.pooledWidth, sizes.lanes, buffers.rows, buffers.bias, pooled + row * pooledRow,
                    code + row * pooledRow)
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
        inputGradient: Tensor?, kept: Tensor, scratch: Tensor
    ) {
        let buffers = PooledConvolutionBuffers(sizes, scratch)
        if inputGradient != nil { buffers.packWeightsByInput(parameters[0]) }
        buffers.clearImage()
        buffers.clearSums()
        for image in 0..<output.rows {
            buffers.packImage(input.pointer + image * inputCount, inputLayout)
            let code = codes(kept, image),
                gradient = pooledGradient(outputGradient.pointer + image * outputCount, buffers)
            couplet_gate(sizes.pixels, sizes.lanes, code, gradient, buffers.bias)
            addWeightGradient(buffers, code, gradient)
            if let inputGradient {
                for block in 0..<sizes.inputBlocks {
                    couplet_convolve_input_pooled(
                        sizes.pooledHeight, sizes.pooledWidth, sizes.lanes, code, gradient,
                        buffers.weightsByInput(block),
                        sizes.height + 2, sizes.width + 2, buffers.imageGradient)
                    buffers.unpackImageGradient(block, inputGradient.pointer + image * inputCount, inputLayout)
                }
            }
        }
        buffers.unpackWeightGradient(parameterGradients[0])
        parameterGradients[1].pointer.update(from: buffers.bias, count: sizes.outputs)
    }

    /// Counted for the convolution as it is defined, every output of which takes 9 · in multiplications and as many additions, and as many
    /// in each product of backward, though fewer are made.
    public func matrixProductFLOPs(rows: Int, needsInputGradient: Bool) -> Int {
        2 * rows * sizes.height * sizes.width * 9 * sizes.channels * sizes.outputs * (needsInputGradient ? 3 : 2)
    }

    /// Whether the kernels can work in the output itself.
    private var outputIsPacked: Bool { outputLayout == .channelsLast && sizes.lanes == sizes.outputs }

    private func codes(_ kept: Tensor, _ image: Int) -> UnsafeMutablePointer<UInt8> {
        (UnsafeMutableRawPointer(kept.pointer) + image * sizes.codeBytes).assumingMemoryBound(to: UInt8.self)
    }

    /// The gradient of a pooled image as pixels × lanes. The lanes past the channels hold anything: their codes say zero.
    private func pooledGradient(
        _ gradient: UnsafeMutablePointer<Float>, _ buffers: PooledConvolutionBuffers
    ) -> UnsafeMutablePointer<Float> {
        if outputIsPacked { return gradient }
        switch outputLayout {
        case .channelsFirst:
            couplet_transpose(sizes.outputs, sizes.pixels, gradient, sizes.pixels, buffers.pooled, sizes.lanes)
        case .channelsLast:
            couplet_copy_rows(sizes.pixels, sizes.outputs, gradient, sizes.outputs, buffers.pooled, sizes.lanes)
        }
        return buffers.pooled
    }

    /// Adds an image's part of the weight gradient. Each image's sum starts from zero, so rounding does not grow with the shard.
    private func addWeightGradient(
        _ buffers: PooledConvolutionBuffers, _ code: UnsafeMutablePointer<UInt8>,
        _ gradient: UnsafeMutablePointer<Float>
    ) {
        let stride = (sizes.width + 2) * sizes.imageChannels, pooledRow = sizes.pooledWidth * sizes.lanes
        guard sizes.hasFewChannels else {
            couplet_convolve_weights_pooled(
                sizes.pooledHeight, sizes.pooledWidth, sizes.imageChannels, sizes.outputs, sizes.lanes, buffers.image,
                stride, code,
                gradient, buffers.weightGradient)
            return
        }
        for row in 0..<sizes.pooledHeight {
            couplet_unpool(
                sizes.pooledWidth, sizes.lanes, code + row * pooledRow, gradient + row * pooledRow, buffers.rows)
            couplet_convolve_weights(
                2, 2 * sizes.pooledWidth, sizes.channels, sizes.lanes, buffers.image + 2 * row * stride, stride,
                buffers.rows,
                buffers.weightGradient)
        }
    }
}
