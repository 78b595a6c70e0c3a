import CoupletCommunication
import CoupletPairs
import CoupletSchema

/// The options of `couplet train` that are not in the config: the folder of the run, the number of threads, the
/// progress display. They do not change the parameters that training finds.
public struct TrainingOptions: Sendable {
    /// Path of the run's folder; nil selects `runs/NAME`.
    public var output: String?
    public var existing: RunFolder.ExistingRun
    /// Number of workers of this process; nil chooses 1 under mpirun, otherwise as many as can work within the CPU
    /// affinity mask and the shards.
    public var threads: Int?
    public var progress: ProgressDisplay.Mode
    /// Whether warnings appear on standard error if `progress` is `none`. A sweep has a display of its own.
    package var showsWarnings = true
    /// Maximum time that a worker waits for another. After that the job ends with an error that names the missing
    /// workers. Nil: no limit.
    public var timeout: Duration?
    /// Where the time of some steps goes is written to a file; nil: it is not measured.
    public var profile: Profile?

    /// The file of a profile, and the number of steps in it.
    public struct Profile: Equatable, Sendable {
        public var path: String
        public var steps: Int

        /// Without a choice of the user.
        public static let usualSteps = 20

        public init(path: String, steps: Int = usualSteps) { (self.path, self.steps) = (path, steps) }
    }

    public init(
        output: String? = nil, existing: RunFolder.ExistingRun = .refuse, threads: Int? = nil,
        progress: ProgressDisplay.Mode = .auto, timeout: Duration? = .seconds(600), profile: Profile? = nil
    ) {
        self.output = output
        self.existing = existing
        self.threads = threads
        self.progress = progress
        self.timeout = timeout
        self.profile = profile
    }
}

/// How a start of a run ended.
public enum TrainingOutcome: Equatable, Sendable {
    /// After the last step of the config.
    case done(step: Int)
    /// By a signal or `train.stop_after`, with a checkpoint. The same command with `--resume` continues the run.
    case stopped(step: Int)
}

/// Trains the model of a config: sets up the run, resumes from a checkpoint if asked, then runs steps, checkpoints and
/// evaluations.
///
///     try Trainer(options: TrainingOptions()).run { try Configuration.load(path: "config.yaml") }
///
/// Every process makes one trainer. All workers run the same program (`TrainingLoop`). Only worker 0 writes files.
public struct Trainer: Sendable {
    private let group: WorkerGroup
    private let options: TrainingOptions
    /// The kinds that the config of a resumed run may name.
    private let registry: Registry
    private let signals: StopSignals
    /// Whether this trainer launched the group and must finalize it.
    private let ownsGroup: Bool

    /// Makes a trainer that uses all processes that a launcher started. Call it before MPI is initialised, because it
    /// installs the handler of the signals that request a stop.
    /// - Parameter registry: the kinds that the config may name. Give the same to `Configuration.load`.
    public init(options: TrainingOptions, registry: Registry = .builtIn) throws {
        signals = StopSignals()
        group = try WorkerGroup.launch(timeout: options.timeout, exitCode: ExitStatus.code)
        ownsGroup = true
        self.options = options
        self.registry = registry
    }

    /// Makes a trainer that uses an existing group, such as the group of a sweep. The group remains usable after the
    /// run.
    package init(options: TrainingOptions, registry: Registry, group: WorkerGroup, signals: StopSignals) {
        self.signals = signals
        self.group = group
        ownsGroup = false
        self.options = options
        self.registry = registry
    }

    /// Trains until the last step or a request to stop. Every process calls it.
    /// - Parameters:
    ///   - source: replaces the source of pairs that the config names (`SourceSpecification.program`).
    ///   - load: reads the config. Every process calls it; if it throws, the error is reported once.
    /// - Returns: the same outcome on every process.
    /// - Throws: on every process, any error of config, data, folder or workers.
    @discardableResult
    public func run(source: (any PairSource)? = nil, _ load: () throws -> Configuration) throws -> TrainingOutcome {
        let started = ContinuousClock.now
        var read: RunInputs?, prepared: RunSetup?
        try group.agree(
            Result {
                let configuration = try load()
                read = try configuration.locatingErrors {
                    try RunInputs(configuration, source: source, options: options, registry: registry, group: group)
                }
            }
        )
        let inputs = read!
        try RunAgreement(inputs).check(group)
        try group.agree(
            Result {
                prepared = try inputs.configuration.locatingErrors {
                    try RunSetup(inputs, registry: registry, group: group, started: started)
                }
            })
        let setup = prepared!
        // The lock of the folder must last as long as the run.
        let outcome = try withExtendedLifetime(setup.lock) {
            try group.run(threads: setup.threads) { communicator in
                try TrainingLoop(setup, options: options, signals: signals, communicator: communicator).run()
            }
        }
        if ownsGroup { try group.finalize() }
        return outcome
    }
}
