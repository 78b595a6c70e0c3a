import CoupletFiles
import CoupletPairs
import CoupletSchema
import CoupletStorage

/// Encoders that a new run takes from a checkpoint of another run or from a safetensors file, as the block `initialize`
/// of its config requests.
package struct PretrainedEncoders: Sendable {
    /// Path of the other run's checkpoint, or of the file.
    package let path: String
    /// Digest of that checkpoint, or SHA-256 of the file.
    package let digest: String
    /// The modalities whose encoders the new run takes.
    package let modalities: [Modality]
    /// The encoders that differ from the new run's and are not taken. Empty if the config names encoders, because a
    /// difference is then an error.
    package let skipped: [(modality: Modality, difference: String)]
    /// How the inputs of the other run were scaled otherwise than this run's: "data.standardize is channel there and
    /// none here". Parameters that fit one scale are a poor start on another, but no error.
    package let scalingDifferences: [String]
    /// Which numbers of a file were converted to Float32, one sentence each.
    package let notices: [String]
    let checkpoint: Checkpoint
    /// Values of the learned scalars of the loss by their names, if the config takes them: see `LearnedScalar`.
    let scalars: [String: Double]

    /// Reads the checkpoint of the other run, or the file, that the config names. It changes nothing in that run.
    /// - Parameters:
    ///   - configuration: config of the new run.
    ///   - model: model of the new run.
    ///   - digest: selects a checkpoint by its digest; nil selects the one that the config names.
    /// - Throws: `FileError` if there is no such run or checkpoint; `RunMismatchError` if an encoder that the config
    ///   names differs from the new run's.
    package init(
        _ settings: Configuration.Initialization, for configuration: Configuration, model: Model, digest: String? = nil
    ) throws {
        let (checkpoint, path, file): (Checkpoint, String, ParameterFile?)
        if ParameterFile.isPath(settings.from) {
            let read = try Self.file(settings, digest: digest)
            (checkpoint, path, file) = (read.checkpoint, settings.from, read)
        } else {
            let run = try Self.run(settings, digest: digest)
            (checkpoint, path, file) = (run.content, run.path, nil)
        }
        let differences = try PerModality { try Self.difference($0, checkpoint, path, file, configuration, model) }
        let required = settings.encoders ?? settings.freeze
        for modality in Modality.allCases where required.contains(modality) {
            guard let difference = differences[modality] else { continue }
            throw RunMismatchError(
                description: """
                    initialize: the \(modality) encoder of \(path) is not this run's: \(difference). \
                    Give both runs the same encoder, or choose other encoders by initialize.encoders
                    """)
        }
        modalities = Modality.allCases.filter {
            differences[$0] == nil && settings.encoders?.contains($0) != false
        }
        skipped =
            settings.encoders == nil
            ? Modality.allCases.compactMap { modality in differences[modality].map { (modality, $0) } } : []
        guard !modalities.isEmpty else {
            let differencesText = skipped.map { "for the \($0.modality), \($0.difference)" }.joined(separator: "; ")
            throw RunMismatchError(
                description: """
                    initialize: neither encoder of \(path) is this run's: \(differencesText). Give both runs the \
                    same encoder
                    """)
        }
        if file?.hasConfiguration == false {
            scalingDifferences = []
        } else {
            // Configs of earlier versions have no such keys.
            let there = try ConfigurationSettings(yaml: checkpoint.configuration, name: path)
            let keys = ["data.standardize", "data.scale_pictures"].filter { there[$0] != nil }
            scalingDifferences = try Self.differences(of: keys, checkpoint, path, configuration)
        }
        scalars = settings.objective ? try Self.scalars(checkpoint, path, configuration) : [:]
        notices = file?.notices ?? []
        self.checkpoint = checkpoint
        self.path = path
        self.digest = try file?.digest ?? CheckpointStore.summary(path).digest
    }

    /// The checkpoint of another run.
    private static func run(
        _ settings: Configuration.Initialization, digest: String?
    ) throws -> (content: Checkpoint, path: String) {
        let folder = RunFolder(path: settings.from), store = CheckpointStore(folder: folder.checkpoints)
        guard folder.holdsRun else {
            throw FileError(
                .inputOutput, at: "initialize.from", reason: "there is no run in \(folder.path)",
                remedy: "name the folder of a run, or train it first; a file of parameters ends in "
                    + ParameterFile.pathEnding)
        }
        guard let found = try Self.checkpoint(store, settings.checkpoint, digest: digest) else {
            throw FileError(
                .badData, at: "initialize.from", reason: "the run \(folder.path) has no valid checkpoint",
                remedy: "a run writes one at its end and every train.checkpoint_every steps")
        }
        return found
    }

    /// A safetensors file.
    private static func file(_ settings: Configuration.Initialization, digest: String?) throws -> ParameterFile {
        let file = try ParameterFile(reading: settings.from)
        if let digest, file.digest != digest {
            throw FileError(
                .badData, at: settings.from,
                reason: """
                    it is not the file from which the run took its encoders: its SHA-256 is \
                    \(file.digest.prefix(12))…, and that file's was \(digest.prefix(12))…
                    """,
                remedy: "put the file back, or begin at a later checkpoint of the run itself")
        }
        return file
    }

    /// The learned scalars of the loss, which the checkpoint must have.
    private static func scalars(
        _ checkpoint: Checkpoint, _ path: String, _ configuration: Configuration
    ) throws -> [String: Double] {
        var values: [String: Double] = [:]
        for scalar in LossScalars(configuration.objective, momentCount: 0).learned {
            let name = RunState.path(of: scalar)
            guard let value = checkpoint.parameter(name)?.doubles?.first else {
                throw RunMismatchError(
                    description: """
                        initialize.objective: \(path) has no \(name), because its run did not learn it. Leave \
                        initialize.objective out, or fix the scalar in the config
                        """)
            }
            values[scalar.name] = value
        }
        return values
    }

    /// Sets the parameters of these encoders in a model.
    package func load(into model: Model) throws {
        for modality in modalities { try model.load(modality, checkpoint, from: path) }
    }

    /// The checkpoint of the given choice, or with the given digest. The newest is the newest one that verifies.
    private static func checkpoint(
        _ store: CheckpointStore, _ choice: CheckpointChoice, digest: String?
    ) throws -> (content: Checkpoint, path: String)? {
        guard let digest else {
            if choice == .latest { return try store.newestReadable().checkpoint }
            let step = try store.step(of: choice)
            return (try store.read(step: step), store.path(ofStep: step))
        }
        // A damaged checkpoint is skipped.
        let step = try store.list().first { (try? CheckpointStore.summary(store.path(ofStep: $0)))?.digest == digest }
        guard let step else {
            throw FileError(
                .badData, at: store.folder,
                reason: """
                    the checkpoint from which the run took its encoders, with the digest \(digest.prefix(12))…, \
                    does not exist any more
                    """,
                remedy: "begin at a later checkpoint of the run itself")
        }
        return (try store.read(step: step), store.path(ofStep: step))
    }

    /// The keys that have other values in the checkpoint's config than in this run's.
    private static func differences(
        of keys: [String], _ checkpoint: Checkpoint, _ path: String, _ configuration: Configuration
    ) throws -> [String] {
        let there = try ConfigurationSettings(yaml: checkpoint.configuration, name: path)
        let here = try ConfigurationSettings(yaml: configuration.resolvedYAML, name: "the config")
        return keys.filter { there[$0] != here[$0] }.map {
            "\($0) is \(there[$0] ?? "absent") there and \(here[$0] ?? "absent") here"
        }
    }

    /// The first difference between an encoder in the checkpoint and the same encoder of this run; nil if they are
    /// equal.
    private static func difference(
        _ modality: Modality, _ checkpoint: Checkpoint, _ path: String, _ file: ParameterFile?,
        _ configuration: Configuration, _ model: Model
    ) throws -> String? {
        if file?.names[modality].isEmpty == true { return "the file has no tensor of it" }
        if file?.hasConfiguration != false {
            let settings =
                try ConfigurationSettings(yaml: configuration.resolvedYAML, name: "the config").settings
                + ConfigurationSettings(yaml: checkpoint.configuration, name: path).settings
            let block = "encoders.\(modality.rawValue)."
            let keys = ["encoders.embedding"] + settings.map(\.key).filter { $0.hasPrefix(block) }
            if let difference = try differences(of: keys, checkpoint, path, configuration).first { return difference }
        }
        let encoder = model.encoders[modality]
        let arrays =
            encoder.layout.entries.map { ($0, checkpoint.parameter(RunState.path(modality, $0))) }
            + encoder.statisticsLayout.entries.map { ($0, checkpoint.statistic(RunState.path(modality, $0))) }
        for (entry, array) in arrays {
            let path = RunState.path(modality, entry)
            guard let shape = array?.shape else { return "it has no \(path)" }
            if shape != entry.shape {
                let reason = file?.hasConfiguration == false ? "" : ", because their data differ"
                return "\(path) has the shape \(shape) there and \(entry.shape) here\(reason)"
            }
        }
        if let unknown = file?.unknownArray(of: modality, encoder) { return "it has \(unknown), which is of no layer" }
        if let here = model.preparations[modality],
            let there = try RunState.preparations(in: checkpoint, from: path)[modality], !here.givesSameRows(as: there)
        {
            return here.summary == there.summary
                ? "its samples are \(there.summary) there and here, with another vocabulary or other rules"
                : "its samples are \(there.summary) there and \(here.summary) here"
        }
        if let table = model.labelTables[modality] {
            // Without a table in the checkpoint, labels are row numbers.
            let stored = checkpoint.labels.first { $0.modality == modality.rawValue }?.labels
            // A file of another program does not say which labels its rows are of.
            if file?.hasConfiguration == false, stored == nil { return nil }
            let other = stored.flatMap(LabelTable.init(stored:)) ?? LabelTable(upTo: table.count)
            if other != table {
                return "its vectors are of the labels \(other.summary) there and \(table.summary) here"
            }
        }
        return nil
    }
}

extension CheckpointStore {
    /// The newest checkpoint of at most `last` steps that verifies. Unlike `newestVerified`, it leaves damaged
    /// checkpoints where they are.
    /// - Returns: the checkpoint, nil if none verifies; and the errors of newer ones that do not verify.
    package func newestReadable(
        atMost last: Int = .max
    ) throws -> (checkpoint: (content: Checkpoint, path: String)?, skipped: [String]) {
        var skipped: [String] = []
        for step in try list().reversed() where step <= last {
            do {
                return ((try read(step: step), path(ofStep: step)), skipped)
            } catch let error as FileError where error.kind == .badData {
                skipped.append(error.description)
            }
        }
        return (nil, skipped)
    }

    /// Reads the checkpoint of a step.
    /// - Throws: `FileError` as `read(_:)`, and if the checkpoint is not of the step in its name.
    package func read(step: Int) throws -> Checkpoint {
        let path = path(ofStep: step), checkpoint = try read(path)
        guard checkpoint.step == step else {
            throw FileError(.badData, at: path, reason: "is of step \(checkpoint.step), not of the step in its name")
        }
        return checkpoint
    }
}
