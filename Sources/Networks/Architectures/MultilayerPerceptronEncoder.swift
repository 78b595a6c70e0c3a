import CoupletSchema

/// Hidden linear layers of the given widths, each followed by the activation, then a linear layer to the embedding.
public struct MultilayerPerceptronEncoder: EncoderArchitecture {
    public var widths: [Int]
    public var activation: Activation
    public var bias: Bool

    public init(widths: [Int], activation: Activation = .relu, bias: Bool = true) {
        self.widths = widths
        self.activation = activation
        self.bias = bias
    }

    public static let name = "mlp"
    public static let table = ConfigurationTable(
        MultilayerPerceptronEncoder(widths: []), help: "Linear layers with an activation between them.",
        [
            .required(
                "widths", \.widths,
                .list(.integer(1...ConfigurationLimits.extent, example: 128), example: "[150, 750]", minimum: 1),
                "Widths of the hidden layers."),
            .key(
                "activation", \.activation.name, .choice("activation"), "Function after each hidden layer."),
            .key(
                "slope", \.activation.slope, .number(.any, example: 0.01), "Slope of leaky_relu below 0.",
                .when(
                    "activation", { $0.activation.name == .leakyRelu },
                    otherwise: {
                        "only leaky_relu has a slope, and the activation is \($0.activation.name.rawValue)"
                    })),
            .key("bias", \.bias, .flag, "Whether the layers add a bias."),
        ])

    public func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] {
        try requireNumbers(classes)
        try checkSizes(widths, "widths")
        if case .leakyRelu(let slope) = activation, !(slope >= 0 && slope.isFinite) {
            throw NetworkError(
                reason: "leaky_relu has a slope of \(slope)",
                remedy: "the slope must be a finite number of at least 0")
        }
        return Self.perceptron(
            from: inputShape, widths: widths, activation: activation, bias: bias, embedding: embedding)
    }

    /// Hidden linear layers with the activation, then the linear layer to the embedding.
    static func perceptron(
        from inputShape: [Int], widths: [Int], activation: Activation, bias: Bool, embedding: Int
    ) -> [any Layer] {
        var layers: [any Layer] = [], shape = inputShape
        for width in widths {
            layers.append(Linear(inputShape: shape, outputs: width, bias: bias, activation: activation))
            shape = [width]
        }
        return layers + [Linear(inputShape: shape, outputs: embedding, bias: bias)]
    }
}
