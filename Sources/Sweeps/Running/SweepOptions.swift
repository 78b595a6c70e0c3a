import CoupletTraining

/// What a start of `couplet sweep` adds to its file. None of it changes a result.
public struct SweepOptions: Sendable {
    /// The sweep's folder.
    public var output: String
    public var existing: RunFolder.ExistingRun
    /// Whether trials that failed before are worked on again when a sweep goes on.
    public var retriesFailed: Bool
    /// Threads of this process, shared by its lanes; nil: as many as the cores it may run on, one trial's under mpirun.
    public var threads: Int?
    public var progress: ProgressDisplay.Mode
    /// How long ranks wait for each other before the job is ended; nil: for ever.
    public var timeout: Duration?

    public init(
        output: String, existing: RunFolder.ExistingRun = .refuse, retriesFailed: Bool = false, threads: Int? = nil,
        progress: ProgressDisplay.Mode = .auto, timeout: Duration? = .seconds(600)
    ) {
        self.output = output
        self.existing = existing
        self.retriesFailed = retriesFailed
        self.threads = threads
        self.progress = progress
        self.timeout = timeout
    }
}
