import CoupletPairs

extension Configuration {
    /// The block `initialize`: encoders that start from those of another run, and which of them stay as they are.
    public struct Initialization: Equatable, Sendable {
        /// The folder of the other run, of which the newest checkpoint counts.
        public var from: String
        /// Which encoders are taken; nil: the frozen ones, and others that are the same in both runs.
        public var encoders: [Modality]?
        /// Which encoders are not trained: they cost a forward pass and keep their bits.
        public var freeze: [Modality]

        public init(from: String, encoders: [Modality]? = nil, freeze: [Modality] = []) {
            self.from = from
            self.encoders = encoders
            self.freeze = freeze
        }
    }

    /// The encoders that are not trained.
    public var frozenEncoders: [Modality] { initialization?.freeze ?? [] }
}
