import CoupletFiles
import CoupletPairs
import CoupletSchema
import CoupletStorage

/// The encoders of another run that a run begins with, as `initialize` in its config says.
package struct PretrainedEncoders: Sendable {
    /// The other run's checkpoint.
    package let path: String
    package let digest: String
    /// Which encoders are taken.
    package let modalities: [Modality]
    /// Which ones are not, though nobody asked to leave them, and what differs.
    package let leftOut: [(modality: Modality, difference: String)]
    let content: Checkpoint

    /// Reads the newest checkpoint of the other run that verifies, and changes nothing there.
    /// - Parameters:
    ///   - model: of this run.
    ///   - digest: of the very checkpoint that is wanted; nil: the newest.
    /// - Throws: `FileError` where there is no such run or checkpoint; `RunMismatchError` where an encoder is wanted that is another one there.
    package init(
        _ wanted: Configuration.Initialization, for configuration: Configuration, model: Model, digest: String? = nil
    ) throws {
        let folder = RunFolder(path: wanted.from), store = CheckpointStore(folder: folder.checkpoints)
        guard folder.holdsRun else {
            throw FileError(
                .inputOutput, place: "initialize.from", reason: "there is no run in \(folder.path)",
                remedy: "name the folder of one, or train it first")
        }
        guard let (content, path) = try Self.checkpoint(store, digest: digest) else {
            throw FileError(
                .badData, place: "initialize.from", reason: "the run \(folder.path) has no checkpoint that is whole",
                remedy: "a run writes one at its end and each train.checkpoint_every steps")
        }
        let differences = try Modality.allCases.map { modality in
            (modality, try Self.difference(modality, content, path, configuration, model))
        }
        let required = wanted.encoders ?? wanted.freeze
        if let (modality, difference) = differences.first(where: { required.contains($0.0) && $0.1 != nil }) {
            throw RunMismatchError(
                description: """
                    initialize: the \(modality) encoder of \(path) is not this run's: \(difference!). \
                    Give both runs the same encoder, or take another by initialize.encoders
                    """)
        }
        modalities = differences.filter { $0.1 == nil && wanted.encoders?.contains($0.0) != false }.map(\.0)
        leftOut =
            wanted.encoders == nil
            ? differences.compactMap { modality, difference in difference.map { (modality, $0) } } : []
        guard !modalities.isEmpty else {
            let all = leftOut.map { "of the \($0.modality), \($0.difference)" }.joined(separator: "; ")
            throw RunMismatchError(
                description:
                    "initialize: neither encoder of \(path) is this run's: \(all). Give both runs an encoder that is the same"
            )
        }
        self.content = content
        self.path = path
        self.digest = try CheckpointStore.summary(path).digest
    }

    /// Puts them in their places.
    package func load(into model: Model) throws {
        for modality in modalities { try model.load(modality, content, from: path) }
    }

    private static func checkpoint(_ store: CheckpointStore, digest: String?) throws -> (
        content: Checkpoint, path: String
    )? {
        guard let digest else { return try ReplayStart(store, choice: .latest, atMost: .max).checkpoint }
        // A damaged one is none.
        let step = try store.list().first { (try? CheckpointStore.summary(store.path(ofStep: $0)))?.digest == digest }
        guard let step else {
            throw FileError(
                .badData, place: store.folder,
                reason:
                    "the checkpoint that the run began with, of digest \(digest.prefix(12))…, is not there any more",
                remedy: "begin at a later checkpoint of the run itself")
        }
        return try ReplayStart(store, choice: .step(step), atMost: .max).checkpoint
    }

    /// What tells an encoder of the checkpoint from that of this run; nil where they are the same.
    private static func difference(
        _ modality: Modality, _ content: Checkpoint, _ path: String, _ configuration: Configuration, _ model: Model
    ) throws -> String? {
        let theirs = try ConfigurationSettings(yaml: content.configuration, name: path)
        let own = try ConfigurationSettings(yaml: configuration.resolvedYAML, name: "the config")
        let block = "encoders.\(modality.rawValue)."
        let keys = ["encoders.embedding"] + (own.settings + theirs.settings).map(\.key).filter { $0.hasPrefix(block) }
        if let key = keys.first(where: { theirs[$0] != own[$0] }) {
            return "\(key) is \(theirs[key] ?? "absent") there and \(own[key] ?? "absent") here"
        }
        for entry in model.encoder(modality).layout.entries {
            let path = "\(modality.rawValue)/\(entry.path)"
            guard let shape = content.parameter(path)?.shape else { return "it has no \(path)" }
            if shape != entry.shape {
                return "\(path) has the shape \(shape) there and \(entry.shape) here, for their data differ"
            }
        }
        return nil
    }
}
