import CoupletSchema

/// For images: one `PooledConvolution` for each channel count, one linear layer with relu for each width in `hidden`,
/// then a linear layer to the embedding. Each convolution halves the height and width.
public struct ConvolutionalEncoder: EncoderArchitecture {
    public var channels: [Int]
    public var hidden: [Int]

    public init(channels: [Int], hidden: [Int] = []) {
        self.channels = channels
        self.hidden = hidden
    }

    public static let name = "cnn"
    public static let table = ConfigurationTable(
        ConvolutionalEncoder(channels: []), help: "Convolutions with pooling, for images.",
        [
            .required(
                "channels", \.channels, sizes(example: "[32, 64]", minimum: 1), "Channels of the convolutions."),
            .key(
                "hidden", \.hiddenOrNull, .optional(sizes(example: "[128]", minimum: 0)),
                "Widths of the linear layers before the last."),
        ])

    private static func sizes(example: String, minimum: Int) -> ConfigurationType<[Int]> {
        .list(.integer(1...ConfigurationLimits.extent, example: 128), example: example, minimum: minimum)
    }

    /// A config may say `hidden: null` for none.
    private var hiddenOrNull: [Int]? {
        get { hidden }
        set { hidden = newValue ?? [] }
    }

    public func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] {
        try requireNumbers(classes)
        try checkSizes(channels, "channels")
        try checkSizes(hidden, "hidden")
        try checkImage(inputShape)
        let convolutions = convolutions(from: inputShape)
        return convolutions
            + MultilayerPerceptronEncoder.perceptron(
                from: convolutions[convolutions.count - 1].outputShape, widths: hidden, activation: .relu, bias: true,
                embedding: embedding)
    }

    /// Pooled convolutions, with channels last between them. The last one returns [channels, height, width] with
    /// channels first, so the weights of the next linear layer mean the same as in PyTorch after a flatten.
    private func convolutions(from inputShape: [Int]) -> [any Layer] {
        var layers: [any Layer] = [], shape = inputShape
        for (index, count) in channels.enumerated() {
            let layer = PooledConvolution(
                inputShape: shape, channels: count, inputLayout: index == 0 ? .channelsFirst : .channelsLast,
                outputLayout: index == channels.count - 1 ? .channelsFirst : .channelsLast)
            layers.append(layer)
            shape = layer.outputShape
        }
        return layers
    }

    /// The height and width of an image that has its 1, 3 or 4 channels last; nil if channels are first as far as the
    /// shape tells. A map of many channels that is as narrow in height as in width is not one.
    private static func channelsLast(_ shape: [Int]) -> (height: Int, width: Int)? {
        let (first, second, last) = (shape[0], shape[1], shape[2])
        guard [1, 3, 4].contains(last), first > 4, second > 4, max(first, second) <= 8 * min(first, second) else {
            return nil
        }
        return (first, second)
    }

    private func checkImage(_ shape: [Int]) throws(NetworkError) {
        guard shape.count == 3 else {
            throw NetworkError(
                reason: "kind cnn needs images of shape [channels, height, width], but samples have the shape \(shape)",
                remedy: shape.count == 2
                    ? "store images of one channel as N × channels × height × width, "
                        + "[N, 1, \(shape[0]), \(shape[1])], or use kind linear or mlp"
                    : "use kind linear or mlp")
        }
        if let (height, width) = Self.channelsLast(shape) {
            throw NetworkError(
                reason: "kind cnn needs images with channels first, but samples of the shape \(shape) look like "
                    + "height × width × channels: \(shape[2] == 1 ? "1 channel" : "\(shape[2]) channels") last",
                remedy: "transpose the file to N × channels × height × width, [N, \(shape[2]), \(height), \(width)]")
        }
        let poolings = channels.count
        guard poolings > 0 else {
            throw NetworkError(
                reason: "kind cnn has an empty list of channels",
                remedy: "list the channels of at least one convolution, or use kind mlp")
        }
        let side = min(shape[1], shape[2]), maximum = side.bitWidth - side.leadingZeroBitCount - 1
        guard poolings <= maximum else {
            throw NetworkError(
                reason:
                    "kind cnn halves the image after each of \(poolings) convolutions, but \(shape[1]) × \(shape[2]) "
                    + (maximum == 1 ? "can be halved only once" : "can be halved only \(maximum) times"),
                remedy: maximum == 0 ? "use kind mlp" : "list at most \(maximum) channels")
        }
    }
}
