import CoupletSchema

/// An encoder as a config describes it: the block `encoders.first` or `encoders.second`.
public struct EncoderSpecification: Equatable, Sendable {
    public var architecture: any EncoderArchitecture
    /// The distribution of the initial weights; nil for that of `encoders.initialization`.
    public var initialization: WeightInitialization?

    public init(_ architecture: any EncoderArchitecture, initialization: WeightInitialization? = nil) {
        self.architecture = architecture
        self.initialization = initialization
    }

    /// The encoder for samples that a tokenizer has made: with its vocabulary, if the config names none.
    /// - Parameter vocabulary: nil if no tokenizer made the samples.
    package func completed(vocabulary: Int?) -> EncoderSpecification {
        guard let vocabulary else { return self }
        return EncoderSpecification(architecture.completed(vocabulary: vocabulary), initialization: initialization)
    }

    public static func == (left: EncoderSpecification, right: EncoderSpecification) -> Bool {
        left.architecture.isEqual(to: right.architecture) && left.initialization == right.initialization
    }

    /// The block: the key `kind`, the keys of the architecture, and `initialization`.
    package static let table = ConfigurationTable(
        EncoderSpecification(LinearEncoder()),
        [
            .kind("kind", \.architecture, of: .encoder, "Architecture of the encoder.", isRequired: true) { $0 },
            .key(
                "initialization", \.initialization,
                .optional(
                    .block(WeightInitialization.table, example: "{law: he_uniform}", isInline: true), isOmitted: true),
                "Initial weights of this encoder alone.", defaultText: "encoders.initialization"),
        ])
}

extension EncoderSpecification {
    /// One linear layer.
    public static func linear(bias: Bool) -> EncoderSpecification { EncoderSpecification(LinearEncoder(bias: bias)) }

    /// Linear layers of these widths, each followed by the activation, then a linear layer.
    public static func multilayerPerceptron(
        widths: [Int], activation: Activation, bias: Bool
    ) -> EncoderSpecification {
        EncoderSpecification(MultilayerPerceptronEncoder(widths: widths, activation: activation, bias: bias))
    }

    /// For images: one `PooledConvolution` for each channel count, one linear layer with relu for each width in
    /// `hidden`, then a linear layer.
    public static func convolutional(channels: [Int], hidden: [Int]) -> EncoderSpecification {
        EncoderSpecification(ConvolutionalEncoder(channels: channels, hidden: hidden))
    }

    /// One learned vector for each label.
    public static var labels: EncoderSpecification { EncoderSpecification(LabelEncoder()) }
}

extension Encoder {
    /// Builds the encoder of one modality from its specification.
    /// - Parameters:
    ///   - inputShape: shape of one sample: [8]; [1, 28, 28] (channels, height, width); [1] for a label.
    ///   - classes: number of classes if samples are labels; else nil.
    ///   - embedding: dimension of the embedding.
    ///   - initialScale: factor on the initial weights and biases of the last layer.
    ///   - initialization: the distribution of the initial weights, if the specification has none.
    ///   - shards: number of shards of a step; it determines the padding of the layout.
    /// - Throws: `NetworkError` if the specification does not fit the samples, or if the layers of its architecture do
    ///   not fit each other or the embedding.
    public init(
        _ specification: EncoderSpecification, inputShape: [Int], classes: Int?, embedding: Int, initialScale: Float,
        initialization: WeightInitialization = WeightInitialization(), shards: Int
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
        let layers = try specification.architecture.checkedLayers(
            inputShape: inputShape, classes: classes, embedding: embedding)
        self.init(
            layers: layers, initialScale: initialScale, initialization: specification.initialization ?? initialization,
            shards: shards)
    }
}
