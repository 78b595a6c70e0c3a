import Foundation

/// What a start of `couplet train` adds to its config: where the run lies, on how many threads it runs, how it tells its progress. None of it changes a
/// parameter.
public struct TrainingOptions: Sendable {
    /// The run's folder; `runs/NAME` where nil.
    public var output: String?
    public var existing: RunFolder.ExistingRun
    /// Workers of this process; nil: one under mpirun, else the largest power of two within the CPU affinity mask and the shards.
    public var threads: Int?
    public var progress: ProgressDisplay.Mode
    /// How long a worker may wait for others before the job is ended and the missing ones are named; nil: for ever.
    public var timeout: Duration?

    public init(
        output: String? = nil, existing: RunFolder.ExistingRun = .refuse, threads: Int? = nil,
        progress: ProgressDisplay.Mode = .auto,
        timeout: Duration? = .seconds(600)
    ) {
        self.output = output
        self.existing = existing
        self.threads = threads
        self.progress = progress
        self.timeout = timeout
    }
}
