import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// y[t] = f(Σ_j W[:, :, j] x[t s + j - p] + b): a convolution over positions with kernel k, stride s and p zeros in
/// front, as PyTorch's nn.Conv1d. x [positions, in], y [outputs, out], W [out, in, k], b [out], an activation f.
///
/// With the padding `same` there are k - 1 zeros, ⌊(k - 1) / 2⌋ of them in front, and y has the positions of x.
/// Positions of padding at the end of a row count as zeros, so y does not depend on how many there are. With `same`
/// padding they stay positions of padding: y is zero there, nothing is computed, and the gradient is not read. Any
/// other convolution changes the number of positions, and all its outputs are valid.
///
/// A window is k · in consecutive floats of x, which lies with its zeros in a buffer. So the convolution is a product
/// whose rows overlap: z [outputs, out] = windows [outputs, k · in] · W', with sums over (j, in) in ascending order.
/// Backward, with dZ = dY · f'(z): dW is a product of dZ and the windows, over the rows in groups of about 1,024
/// windows (`groupRows`), which are added in order; db = Σ dZ over rows and positions in order; dX is the convolution
/// of dZ, with s - 1 zeros between its positions, with the reversed kernel. Forward saves f'(z) for gelu.
public struct Conv1d: Layer {
    public enum Padding: Equatable, Sendable {
        /// As many positions as the input; for stride 1.
        case same
        /// This number of zeros at both ends.
        case zeros(Int)
    }

    public let inputShape: [Int]
    public let outputShape: [Int]
    public let kernel: Int
    public let stride: Int
    public let padding: Padding
    public let hasBias: Bool
    public let activation: Activation

    /// - Parameter inputShape: [positions, in]
    public init(
        inputShape: [Int], channels: Int, kernel: Int, stride: Int = 1, padding: Padding = .same, bias: Bool = true,
        activation: Activation = .identity
    ) {
        precondition(
            inputShape.count == 2 && inputShape.allSatisfy { $0 > 0 } && channels > 0 && kernel > 0 && stride > 0,
            "a convolution of \(inputShape) to \(channels) channels with kernel \(kernel) and stride \(stride)")
        precondition(padding != .same || stride == 1, "a convolution with padding same and stride \(stride)")
        if case .zeros(let count) = padding { precondition(count >= 0, "a convolution with \(count) zeros") }
        let outputs = Self.outputs(positions: inputShape[0], kernel: kernel, stride: stride, padding: padding)
        precondition(outputs > 0, "a convolution of \(inputShape) with kernel \(kernel) and padding \(padding)")
        activation.requireValidSlope()
        self.inputShape = inputShape
        outputShape = [outputs, channels]
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
        hasBias = bias
        self.activation = activation
    }

    /// Number of output positions; below 1 if the kernel does not fit.
    static func outputs(positions: Int, kernel: Int, stride: Int, padding: Padding) -> Int {
        guard case .zeros(let zeros) = padding else { return positions }
        let free = positions + 2 * zeros - kernel
        return free < 0 ? 0 : free / stride + 1
    }

    private var positions: Int { inputShape[0] }
    private var channels: Int { inputShape[1] }
    private var outputs: Int { outputShape[0] }
    private var outputChannels: Int { outputShape[1] }
    private var window: Int { kernel * channels }
    /// Zeros in front.
    private var front: Int { if case .zeros(let count) = padding { count } else { (kernel - 1) / 2 } }
    /// Whether a window is one position of the input.
    private var isPointwise: Bool { kernel == 1 && keepsPositions }
    /// Rows of a group in backward.
    private var groupRows: Int { max(1, 1024 / (outputs + (kernel - 1) / stride)) }
    /// Positions of the longest row in the buffer.
    private var bufferedPositions: Int { bufferedPositions(input: positions, outputs: outputs) }

    /// Positions of a row in the buffer, a multiple of the stride: the zeros in front, the input, and all that windows
    /// cover. So dZ is followed by at least k - 1 zeros.
    private func bufferedPositions(input: Int, outputs: Int) -> Int {
        let positions = max(front + input, (outputs - 1) * stride + kernel)
        return (positions + stride - 1) / stride * stride
    }

    public var parameterShapes: [(name: String, shape: [Int])] {
        [("weight", [outputChannels, channels, kernel])] + (hasBias ? [("bias", [outputChannels])] : [])
    }
    public var tableName: String { Kind.name }
    public var addedPositions: Int? { keepsPositions ? 0 : nil }
    private var keepsPositions: Bool { stride == 1 && outputs == positions }
    public var backwardReadsOutput: Bool { activation != .identity && !activation.savesDerivative }
    public var backwardOverwritesOutputGradient: Bool { true }

    public func applying(_ activation: Activation) -> (any Layer)? {
        guard self.activation == .identity else { return nil }
        return Conv1d(
            inputShape: inputShape, channels: outputChannels, kernel: kernel, stride: stride, padding: padding,
            bias: hasBias, activation: activation)
    }

    public func savedForBackwardCount(rows: Int) -> Int { activation.savesDerivative ? rows * outputCount : 0 }

    public func scratchCount(rows: Int) -> Int {
        let group = min(rows, groupRows) * bufferedPositions
        let forward = [packed(outputChannels, window), outputChannels * window, bufferedPositions * channels]
        let backward = [
            outputChannels * window, packed(channels, kernel * outputChannels), kernel * outputChannels * channels,
            group * channels, (group + kernel - 1) * outputChannels,
        ]
        return max(
            forward.reduce(0) { $0 + BufferDivision.padded($1) }, backward.reduce(0) { $0 + BufferDivision.padded($1) })
    }

    /// Floats of a packed matrix, k × n. Panels of 64 columns hold those of every instruction set.
    private func packed(_ n: Int, _ k: Int) -> Int { (n + 63) / 64 * 64 * k }

    public var parameterRoles: [ParameterRole?] {
        ParameterRole.map(
            fanIn: window, fanOut: kernel * outputChannels, activation: activation, hasBias: hasBias)
    }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        var memory = BufferDivision(scratch)
        let packedWeights = memory.next([packed(outputChannels, window)])
        let weights = memory.next([outputChannels, kernel, channels])
        let buffer = memory.next([bufferedPositions, channels])
        exchangeKernelAndChannels(from: parameters[0].pointer, channels, kernel, to: weights.pointer)
        couplet_product_pack(outputChannels, window, weights.pointer, window, 1, packedWeights.pointer)
        let bias = hasBias ? parameters[1] : nil
        let epilogue = couplet_epilogue(bias: bias.map { UnsafePointer($0.pointer) }, activation: activation)
        let isInProduct = activation.epilogue != nil
        buffer.rows(0..<front).fill(0)
        for row in 0..<output.rows {
            let valid = context.validPositions(row, of: positions), count = keepsPositions ? valid : outputs
            let rowInput = input.rows(row..<(row + 1)).flat(0..<(valid * channels))
            if !isPointwise {
                buffer.rows(front..<(front + valid)).copy(from: rowInput)
                buffer.rows((front + valid)..<bufferedPositions).fill(0)
            }
            let rowOutput = output.rows(row..<(row + 1)).reshaped(outputShape)
            // The other activations take a pass of their own.
            withUnsafePointer(to: epilogue) {
                couplet_product_packed(
                    count, outputChannels, window, isPointwise ? rowInput.pointer : buffer.pointer, stride * channels,
                    0,
                    packedWeights.pointer, 0,
                    rowOutput.pointer, outputChannels, isInProduct ? $0 : nil)
            }
            rowOutput.rows(count..<outputs).fill(0)
            if isInProduct { continue }
            let derivative =
                savedForBackward.count == 0
                ? savedForBackward
                : savedForBackward.flat(
                    (row * outputCount)..<((row + 1) * outputCount)
                ).reshaped(outputShape)
            activation.addBiasAndApply(bias: bias, output: rowOutput.rows(0..<count), derivative: derivative)
            if derivative.count > 0 { derivative.rows(count..<outputs).fill(0) }
        }
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        var memory = BufferDivision(scratch)
        let rows = output.rows, groupRows = min(rows, groupRows), group = groupRows * bufferedPositions
        let reversedDepth = kernel * outputChannels
        let weightGradient = memory.next([outputChannels, kernel, channels])
        let packedWeights = memory.next([packed(channels, reversedDepth)])
        let reversed = memory.next([kernel, outputChannels, channels])
        let windows = memory.next([group, channels])
        // k - 1 zeros, then the gradients.
        let gradients = memory.next([kernel - 1 + group, outputChannels])

        if context.lengths != nil, keepsPositions {
            for row in 0..<rows {
                outputGradient.rows(row..<(row + 1)).reshaped(outputShape)
                    .rows(context.validPositions(row, of: positions)..<outputs).fill(0)
            }
        }
        activation.applyBackward(
            output: output.reshaped([rows * outputs, outputChannels]), derivative: savedForBackward,
            gradient: outputGradient.reshaped([rows * outputs, outputChannels]),
            biasGradient: hasBias ? parameterGradients[1] : nil)
        if inputGradient != nil {
            reverseKernel(parameters[0].pointer, to: reversed.pointer, scratch: weightGradient.pointer)
            couplet_product_pack(channels, reversedDepth, reversed.pointer, channels, 0, packedWeights.pointer)
        }
        for first in Swift.stride(from: 0, to: rows, by: groupRows) {
            let members = first..<min(first + groupRows, rows)
            gradients.fill(0)
            var start = 0, end = 0
            for row in members {
                let valid = context.validPositions(row, of: positions), count = keepsPositions ? valid : outputs
                let length = count == 0 ? 0 : bufferedPositions(input: valid, outputs: count)
                let place = windows.rows(start..<(start + length))
                if length > 0 {
                    place.rows(0..<front).fill(0)
                    place.rows(front..<(front + valid)).copy(
                        from: input.rows(row..<(row + 1)).flat(0..<(valid * channels)))
                    place.rows((front + valid)..<length).fill(0)
                }
                let dz = gradients.pointer + (kernel - 1 + start) * outputChannels
                couplet_copy_rows(
                    count, outputChannels, outputGradient.pointer + row * outputCount, outputChannels, dz,
                    stride * outputChannels)
                if let inputGradient {
                    let dx = inputGradient.rows(row..<(row + 1)).reshaped(inputShape)
                    couplet_product_packed(
                        count == 0 ? 0 : valid, channels, reversedDepth, dz + (front - kernel + 1) * outputChannels,
                        outputChannels, 0, packedWeights.pointer, 0, dx.pointer, channels, nil)
                    dx.rows((count == 0 ? 0 : valid)..<positions).fill(0)
                }
                if count > 0 { end = start / stride + count }
                start += length
            }
            MatrixProduct.multiply(
                m: outputChannels, n: window, k: end, gradients.pointer + (kernel - 1) * outputChannels, .transposed,
                stride: stride * outputChannels, windows.pointer, .asIs, stride: stride * channels,
                accumulate: first > 0, weightGradient.pointer, stride: window)
        }
        exchangeKernelAndChannels(from: weightGradient.pointer, kernel, channels, to: parameterGradients[0].pointer)
    }

    /// [out, a, b] as [out, b, a]
    private func exchangeKernelAndChannels(
        from source: UnsafePointer<Float>, _ a: Int, _ b: Int, to target: UnsafeMutablePointer<Float>
    ) {
        for output in 0..<outputChannels {
            couplet_transpose(a, b, source + output * a * b, b, target + output * a * b, a)
        }
    }

    /// W [out, in, k] as [k, out, in], with the last element of the kernel first.
    private func reverseKernel(
        _ weights: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        exchangeKernelAndChannels(from: weights, channels, kernel, to: scratch)
        for j in 0..<kernel {
            couplet_copy_rows(
                outputChannels, channels, scratch + (kernel - 1 - j) * channels, window,
                target + j * outputChannels * channels, channels)
        }
    }

    /// All windows count, those of padding included.
    public func matrixProductFLOPs(rows: Int, needsInputGradient: Bool) -> Int {
        2 * rows * window * outputCount * (needsInputGradient ? 3 : 2)
    }
}

extension couplet_epilogue {
    /// The bias and an activation that a product can apply; the identity for the others.
    init(bias: UnsafePointer<Float>?, activation: Activation) {
        switch activation {
        case .relu: self.init(bias: bias, activation: COUPLET_RELU, slope: 0)
        case .leakyRelu(let slope): self.init(bias: bias, activation: COUPLET_LEAKY_RELU, slope: slope)
        case .identity, .gelu, .tanh: self.init(bias: bias, activation: COUPLET_IDENTITY, slope: 0)
        }
    }
}

extension Conv1d {
    /// `conv1d` in a list of layers.
    public struct Kind: LayerKind {
        public var channels: Int
        public var kernel: Int
        public var stride: Int
        public var padding: Padding
        public var bias: Bool

        public init(channels: Int, kernel: Int = 3, stride: Int = 1, padding: Padding = .same, bias: Bool = true) {
            self.channels = channels
            self.kernel = kernel
            self.stride = stride
            self.padding = padding
            self.bias = bias
        }

        public static let name = "conv1d"
        public static let shortKey: String? = "channels"
        public static let table = ConfigurationTable(
            Kind(channels: 1), help: "A convolution over the positions of a sequence.",
            [
                .required("channels", \.channels, size, "Features of an output position."),
                .key("kernel", \.kernel, size, "Positions of a window."),
                .key("stride", \.stride, size, "Positions from one window to the next."),
                .key(
                    "padding", \.padding, paddingType,
                    "Zeros at both ends, or same for as many positions as the input has."),
                .key("bias", \.bias, .flag, "Whether the layer adds a bias."),
            ])

        private static var size: ConfigurationType<Int> { .integer(1...ConfigurationLimits.extent, example: 3) }

        private static var paddingType: ConfigurationType<Padding> {
            ConfigurationType(
                "same, or whole number from 0", example: "same",
                read: { key, node, block in
                    if case .scalar("same", _) = node.content { return .same }
                    guard case .scalar(let text, quoted: false) = node.content, Int(text) != nil else {
                        block.note(
                            key, at: node.location, "wanted same, or a whole number from 0; found \(node.found)")
                        return nil
                    }
                    return block.integer(key, node, in: 0...ConfigurationLimits.extent, example: 1).map { .zeros($0) }
                },
                write: { padding in
                    if case .zeros(let count) = padding { .integer(count) } else { .text("same") }
                })
        }

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            let (positions, _) = try SequenceShape.of(inputShape, kind: Self.name)
            guard padding != .same || stride == 1 else {
                throw NetworkError(
                    reason: "conv1d with stride \(stride) changes the number of positions, so its padding is not same",
                    remedy: "give padding as a number, such as \((kernel - 1) / 2), or stride 1")
            }
            guard Conv1d.outputs(positions: positions, kernel: kernel, stride: stride, padding: padding) > 0 else {
                throw NetworkError(
                    reason: "conv1d has a kernel of \(kernel) positions, but the sequence has only \(positions)",
                    remedy: "choose a kernel of at most \(positions), or padding: same")
            }
            return Conv1d(
                inputShape: inputShape, channels: channels, kernel: kernel, stride: stride, padding: padding, bias: bias
            )
        }
    }
}
