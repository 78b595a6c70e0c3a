import CoupletPairs
import CoupletSchema

extension Configuration {
    /// The block `initialize`: which encoders start from another run, and which are frozen.
    public struct Initialization: Equatable, Sendable {
        /// Folder of the other run; its newest checkpoint is used.
        public var from: String
        /// Encoders to load. Nil: the frozen encoders, and every other encoder that has the same specification in both
        /// runs.
        public var encoders: [Modality]?
        /// Encoders that are not trained. They run forward only, and their parameters keep their bits.
        public var freeze: [Modality]

        public init(from: String, encoders: [Modality]? = nil, freeze: [Modality] = []) {
            self.from = from
            self.encoders = encoders
            self.freeze = freeze
        }

        /// Nil after a problem with `from`.
        init?(reading block: ConfigurationBlock) {
            defer { block.finish() }
            let from = block.required("from", example: "runs/mnist").flatMap {
                block.text("from", $0, example: "runs/mnist")
            }
            var encoders: [Modality]?, freeze: [Modality] = []
            if let node = block.value("encoders"), !node.isNull {
                encoders = block.names("encoders", node, kind: "encoder", example: "[first]")
                if let encoders, encoders.isEmpty {
                    block.note(
                        "encoders", at: node.location,
                        "wanted at least one encoder, such as [first]; leave it out to take all that fit")
                }
            }
            if let node = block.value("freeze"), !node.isNull {
                freeze = block.names("freeze", node, kind: "encoder", example: "[first]") ?? []
            }
            if let encoders, let missing = freeze.first(where: { !encoders.contains($0) }) {
                block.note(
                    "freeze",
                    "the \(missing) encoder would be frozen at random parameters, because initialize.encoders does "
                        + "not list it; add it there")
            }
            guard let from else { return nil }
            self.init(from: from, encoders: encoders, freeze: freeze)
        }

        var entries: [YAMLValue.Entry] {
            [
                ("from", .text(from)), ("encoders", .optional(encoders, YAMLValue.names)), ("freeze", .names(freeze)),
            ]
        }
    }

    /// Encoders that are not trained.
    public var frozenEncoders: [Modality] { initialization?.freeze ?? [] }
}
