import CoupletSchema

/// ρ(Σ_t φ(x[t])) or ρ(mean_t φ(x[t])): a function of a set, which does not depend on the order of its elements
/// (Zaheer, Kottur, Ravanbakhsh, Poczos, Salakhutdinov, Smola, *Deep Sets*, NIPS 2017, theorem 2).
///
/// A sample is a set of vectors, [positions, width], or of token ids, [positions], where each id has a learned vector.
/// φ is a perceptron with the same weights for every element, with the activation after each layer. ρ is a perceptron
/// as of the kind mlp. Sets have different sizes: elements of zeros at the end of a sample, and the token id 0, are
/// padding.
public struct DeepSetsEncoder: EncoderArchitecture {
    /// What joins the elements.
    public enum Pool: String, CaseIterable, Sendable {
        case mean, sum
    }

    /// Number of token ids; nil for sets of vectors.
    public var vocabulary: Int?
    /// Width of the vector of a token id.
    public var width: Int
    /// Widths of φ.
    public var elementWidths: [Int]
    public var pool: Pool
    /// Widths of the hidden layers of ρ.
    public var widths: [Int]
    public var activation: Activation

    public init(
        elementWidths: [Int], pool: Pool = .mean, widths: [Int] = [], activation: Activation = .relu,
        vocabulary: Int? = nil, width: Int = 128
    ) {
        self.elementWidths = elementWidths
        self.pool = pool
        self.widths = widths
        self.activation = activation
        self.vocabulary = vocabulary
        self.width = width
    }

    public static let name = "set"
    public static let table = ConfigurationTable(
        DeepSetsEncoder(elementWidths: []),
        help: "DeepSets: linear layers for each element of a set, the mean or sum of the elements, linear layers.",
        [
            .key(
                "vocabulary", \.vocabulary, .optional(TokenTable.vocabularyType),
                "Number of token ids, for sets of ids; null for sets of vectors."),
            .key(
                "width", \.width, .integer(1...ConfigurationLimits.extent, example: 128), "Width of a token's vector.",
                .when("vocabulary", { $0.vocabulary != nil }, otherwise: { _ in "only sets of token ids embed them" })),
            .required(
                "element_widths", \.elementWidths, sizes(example: "[128, 128]"),
                "Widths of the layers for each element."),
            .key("pool", \.pool, .choice("pool"), "What joins the elements."),
            .key("widths", \.widths, sizes(example: "[128]"), "Widths of the hidden layers after the pooling."),
            .key("activation", \.activation.name, .choice("activation"), "Function after each layer but the last."),
            .key(
                "slope", \.activation.slope, .number(.nonNegative, example: 0.01), "Slope of leaky_relu below 0.",
                .when(
                    "activation", { $0.activation.name == .leakyRelu },
                    otherwise: {
                        "only leaky_relu has a slope, and the activation is \($0.activation.name.rawValue)"
                    })),
        ])

    private static func sizes(example: String) -> ConfigurationType<[Int]> {
        .list(.integer(1...ConfigurationLimits.extent, example: 128), example: example)
    }

    public func completed(vocabulary: Int) -> Self {
        var copy = self
        copy.vocabulary = self.vocabulary ?? vocabulary
        return copy
    }

    public func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] {
        try requireNumbers(classes)
        try checkSizes(elementWidths, "element_widths")
        try checkSizes(widths, "widths")
        var layers = [try first(inputShape)]
        for width in elementWidths {
            layers.append(
                Linear(
                    inputShape: layers[layers.count - 1].outputShape, outputs: width, activation: activation,
                    overLastAxis: true))
        }
        let pooling = PositionPool(
            pool == .mean ? .mean : .sum, inputShape: layers[layers.count - 1].outputShape)
        return layers + [pooling]
            + MultilayerPerceptronEncoder.perceptron(
                from: pooling.outputShape, widths: widths, activation: activation, bias: true, embedding: embedding)
    }

    /// The layer that finds the padding.
    private func first(_ inputShape: [Int]) throws(NetworkError) -> any Layer {
        if let vocabulary {
            return TokenEmbedding(
                positions: try TokenTable.positions(inputShape, kind: "kind set with a vocabulary"),
                vocabulary: vocabulary, width: width)
        }
        guard inputShape.count == 2 else {
            throw NetworkError(
                reason: "kind set needs sets of vectors, samples of shape [positions, width], but samples have the "
                    + "shape \(inputShape)",
                remedy: inputShape.count == 1
                    ? "give vocabulary if the samples are token ids, or use kind mlp" : "use another kind")
        }
        return Masking(positions: inputShape[0], width: inputShape[1])
    }
}
