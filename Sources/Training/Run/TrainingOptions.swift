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

    public init(
        output: String? = nil, existing: RunFolder.ExistingRun = .refuse, threads: Int? = nil, progress: ProgressDisplay.Mode = .auto
    ) {
        self.output = output
        self.existing = existing
        self.threads = threads
        self.progress = progress
    }
}
