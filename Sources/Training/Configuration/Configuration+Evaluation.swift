extension Configuration {
    /// The block `evaluation`.
    public struct Evaluation: Equatable, Sendable {
        /// How many held-out pairs are the gallery; nil: all of a finite source, `endlessPairs` of an endless one.
        public var pairs: Int?

        public init(pairs: Int? = nil) { self.pairs = pairs }

        /// The size of the gallery that an endless source gives where `pairs` is nil.
        public static let endlessPairs = 2_048
    }
}
