import CoupletNetworks
import CoupletSchema

extension Configuration {
    /// The block `encoders`.
    public struct Encoders: Equatable, Sendable {
        /// e: dimension of the embeddings of both encoders.
        public var embedding: Int
        /// Factor on the initial weights and biases of the last layer of both encoders. The joint loss has heavy tails;
        /// a small factor keeps its first gradients small (Baptista, Stuart, Tran 2025).
        public var initialScale: Float
        /// The distribution of the initial weights of both encoders. An encoder may have one of its own.
        public var initialization: WeightInitialization
        public var first: EncoderSpecification
        public var second: EncoderSpecification
        /// Whether one encoder, with one set of parameters, serves both modalities. Then `second` equals `first`.
        public var shared: Bool

        public init(
            embedding: Int, initialScale: Float = 1, initialization: WeightInitialization = WeightInitialization(),
            first: EncoderSpecification, second: EncoderSpecification, shared: Bool = false
        ) {
            precondition(!shared || first == second, "a shared encoder with two specifications: \(first) and \(second)")
            self.shared = shared
            self.embedding = embedding
            self.initialScale = initialScale
            self.initialization = initialization
            self.first = first
            self.second = second
        }

        static let table = ConfigurationTable(
            Encoders(embedding: 1, first: .labels, second: .labels),
            [
                .required(
                    "embedding", \.embedding, .integer(1...ConfigurationLimits.extent, example: 64),
                    "Dimension of the embeddings of both encoders."),
                .key(
                    "initial_scale", \.initialScale, .number(.positive, example: 0.1),
                    "Factor on the initial weights and biases of the last layer of both encoders."),
                .key(
                    "initialization", \.initialization,
                    .block(WeightInitialization.table, example: "{law: he_uniform}", isInline: true),
                    "Initial weights and biases of both encoders."),
                .key("shared", \.shared, .flag, "Whether one encoder serves both modalities."),
                .required("first", \.first, encoder, "Encoder of the first modality."),
                .required(
                    "second", \.second, encoder, "Encoder of the second modality.",
                    .when("shared", { !$0.shared }) { _ in
                        "with shared: true the first encoder serves both modalities"
                    }),
            ],
            complete: { encoders, _ in
                if encoders.shared { encoders.second = encoders.first }
            })

        private static let encoder = ConfigurationType.block(
            EncoderSpecification.table, example: "{kind: mlp, widths: [150, 750], activation: relu}", isInline: true)
    }
}
