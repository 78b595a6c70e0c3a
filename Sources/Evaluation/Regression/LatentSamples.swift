import CoupletTensors

/// What an evaluation of identifiability sees of N samples: both encodings, and the latent factors behind them. A row a sample.
public struct LatentSamples: Sendable {
    /// A latent factor's values, N × its columns.
    public struct Factor: Sendable {
        public let name: String
        public let values: Matrix

        public init(name: String, values: Matrix) {
            self.name = name
            self.values = values
        }
    }

    /// The same samples with the content of others put in, style and modality-specific latents kept.
    public struct Swapped: Sendable {
        /// Encodings of the swapped views, N × e.
        public let first: Matrix, second: Matrix
        /// The content that was put in, N × its columns.
        public let content: Matrix

        public init(first: Matrix, second: Matrix, content: Matrix) {
            self.first = first
            self.second = second
            self.content = content
        }
    }

    /// N × e.
    public let first: Matrix, second: Matrix
    /// In the source's order.
    public let factors: [Factor]
    /// Nil where there is no content.
    public let swapped: Swapped?

    public init(first: Matrix, second: Matrix, factors: [Factor], swapped: Swapped?) {
        self.first = first
        self.second = second
        self.factors = factors
        self.swapped = swapped
    }

    /// The name of the factor that both views share unchanged.
    public static let contentName = "c"

    public var count: Int { first.rows }
    /// The values of the content; nil where there is none.
    public var content: Matrix? { factors.first { $0.name == Self.contentName }?.values }
}
