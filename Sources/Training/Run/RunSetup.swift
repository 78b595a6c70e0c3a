import CoupletCommunication
import CoupletFiles
import CoupletPairs
import CoupletSchema
import CoupletStorage

/// What a process prepares and checks before its workers start: the run's config, data, model and folder.
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
    /// The lock of the folder, held until the run ends. Process 0 only.
    let lock: FolderLock?
    /// The checkpoint from which the run resumes. Process 0 only.
    let restored: (content: Checkpoint, path: String)?
    /// The encoders that a new run takes from another run. Process 0 only.
    let pretrained: PretrainedEncoders?
    /// Checkpoints that failed verification and were renamed.
    let damagedCheckpoints: [CheckpointStore.DamagedCheckpoint]

    /// Reads and checks everything that the run needs. Every process calls it; process 0 also prepares the folder.
    /// - Parameters:
    ///   - loaded: the config as the user gave it.
    ///   - source: replaces the source that the config names; nil makes the source of the config.
    /// - Throws: `ConfigurationError`, `DataError`, `FileError`, `NetworkError`, `WorkerCountError` or
    ///   `RunMismatchError`.
    init(
        _ loaded: Configuration, source: (any PairSource)?, options: TrainingOptions, registry: Registry,
        group: WorkerGroup,
        started: ContinuousClock.Instant
    ) throws {
        let folder = RunFolder(path: options.output, name: loaded.name)
        let configuration = try Self.configuration(loaded, options, folder, registry)
        let workers = try WorkerCount(wanted: options.threads, group: group, shards: configuration.batch.shards)
        let source = try source ?? configuration.source.makeSource(seed: configuration.seed)
        _ = try Sampler(
            batchSize: configuration.batch.size, sampleCount: source.count(of: .training), seed: configuration.seed)
        let model = try Model(configuration, source: source)
        let dataDigest = try source.dataDigest()

        var lock: FolderLock?, pretrained: PretrainedEncoders?, restored: (content: Checkpoint, path: String)?
        var damagedCheckpoints: [CheckpointStore.DamagedCheckpoint] = []
        if group.processRank == 0 {
            // If a new run cannot start, it throws here, before an existing run is removed.
            if options.existing != .resume { pretrained = try Self.pretrainedEncoders(configuration, model, folder) }
            lock = try folder.lock(options.existing)
            try folder.prepare(options.existing)
            let store = CheckpointStore(folder: folder.checkpoints)
            _ = try store.removeAbandonedFiles()
            if options.existing == .resume { (restored, damagedCheckpoints) = try store.newestVerified() }
            if let restored {
                try Self.checkData(dataDigest, of: restored)
            } else if options.existing == .resume {
                pretrained = try Self.pretrainedEncoders(configuration, model, folder)
            }
            try folder.store(configuration)
        }
        self.configuration = configuration
        self.source = source
        self.model = model
        self.folder = folder
        threads = workers.threads
        self.started = started
        self.dataDigest = dataDigest
        self.lock = lock
        self.restored = restored
        self.pretrained = pretrained
        self.damagedCheckpoints = damagedCheckpoints
    }

    /// The config of the run, with `optimizer.schedule_steps` filled in. A resumed run takes a missing value from its
    /// stored config.
    /// - Throws: `RunMismatchError` if a resumed run has other values of keys that may not change.
    private static func configuration(
        _ loaded: Configuration, _ options: TrainingOptions, _ folder: RunFolder, _ registry: Registry
    ) throws -> Configuration {
        guard options.existing == .resume, folder.holdsRun else { return loaded.resolvingScheduleSteps() }
        let stored = try folder.storedConfiguration(registry: registry)
        let differences = loaded.differences(from: stored)
        if !differences.isEmpty { throw RunMismatchError.cannotResume(folder.path, differences: differences) }
        return loaded.inheritingScheduleSteps(from: stored).resolvingScheduleSteps()
    }

    /// The encoders that a new run takes from another run; nil if its config has no block `initialize`.
    private static func pretrainedEncoders(
        _ configuration: Configuration, _ model: Model, _ folder: RunFolder
    ) throws -> PretrainedEncoders? {
        guard let settings = configuration.initialization else { return nil }
        guard RunFolder(path: settings.from) != folder else {
            throw RunMismatchError(
                description: """
                    initialize.from: \(folder.path) is this run's own folder. Name another run, or give another folder \
                    by --output
                    """)
        }
        return try PretrainedEncoders(settings, for: configuration, model: model)
    }

    /// Checks that the data are those of the checkpoint. A checkpoint or a source without a digest is not checked.
    private static func checkData(_ digest: String?, of restored: (content: Checkpoint, path: String)) throws {
        guard let digest, let saved = RunState.dataDigest(in: restored.content.scalars), saved != digest else {
            return
        }
        throw RunMismatchError.otherData(restored.path, was: saved, now: digest)
    }

    /// Checks that all workers have read the same config and the same data. Every worker calls it.
    /// - Throws: `RunMismatchError` on all workers if one of them differs from worker 0.
    func checkAgreement(_ communicator: any Communicator) throws {
        func ranksUnlikeRank0(_ text: String) throws -> [Int] {
            let all = try communicator.allGather(bytes: Array(text.utf8))
            return all.indices.filter { all[$0] != all[0] }
        }
        let otherConfigs = try ranksUnlikeRank0(Version.program + "\n" + configuration.resolvedYAML)
        if !otherConfigs.isEmpty { throw RunMismatchError.ranksDiffer(otherConfigs) }
        let otherData = try ranksUnlikeRank0(dataDigest ?? "")
        if !otherData.isEmpty { throw RunMismatchError.dataDiffer(otherData) }
    }
}
