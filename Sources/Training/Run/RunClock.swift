/// Worker 0's clock: when a checkpoint is due, and when this start of the run has had its time. All workers act on what it says at the same step.
package struct RunClock {
    private let train: Configuration.Train
    private let started: ContinuousClock.Instant
    private var lastSave: ContinuousClock.Instant

    /// - Parameter started: when the process began with the run.
    init(_ train: Configuration.Train, started: ContinuousClock.Instant) {
        self.train = train
        self.started = started
        lastSave = .now
    }

    /// Whether `train.checkpoint_minutes` have gone by since the checkpoint before.
    var isSaveDue: Bool { train.checkpointMinutes.map { .now - lastSave >= .seconds(60 * $0) } ?? false }

    /// Whether `train.stop_after` has gone by.
    var isTimeUp: Bool { train.stopAfter.map { .now - started >= $0 } ?? false }

    mutating func saved() { lastSave = .now }
}
