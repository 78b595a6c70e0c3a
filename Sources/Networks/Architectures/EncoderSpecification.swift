/// An encoder as a config describes it. Every encoder ends with a linear layer to the embedding, except `labels`.
public enum EncoderSpecification: Equatable, Sendable {
    /// One linear layer.
    case linear(bias: Bool)
    /// Linear layers of these widths, each followed by the activation.
    case multilayerPerceptron(widths: [Int], activation: Activation, bias: Bool)
    /// For images: one `PooledConvolution` for each channel count, then one linear layer with relu for each width in
    /// `hidden`.
    case convolutional(channels: [Int], hidden: [Int])
    /// One learned vector for each label.
    case labels
}

/// An encoder that cannot be built from its specification.
public struct NetworkError: Error, Equatable, CustomStringConvertible, Sendable {
    /// What is wrong.
    public let reason: String
    /// What the user can do.
    public let remedy: String

    public init(reason: String, remedy: String) {
        self.reason = reason
        self.remedy = remedy
    }

    public var description: String { "\(reason); \(remedy)" }
}

extension Encoder {
    /// Builds the encoder of one modality from its specification.
    /// - Parameters:
    ///   - inputShape: shape of one sample: [8]; [1, 28, 28] (channels, height, width); [1] for a label.
    ///   - classes: number of classes if samples are labels; else nil.
    ///   - embedding: dimension of the embedding.
    ///   - initialScale: factor on the initial weights of the last layer.
    ///   - shards: number of shards of a step; it determines the padding of the layout.
    /// - Throws: `NetworkError` if the specification does not fit the samples.
    public init(
        _ specification: EncoderSpecification, inputShape: [Int], classes: Int?, embedding: Int, initialScale: Float,
        shards: Int
    ) throws(NetworkError) {
        guard embedding > 0 else {
            throw NetworkError(
                reason: "the embedding has \(embedding) dimensions",
                remedy: "set encoders.embedding to a whole number of at least 1")
        }
        guard !inputShape.isEmpty, inputShape.allSatisfy({ $0 > 0 }) else {
            throw NetworkError(
                reason: "samples of shape \(inputShape) hold no numbers", remedy: "every extent must be at least 1")
        }
        let layers: [any Layer]
        switch specification {
        case .labels:
            guard let classes else {
                throw NetworkError(
                    reason:
                        "kind labels needs labels, but the samples of this modality are numbers of shape \(inputShape)",
                    remedy: "use kind linear, mlp or, for images, cnn")
            }
            guard classes > 0 else {
                throw NetworkError(
                    reason: "kind labels has \(classes) classes", remedy: "there must be at least one class")
            }
            layers = [LabelEmbedding(classes: classes, embedding: embedding)]
        case .linear(let bias):
            try Self.rejectLabels("linear", classes)
            layers = [Linear(inputShape: inputShape, outputs: embedding, bias: bias)]
        case .multilayerPerceptron(let widths, let activation, let bias):
            try Self.rejectLabels("mlp", classes)
            try Self.checkSizes(widths, "mlp", "widths")
            if case .leakyRelu(let slope) = activation, !(slope >= 0 && slope.isFinite) {
                throw NetworkError(
                    reason: "leaky_relu has a slope of \(slope)",
                    remedy: "the slope must be a finite number of at least 0")
            }
            layers = Self.perceptron(
                from: inputShape, widths: widths, activation: activation, bias: bias, embedding: embedding)
        case .convolutional(let channels, let hidden):
            try Self.rejectLabels("cnn", classes)
            try Self.checkSizes(channels, "cnn", "channels")
            try Self.checkSizes(hidden, "cnn", "hidden")
            try Self.checkImage(inputShape, poolings: channels.count)
            let convolutions = Self.convolutions(from: inputShape, channels: channels)
            layers =
                convolutions
                + Self.perceptron(
                    from: convolutions[convolutions.count - 1].outputShape, widths: hidden, activation: .relu,
                    bias: true, embedding: embedding)
        }
        self.init(layers: layers, initialScale: initialScale, shards: shards)
    }

    /// Hidden linear layers with the activation, then the linear layer to the embedding.
    private static func perceptron(
        from inputShape: [Int], widths: [Int], activation: Activation, bias: Bool, embedding: Int
    ) -> [any Layer] {
        var layers: [any Layer] = [], shape = inputShape
        for width in widths {
            layers.append(Linear(inputShape: shape, outputs: width, bias: bias, activation: activation))
            shape = [width]
        }
        return layers + [Linear(inputShape: shape, outputs: embedding, bias: bias)]
    }

    /// Pooled convolutions, with channels last between them. The last one returns [channels, height, width] with
    /// channels first, so the weights of the next linear layer mean the same as in PyTorch after a flatten.
    private static func convolutions(from inputShape: [Int], channels: [Int]) -> [any Layer] {
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

    private static func checkImage(_ shape: [Int], poolings: Int) throws(NetworkError) {
        guard shape.count == 3 else {
            throw NetworkError(
                reason: "kind cnn needs images of shape [channels, height, width], but samples have the shape \(shape)",
                remedy: "use kind linear or mlp")
        }
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

    private static func rejectLabels(_ kind: String, _ classes: Int?) throws(NetworkError) {
        guard let classes else { return }
        throw NetworkError(
            reason: "kind \(kind) needs numbers, but the samples of this modality are labels of \(classes) classes",
            remedy: "use kind labels")
    }

    private static func checkSizes(_ sizes: [Int], _ kind: String, _ key: String) throws(NetworkError) {
        guard let invalid = sizes.first(where: { $0 < 1 }) else { return }
        throw NetworkError(
            reason: "kind \(kind) has \(key) \(sizes), and \(invalid) is not a valid size",
            remedy: "sizes must be at least 1")
    }
}
