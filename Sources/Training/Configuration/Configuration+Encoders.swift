import CoupletNetworks
import CoupletSchema

extension Configuration {
    /// The block `encoders`.
    public struct Encoders: Equatable, Sendable {
        /// e: dimension of the embeddings of both encoders.
        public var embedding: Int
        /// Factor on the initial weights of the last layer of both encoders. The joint loss has heavy tails; a small
        /// factor keeps its first gradients small (Baptista, Stuart, Tran 2025).
        public var initialScale: Float
        public var first: EncoderSpecification
        public var second: EncoderSpecification
        /// Whether one encoder, with one set of parameters, serves both modalities. Then `second` equals `first`.
        public var shared: Bool

        public init(
            embedding: Int, initialScale: Float = 1, first: EncoderSpecification, second: EncoderSpecification,
            shared: Bool = false
        ) {
            precondition(!shared || first == second, "a shared encoder with two specifications: \(first) and \(second)")
            self.shared = shared
            self.embedding = embedding
            self.initialScale = initialScale
            self.first = first
            self.second = second
        }

        /// Nil after a problem that prevents a value.
        init?(reading block: ConfigurationBlock) {
            defer { block.finish() }
            var embedding = 0
            if block.required("embedding", example: "64") != nil {
                block.read("embedding", into: &embedding, in: 1...ConfigurationLimits.extent, example: 64)
            }
            func encoder(_ key: String) -> EncoderSpecification? {
                block.block(key, required: true, example: "{kind: mlp, widths: [150, 750], activation: relu}")
                    .flatMap { EncoderSpecification(reading: $0) }
            }
            let first = encoder("first")
            var shared = false
            block.read("shared", into: &shared)
            if shared {
                block.markInapplicable(
                    ["second"], because: "with shared: true the first encoder serves both modalities")
            }
            let second = shared ? first : encoder("second")
            self.init(embedding: embedding, first: first ?? .labels, second: second ?? .labels, shared: shared)
            block.read("initial_scale", into: &initialScale, .positive, example: 0.1)
            guard embedding > 0, first != nil, second != nil else { return nil }
        }

        var entries: [YAMLValue.Entry] {
            [
                ("embedding", .integer(embedding)), ("initial_scale", .number(initialScale)), ("shared", .flag(shared)),
                ("first", .flow(first.entries)),
            ] + (shared ? [] : [("second", .flow(second.entries))])
        }
    }
}

/// Reading and writing of one encoder. The key `kind` determines which other keys apply.
extension EncoderSpecification {
    /// The encoders by their names in a config, with their keys.
    private enum Kind: String, CaseIterable {
        case linear, mlp, cnn, labels

        var keys: [String] {
            switch self {
            case .linear: ["bias"]
            case .mlp: ["widths", "activation", "slope", "bias"]
            case .cnn: ["channels", "hidden"]
            case .labels: []
            }
        }
    }

    /// Nil after a problem that prevents a value.
    fileprivate init?(reading block: ConfigurationBlock) {
        defer { block.finish() }
        guard let node = block.required("kind", example: "linear"),
            let kind = block.choice("kind", "encoder", among: Kind.allCases.map(\.rawValue), node: node).flatMap(
                Kind.init)
        else {
            // Without a known kind, the keys of all kinds are accepted.
            for key in Kind.allCases.flatMap(\.keys) { _ = block.value(key) }
            return nil
        }
        for other in Kind.allCases where other != kind {
            block.markInapplicable(other.keys, because: "an encoder of kind \(kind.rawValue) does not have it")
        }
        var bias = true
        switch kind {
        case .linear:
            block.read("bias", into: &bias)
            self = .linear(bias: bias)
        case .mlp:
            let widths = Self.sizes(
                "widths", block.required("widths", example: "[150, 750]"), block, example: "[150, 750]")
            let activation = Activation(reading: block)
            block.read("bias", into: &bias)
            guard let widths else { return nil }
            self = .multilayerPerceptron(widths: widths, activation: activation, bias: bias)
        case .cnn:
            let channels = Self.sizes(
                "channels", block.required("channels", example: "[32, 64]"), block, example: "[32, 64]")
            var hidden: [Int]? = []
            if let node = block.value("hidden"), !node.isNull {
                hidden = Self.sizes("hidden", node, block, example: "[128]", mayBeEmpty: true)
            }
            guard let channels, let hidden else { return nil }
            self = .convolutional(channels: channels, hidden: hidden)
        case .labels: self = .labels
        }
    }

    private static func sizes(
        _ key: String, _ node: ConfigurationNode?, _ block: ConfigurationBlock, example: String,
        mayBeEmpty: Bool = false
    ) -> [Int]? {
        guard let node else { return nil }
        let sizes = block.list(key, node, example: example) {
            block.integer(key, $0, in: 1...ConfigurationLimits.extent, example: 128)
        }
        if let sizes, sizes.isEmpty, !mayBeEmpty {
            block.note(key, at: node.location, "wanted at least one number, such as \(example); found none")
            return nil
        }
        return sizes
    }

    fileprivate var entries: [YAMLValue.Entry] {
        switch self {
        case .linear(let bias): [("kind", .name(Kind.linear)), ("bias", .flag(bias))]
        case .multilayerPerceptron(let widths, let activation, let bias):
            [("kind", .name(Kind.mlp)), ("widths", .integers(widths))] + activation.entries + [("bias", .flag(bias))]
        case .convolutional(let channels, let hidden):
            [("kind", .name(Kind.cnn)), ("channels", .integers(channels)), ("hidden", .integers(hidden))]
        case .labels: [("kind", .name(Kind.labels))]
        }
    }
}

extension Activation {
    private enum Name: String, CaseIterable {
        case relu
        case leakyRelu = "leaky_relu"
        case gelu, tanh, identity
    }

    /// relu if the block has no key `activation`.
    fileprivate init(reading block: ConfigurationBlock) {
        var name: Name? = .relu
        if let node = block.value("activation") {
            name = block.choice("activation", "activation", among: Name.allCases.map(\.rawValue), node: node)
                .flatMap(Name.init)
        }
        switch name {
        case .leakyRelu, nil:
            // After an unknown name, the key slope is accepted.
            var slope: Float = 0.01
            block.read("slope", into: &slope, .any, example: 0.01)
            self = .leakyRelu(slope: slope)
            return
        case .relu: self = .relu
        case .gelu: self = .gelu
        case .tanh: self = .tanh
        case .identity: self = .identity
        }
        block.markInapplicable(
            ["slope"], because: "only leaky_relu has a slope, and the activation is \(name?.rawValue ?? "")")
    }

    fileprivate var entries: [YAMLValue.Entry] {
        let name: Name, slope: [YAMLValue.Entry]
        switch self {
        case .identity: (name, slope) = (.identity, [])
        case .relu: (name, slope) = (.relu, [])
        case .leakyRelu(let value): (name, slope) = (.leakyRelu, [("slope", .number(value))])
        case .gelu: (name, slope) = (.gelu, [])
        case .tanh: (name, slope) = (.tanh, [])
        }
        return [("activation", .name(name))] + slope
    }
}
