extension Encoder {
    /// The encoder that a config describes, for samples of one modality.
    /// - Parameters:
    ///   - inputShape: of one sample: [8], [1, 28, 28] (channels, height, width); [1] for a label.
    ///   - classes: how many labels there are, where samples are labels; else nil.
    ///   - embedding: the numbers of an embedding.
    ///   - initialScale: the factor on the last layer's initial weights.
    ///   - shards: the shards of a step; they fix the padding of the layout.
    /// - Throws: `NetworkError` where the samples do not suit the encoder.
    public init(
        _ specification: EncoderSpecification, inputShape: [Int], classes: Int?, embedding: Int, initialScale: Float,
        shards: Int
    ) throws(NetworkError) {
        guard embedding > 0 else {
            throw NetworkError(
                reason: "an embedding of \(embedding) numbers", remedy: "give encoders.embedding a value of at least 1")
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
                throw NetworkError(reason: "\(classes) classes", remedy: "there must be at least one label")
            }
            layers = [LabelEmbedding(classes: classes, embedding: embedding)]
        case .linear(let bias):
            try Self.refuseLabels("linear", classes)
            layers = [Linear(inputShape: inputShape, outputs: embedding, bias: bias)]
        case .multilayerPerceptron(let widths, let activation, let bias):
            try Self.refuseLabels("mlp", classes)
            try Self.check(widths, "mlp", "widths")
            if case .leakyRelu(let slope) = activation, !(slope >= 0 && slope.isFinite) {
                throw NetworkError(
                    reason: "a leaky_relu of slope \(slope)", remedy: "its slope must be a number of at least 0")
            }
            layers = Self.perceptron(
                from: inputShape, widths: widths, activation: activation, bias: bias, embedding: embedding)
        case .convolutional(let channels, let hidden):
            try Self.refuseLabels("cnn", classes)
            try Self.check(channels, "cnn", "channels")
            try Self.check(hidden, "cnn", "hidden")
            try Self.checkImage(inputShape, poolings: channels.count)
            let convolutions = Self.convolutions(from: inputShape, channels: channels)
            layers =
                convolutions
                + Self.perceptron(
                    from: convolutions[convolutions.count - 1].outputShape, widths: hidden, activation: .relu,
                    bias: true,
                    embedding: embedding)
        }
        self.init(layers: layers, initialScale: initialScale, shards: shards)
    }

    /// Linear layers with the activation, then the linear layer to the embedding.
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

    /// Pooled convolutions, channels last between them. The features that the first linear layer gets are [channels, height, width],
    /// channels first, so its weights mean the same as in PyTorch after a flatten.
    private static func convolutions(from inputShape: [Int], channels: [Int]) -> [any Layer] {
        var layers: [any Layer] = [], shape = inputShape
        for (number, count) in channels.enumerated() {
            let layer = PooledConvolution(
                inputShape: shape, channels: count, inputLayout: number == 0 ? .channelsFirst : .channelsLast,
                outputLayout: number == channels.count - 1 ? .channelsFirst : .channelsLast)
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
                reason: "kind cnn without channels",
                remedy: "list the channels of at least one convolution, or use kind mlp")
        }
        let side = min(shape[1], shape[2]), most = side.bitWidth - side.leadingZeroBitCount - 1
        guard poolings <= most else {
            throw NetworkError(
                reason:
                    "kind cnn halves the image after each of \(poolings) convolutions, but \(shape[1]) × \(shape[2]) "
                    + (most == 1 ? "can be halved only once" : "can be halved only \(most) times"),
                remedy: most == 0 ? "use kind mlp" : "list at most \(most) channels")
        }
    }

    private static func refuseLabels(_ kind: String, _ classes: Int?) throws(NetworkError) {
        guard let classes else { return }
        throw NetworkError(
            reason:
                "kind \(kind) takes numbers, but this modality holds \(classes) labels, whose numbers mean nothing as sizes",
            remedy: "use kind labels")
    }

    private static func check(_ sizes: [Int], _ kind: String, _ key: String) throws(NetworkError) {
        guard let bad = sizes.first(where: { $0 < 1 }) else { return }
        throw NetworkError(
            reason: "kind \(kind) with \(key) \(sizes): \(bad) is no size", remedy: "give sizes of at least 1")
    }
}
