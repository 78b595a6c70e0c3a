import CoupletCommunication
import CoupletFiles
import CoupletPairs
import CoupletSchema
import CoupletStorage

/// What a process prepares before its workers start: the run's config, data, model and folder.
struct RunSetup: Sendable {
    let configuration: Configuration
    let source: any PairSource
    let model: Model
    let folder: RunFolder
    /// Number of workers of this process.
    let threads: Int
    /// Time at which this process started the run.
    let started: ContinuousClock.Instant
    /// Digest of the source's data; nil if the source has none.
    let dataDigest: String?
    /// Number of steps of an epoch; nil for an endless source.
    let stepsPerEpoch: Int?
    /// The lock of the folder, held until the run ends. Process 0 only.
    let lock: FolderLock?
    /// The checkpoint from which the run resumes. Process 0 only.
    let restored: (content: Checkpoint, path: String)?
    /// The encoders that a new run takes from another run. Process 0 only.
    let pretrained: PretrainedEncoders?
    /// Checkpoints that failed verification and were renamed.
    let damagedCheckpoints: [CheckpointStore.DamagedCheckpoint]

    /// Makes the model. Every process calls it; process 0 also prepares the folder.
    /// - Parameter registry: the kinds that the config of another run may name.
    /// - Throws: `FileError` or `RunMismatchError`.
    init(
        _ inputs: RunInputs, registry: Registry, group: WorkerGroup, started: ContinuousClock.Instant
    ) throws {
        let folder = inputs.folder, configuration = inputs.configuration, existing = inputs.existing
        let model = Model(inputs.encoders, configuration)
        var lock: FolderLock?, pretrained: PretrainedEncoders?, restored: (content: Checkpoint, path: String)?
        var damagedCheckpoints: [CheckpointStore.DamagedCheckpoint] = []
        if group.processRank == 0 {
            try configuration.requireBestMetric(model, source: inputs.source)
            if existing == .resume { try CheckpointStore(folder: folder.checkpoints).requireResumable() }
            // If a new run cannot start, it throws here, before an existing run is removed.
            if existing != .resume {
                pretrained = try Self.pretrainedEncoders(configuration, model, folder, inputs.source, registry)
            }
            lock = try folder.lock(existing)
            try folder.prepare(existing)
            let store = CheckpointStore(folder: folder.checkpoints)
            _ = try store.removeAbandonedFiles()
            if existing == .resume { (restored, damagedCheckpoints) = try store.newestVerified() }
            try Self.checkData(inputs, of: restored)
            if existing == .resume, restored == nil {
                pretrained = try Self.pretrainedEncoders(configuration, model, folder, inputs.source, registry)
            }
            try folder.store(configuration)
        }
        self.configuration = configuration
        source = inputs.source
        self.model = model
        self.folder = folder
        threads = inputs.threads
        self.started = started
        dataDigest = inputs.dataDigest
        stepsPerEpoch = inputs.stepsPerEpoch
        self.lock = lock
        self.restored = restored
        self.pretrained = pretrained
        self.damagedCheckpoints = damagedCheckpoints
    }

    /// The encoders that a new run takes from another run; nil if its config has no block `initialize`.
    private static func pretrainedEncoders(
        _ configuration: Configuration, _ model: Model, _ folder: RunFolder, _ source: any PairSource,
        _ registry: Registry
    ) throws -> PretrainedEncoders? {
        guard let settings = configuration.initialization else { return nil }
        guard RunFolder(path: settings.from) != folder else {
            throw RunMismatchError(
                description: """
                    initialize.from: \(folder.path) is this run's own folder. Name another run, or give another folder \
                    by --output
                    """)
        }
        let pretrained = try PretrainedEncoders(settings, for: configuration, model: model)
        try pretrained.requireNoLeak(into: source, registry: registry)
        return pretrained
    }

    /// Checks that the data are those of the checkpoint. A checkpoint or a source without a digest is not checked; then
    /// the path of the data must be the same.
    private static func checkData(
        _ inputs: RunInputs, of restored: (content: Checkpoint, path: String)?
    ) throws {
        if let restored {
            let stored = try RunState.preparations(in: restored.content, from: restored.path)
            for modality in Modality.allCases {
                if let was = stored[modality], let now = inputs.source.preparation(of: modality),
                    !was.givesSameRows(as: now)
                {
                    throw RunMismatchError.otherPreparation(restored.path, modality, was: was, now: now)
                }
            }
        }
        let saved = restored.flatMap { RunState.dataDigest(in: $0.content.scalars) }
        if let restored, let saved, let digest = inputs.dataDigest,
            try inputs.source.hasData(ofDigest: saved) == false
        {
            throw RunMismatchError.otherData(restored.path, was: saved, now: digest)
        }
        if saved == nil, !inputs.movedData.isEmpty {
            throw restored.map { RunMismatchError.unknownData($0.path, moved: inputs.movedData) }
                ?? RunMismatchError.cannotResume(inputs.folder.path, differences: inputs.movedData)
        }
    }
}
