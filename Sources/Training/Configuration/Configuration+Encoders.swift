import CoupletNetworks

extension Configuration {
    /// The block `encoders`.
    public struct Encoders: Equatable, Sendable {
        /// e: how many numbers both encoders give for a sample.
        public var embedding: Int
        /// The factor on the initial weights of both last layers. A small one keeps the first gradients of a loss with heavy tails small
        /// (Baptista, Stuart, Tran 2025: the joint loss).
        public var initialScale: Float
        public var first: EncoderSpecification
        public var second: EncoderSpecification
        /// Whether there is one encoder, with one set of parameters, for both modalities: `second` is then the same as `first`.
        public var shared: Bool

        public init(
            embedding: Int, initialScale: Float = 1, first: EncoderSpecification, second: EncoderSpecification,
            shared: Bool = false
        ) {
            precondition(!shared || first == second, "a shared encoder is one")
            self.shared = shared
            self.embedding = embedding
            self.initialScale = initialScale
            self.first = first
            self.second = second
        }
    }
}
