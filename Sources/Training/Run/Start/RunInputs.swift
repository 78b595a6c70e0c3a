import CoupletCommunication
import CoupletFiles
import CoupletPairs
import CoupletSchema
import CoupletTensors

/// What a process reads and checks before it touches the run's folder: config, number of workers, data, memory.
/// `RunAgreement` compares it between the processes.
struct RunInputs: Sendable {
    let folder: RunFolder
    let existing: RunFolder.ExistingRun
    let profile: TrainingOptions.Profile?
    let configuration: Configuration
    let source: any PairSource
    /// The encoders without their parameters.
    let encoders: ModelEncoders
    /// Number of workers of this process.
    let threads: Int
    /// Digest of the source's data; nil if the source has none.
    let dataDigest: String?
    /// The keys of `Configuration.dataPathKeys` whose values differ from those of the resumed run, each with both. The
    /// data must then have the digest of the run's checkpoint.
    let movedData: [String]
    let memory: ProcessMemoryNeed
    /// Number of steps of an epoch; nil for an endless source.
    let stepsPerEpoch: Int?

    /// - Parameters:
    ///   - loaded: the config as the user gave it.
    ///   - source: replaces the source that the config names; nil makes the source of the config.
    /// - Throws: `ConfigurationError`, `DataError`, `FileError`, `NetworkError`, `WorkerCountError`,
    ///   `InstructionSetError`, `RunMismatchError`, `MemoryShortageError`, or `LinearAlgebraError` if kernel ridge
    ///   regression has no memory.
    init(
        _ loaded: Configuration, source: (any PairSource)?, options: TrainingOptions, registry: Registry,
        group: WorkerGroup
    ) throws {
        try InstructionSet.requireValidRequest()
        if let profile = options.profile, group.processRank == 0 { try StepProfile.requireWritable(profile.path) }
        let folder = RunFolder(path: options.output, name: loaded.name)
        let (given, movedData) = try Self.configuration(loaded, options, folder, registry)
        let batch = given.batch
        let workers = try WorkerCount(
            wanted: options.threads, group: group, shards: batch.shards, batchSize: batch.size)
        AddressSpace.shareHeap()
        let opened = try source.map { try given.withLabels($0) } ?? given.makeSource()
        let sampler = try Sampler(given, source: opened), configuration = try given.resolvingEpochs(sampler)
        stepsPerEpoch = sampler.stepsPerEpoch
        // Its evaluation must not fail after the training.
        if MemoryEstimate.fitsKernels(configuration, source: opened) {
            try OpenBLAS.reserveMemory(threads: workers.threads)
        }
        encoders = try ModelEncoders(configuration, source: opened)
        let source = encoders.checkingTokens(of: opened)
        let estimate = MemoryEstimate(
            configuration, model: encoders, source: source, workers: workers.threads * group.processCount,
            threads: workers.threads, saves: group.processRank == 0)
        memory = ProcessMemoryNeed(estimate, taken: MemoryEstimate.taken(source))
        try memory.check()
        try (source as? TokenSource)?.checkAll()
        dataDigest = try source.dataDigest()
        if dataDigest == nil, !movedData.isEmpty {
            throw RunMismatchError.cannotResume(folder.path, differences: movedData)
        }
        self.folder = folder
        existing = options.existing
        profile = options.profile
        self.configuration = configuration
        self.source = source
        threads = workers.threads
        self.movedData = movedData
    }

    /// The config of the run, with `optimizer.schedule_steps` and `data.validation` filled in. A resumed run takes a
    /// missing value from its stored config.
    /// - Throws: `RunMismatchError` if a resumed run has other values of keys that may not change.
    private static func configuration(
        _ loaded: Configuration, _ options: TrainingOptions, _ folder: RunFolder, _ registry: Registry
    ) throws -> (Configuration, movedData: [String]) {
        guard options.existing == .resume, folder.holdsRun else {
            return (try loaded.resolvingScheduleSteps().resolvingValidation(), [])
        }
        let stored = try folder.storedConfiguration(registry: registry)
        let differences = loaded.differences(from: stored)
        guard loaded.differences(from: stored, ignoring: Configuration.dataPathKeys).isEmpty else {
            throw RunMismatchError.cannotResume(folder.path, differences: differences)
        }
        return (
            loaded.inheritingScheduleSteps(from: stored).inheritingRules(from: stored).resolvingScheduleSteps(),
            differences
        )
    }
}
