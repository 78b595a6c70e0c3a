import CoupletNetworks
import CoupletSchema

extension ConfigurationBlock {
    /// The block `encoders`.
    func encoders() -> Configuration.Encoders? {
        defer { finish() }
        var embedding = 0
        if required("embedding", example: "64") != nil {
            read("embedding", into: &embedding, in: 1...ConfigurationLimits.extent, example: 64)
        }
        let example = "{kind: mlp, widths: [150, 750], activation: relu}"
        let first = block("first", required: true, example: example)?.encoder()
        var shared = false
        read("shared", into: &shared)
        if shared { markInapplicable(["second"], because: "shared: true makes the first encoder both modalities'") }
        let second = shared ? first : block("second", required: true, example: example)?.encoder()
        var encoders = Configuration.Encoders(
            embedding: embedding, first: first ?? .labels, second: second ?? .labels, shared: shared)
        read("initial_scale", into: &encoders.initialScale, .positive, example: 0.1)
        return embedding > 0 && first != nil && second != nil ? encoders : nil
    }

    /// One encoder: which keys it takes, its kind decides.
    private func encoder() -> EncoderSpecification? {
        defer { finish() }
        let keys = [
            "linear": ["bias"], "mlp": ["widths", "activation", "slope", "bias"], "cnn": ["channels", "hidden"],
            "labels": [],
        ]
        let names = ["linear", "mlp", "cnn", "labels"]
        guard let node = required("kind", example: "linear"),
            let kind = choice("kind", "encoder", among: names, node: node)
        else {
            for key in keys.values.joined() { _ = value(key) }
            return nil
        }
        for other in names where other != kind {
            markInapplicable(keys[other, default: []], because: "an encoder of kind \(kind) does not have it")
        }
        var bias = true
        switch kind {
        case "linear":
            read("bias", into: &bias)
            return .linear(bias: bias)
        case "mlp":
            let widths = required("widths", example: "[150, 750]").flatMap {
                extents("widths", $0, example: "[150, 750]")
            }
            let activation = activation()
            read("bias", into: &bias)
            return widths.map { .multilayerPerceptron(widths: $0, activation: activation, bias: bias) }
        case "cnn":
            let channels = required("channels", example: "[32, 64]").flatMap {
                extents("channels", $0, example: "[32, 64]")
            }
            var hidden: [Int]? = []
            if let node = value("hidden"), !node.isNull {
                hidden = extents("hidden", node, example: "[128]", mayBeEmpty: true)
            }
            return channels.flatMap { channels in hidden.map { .convolutional(channels: channels, hidden: $0) } }
        default: return .labels
        }
    }

    private func extents(_ key: String, _ node: ConfigurationNode, example: String, mayBeEmpty: Bool = false) -> [Int]?
    {
        let extents = list(key, node, example: example) {
            integer(key, $0, in: 1...ConfigurationLimits.extent, example: 128)
        }
        if let extents, extents.isEmpty, !mayBeEmpty {
            note(key, at: node.place, "wanted at least one number, such as \(example); found none")
            return nil
        }
        return extents
    }

    private func activation() -> Activation {
        var name = "relu"
        if let node = value("activation") {
            name =
                choice(
                    "activation", "activation", among: ["relu", "leaky_relu", "gelu", "tanh", "identity"], node: node)
                ?? "unknown"
        }
        if name == "leaky_relu" || name == "unknown" {
            var slope: Float = 0.01
            read("slope", into: &slope, .any, example: 0.01)
            return .leakyRelu(slope: slope)
        }
        markInapplicable(["slope"], because: "only leaky_relu has a slope, and the activation is \(name)")
        switch name {
        case "gelu": return .gelu
        case "tanh": return .tanh
        case "identity": return .identity
        default: return .relu
        }
    }
}
