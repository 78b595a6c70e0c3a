import CoupletPairs
import CoupletSchema
import CoupletStorage

extension Configuration {
    /// The block `initialize`: which encoders start from another run, and which are frozen.
    public struct Initialization: Equatable, Sendable {
        /// Folder of the other run, or a safetensors file (`ParameterFile`).
        public var from: String
        /// The checkpoint of the other run; of `latest`, the newest that verifies.
        public var checkpoint: CheckpointChoice
        /// Encoders to load. Nil: the frozen encoders, and every other encoder that has the same specification in both
        /// runs.
        public var encoders: [Modality]?
        /// Encoders that are not trained. They run forward only, and their parameters keep their bits.
        public var freeze: [Modality]
        /// Whether the temperature and the bias of the loss start from the other run, too, as far as they are learned.
        public var objective: Bool

        public init(
            from: String, checkpoint: CheckpointChoice = .latest, encoders: [Modality]? = nil, freeze: [Modality] = [],
            objective: Bool = false
        ) {
            self.from = from
            self.checkpoint = checkpoint
            self.encoders = encoders
            self.freeze = freeze
            self.objective = objective
        }

        private static let checkpointType = ConfigurationType<CheckpointChoice>(
            "latest, best or a step", example: "best",
            read: { key, node, block in
                if case .scalar(let text, _) = node.content, let choice = CheckpointChoice(text) { return choice }
                block.note(key, at: node.location, "wanted latest, best or a step, such as best; found \(node.found)")
                return nil
            }, write: { .scalar($0.text) })

        static let table = ConfigurationTable(
            Initialization(from: ""),
            [
                .required(
                    "from", \.from, .path(example: "runs/mnist"),
                    "Folder of the run that lends its encoders, or a file of parameters (.safetensors)."),
                .key(
                    "checkpoint", \.checkpoint, checkpointType,
                    "Checkpoint of that run: latest, best (by its train.best), or a step."),
                .key(
                    "encoders", \.encoders,
                    .optional(
                        .choices("encoder", example: "[first]").checked {
                            $0.isEmpty
                                ? "wanted at least one encoder, such as [first]; leave it out to take all that fit"
                                : nil
                        }), "Encoders to load.", defaultText: "all that fit"),
                .key(
                    "freeze", \.freeze, .choices("encoder", example: "[first]"), "Encoders that are not trained."),
                .key(
                    "objective", \.objective, .flag,
                    "Whether the learned temperature and bias of the loss start from that run, too."),
            ],
            complete: { initialization, block in
                if ParameterFile.isPath(initialization.from), initialization.checkpoint != .latest {
                    block.note("checkpoint", "a file of parameters has no checkpoints; leave it out")
                }
                guard let encoders = initialization.encoders,
                    let missing = initialization.freeze.first(where: { !encoders.contains($0) })
                else { return }
                block.note(
                    "freeze",
                    "the \(missing) encoder would be frozen at random parameters, because initialize.encoders does "
                        + "not list it; add it there")
            })
    }

    /// Encoders that are not trained.
    public var frozenEncoders: [Modality] { initialization?.freeze ?? [] }
}
