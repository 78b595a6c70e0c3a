import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// y[i][j][c] = max x over the window of (i, j): max pooling of images with channels last.
///
/// The window begins at (s i - P, s j - P) with stride s and padding P; pixels outside of the image are left out. The
/// first of equal maxima receives the gradient, and a NaN counts as the largest number, as in PyTorch.
/// `savedForBackward` holds one byte per output, the number of the maximum in its window.
public struct MaxPool2d: Layer {
    public let inputShape: [Int]
    public let outputShape: [Int]
    package var kernel: Extents { Extents(height: shape.kernel_height, width: shape.kernel_width) }
    package var stride: Extents { Extents(height: shape.stride_height, width: shape.stride_width) }
    package var padding: Extents { Extents(height: shape.padding_height, width: shape.padding_width) }
    private let shape: couplet_pooling

    /// - Parameters:
    ///   - inputShape: [height, width, channels].
    ///   - kernel: at most 255 pixels.
    ///   - stride: nil for the kernel.
    ///   - padding: at most half of the kernel.
    public init(inputShape: [Int], kernel: Extents, stride: Extents? = nil, padding: Extents = 0) {
        let sliding = Sliding(kernel: kernel, stride: stride ?? kernel, padding: padding)
        outputShape = sliding.poolingOutput(of: inputShape)
        self.inputShape = inputShape
        shape = sliding.pooling(of: inputShape)
    }

    public var tableName: String { Kind.name }
    public var addedPositions: Int? { nil }
    public var backwardReadsInput: Bool { false }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }

    public func savedForBackwardCount(rows: Int) -> Int { (rows * outputCount + 3) / 4 }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        withUnsafePointer(to: shape) {
            couplet_max_pool($0, output.rows, input.pointer, output.pointer, codes(savedForBackward))
        }
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        guard let inputGradient else { return }
        withUnsafePointer(to: shape) {
            couplet_max_pool_backward(
                $0, output.rows, outputGradient.pointer, codes(savedForBackward), inputGradient.pointer)
        }
    }

    private func codes(_ savedForBackward: Tensor) -> UnsafeMutablePointer<UInt8> {
        UnsafeMutableRawPointer(savedForBackward.pointer).assumingMemoryBound(to: UInt8.self)
    }
}

/// y[i][j][c] = Σ x over the window of (i, j) / pixels of the kernel: average pooling of images with channels last.
///
/// Windows as in `MaxPool2d`. Padding counts as zeros, as in PyTorch.
public struct AveragePool2d: Layer {
    public let inputShape: [Int]
    public let outputShape: [Int]
    package var kernel: Extents { Extents(height: shape.kernel_height, width: shape.kernel_width) }
    package var stride: Extents { Extents(height: shape.stride_height, width: shape.stride_width) }
    package var padding: Extents { Extents(height: shape.padding_height, width: shape.padding_width) }
    private let shape: couplet_pooling

    /// - Parameters: as those of `MaxPool2d`.
    public init(inputShape: [Int], kernel: Extents, stride: Extents? = nil, padding: Extents = 0) {
        let sliding = Sliding(kernel: kernel, stride: stride ?? kernel, padding: padding)
        outputShape = sliding.poolingOutput(of: inputShape)
        self.inputShape = inputShape
        shape = sliding.pooling(of: inputShape)
    }

    public var tableName: String { Kind.name }
    public var addedPositions: Int? { nil }
    public var backwardReadsInput: Bool { false }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }

    private var factor: Float { 1 / Float(shape.kernel_height * shape.kernel_width) }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        withUnsafePointer(to: shape) { couplet_average_pool($0, output.rows, factor, input.pointer, output.pointer) }
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        guard let inputGradient else { return }
        withUnsafePointer(to: shape) {
            couplet_average_pool_backward($0, output.rows, factor, outputGradient.pointer, inputGradient.pointer)
        }
    }
}

extension Sliding {
    /// Most pixels of a pooling's window: codes are bytes.
    static let mostPooledPixels = 255

    fileprivate func poolingOutput(of shape: [Int]) -> [Int] {
        precondition(shape.count == 3 && shape.allSatisfy { $0 > 0 }, "a pooling of \(shape)")
        let result = output(height: shape[0], width: shape[1])
        precondition(
            result.height > 0 && result.width > 0 && padding.height <= kernel.height / 2
                && padding.width <= kernel.width / 2 && kernel.height * kernel.width <= Self.mostPooledPixels,
            "a pooling of \(shape) by \(self)")
        return [result.height, result.width, shape[2]]
    }

    fileprivate func pooling(of shape: [Int]) -> couplet_pooling {
        couplet_pooling(
            height: shape[0], width: shape[1], channels: shape[2], kernel_height: kernel.height,
            kernel_width: kernel.width, stride_height: stride.height, stride_width: stride.width,
            padding_height: padding.height, padding_width: padding.width)
    }

    /// Throws an error if the windows are not those of a pooling of an image.
    fileprivate func checkPooling(_ shape: [Int], _ name: String) throws(NetworkError) {
        try check(shape, name)
        guard padding.height <= kernel.height / 2, padding.width <= kernel.width / 2 else {
            throw NetworkError(
                reason: "a padding of \(padding.text) for a kernel of \(kernel.text)",
                remedy: "the padding may be at most half of the kernel, because every window needs a pixel")
        }
        guard kernel.height * kernel.width <= Self.mostPooledPixels else {
            throw NetworkError(
                reason: "a kernel of \(kernel.height) × \(kernel.width)",
                remedy: "a kernel may have up to \(Self.mostPooledPixels) pixels; global pooling takes the whole image")
        }
    }
}

/// The keys of `max_pool` and `average_pool`.
private func poolingKeys<Block>(
    _ kernel: WritableKeyPath<Block, Extents> & Sendable, _ stride: WritableKeyPath<Block, Extents?> & Sendable,
    _ padding: WritableKeyPath<Block, Extents> & Sendable, _ paddingHelp: String
) -> [ConfigurationKey<Block>] {
    [
        .key("kernel", kernel, .extents(from: 1, example: 2), "Height and width of a window."),
        .key(
            "stride", stride, .optional(.extents(from: 1, example: 2)),
            "Pixels from one window to the next; null for the kernel."),
        .key("padding", padding, .extents(from: 0, example: 1), paddingHelp),
    ]
}

extension MaxPool2d {
    /// `max_pool` in a list of layers.
    public struct Kind: LayerKind {
        public var kernel: Extents
        public var stride: Extents?
        public var padding: Extents

        public init(kernel: Extents = 2, stride: Extents? = nil, padding: Extents = 0) {
            self.kernel = kernel
            self.stride = stride
            self.padding = padding
        }

        public static let name = "max_pool"
        public static let shortKey: String? = "kernel"
        public static let table = ConfigurationTable(
            Kind(), help: "Maximum of each channel over windows of an image.",
            poolingKeys(\.kernel, \.stride, \.padding, "Pixels beyond each edge, which are left out of the maximum."))

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            let sliding = Sliding(kernel: kernel, stride: stride ?? kernel, padding: padding)
            try sliding.checkPooling(inputShape, Self.name)
            return MaxPool2d(inputShape: inputShape, kernel: kernel, stride: stride, padding: padding)
        }
    }
}

extension AveragePool2d {
    /// `average_pool` in a list of layers.
    public struct Kind: LayerKind {
        public var kernel: Extents
        public var stride: Extents?
        public var padding: Extents

        public init(kernel: Extents = 2, stride: Extents? = nil, padding: Extents = 0) {
            self.kernel = kernel
            self.stride = stride
            self.padding = padding
        }

        public static let name = "average_pool"
        public static let shortKey: String? = "kernel"
        public static let table = ConfigurationTable(
            Kind(), help: "Mean of each channel over windows of an image.",
            poolingKeys(\.kernel, \.stride, \.padding, "Pixels beyond each edge, which count as zeros."))

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            let sliding = Sliding(kernel: kernel, stride: stride ?? kernel, padding: padding)
            try sliding.checkPooling(inputShape, Self.name)
            return AveragePool2d(inputShape: inputShape, kernel: kernel, stride: stride, padding: padding)
        }
    }
}
