extension Configuration {
    /// The block `train`: how long, and what is written when. None of it changes a parameter after a given step.
    public struct Train: Equatable, Sendable {
        /// What to do in a step whose loss or gradient is not finite. Its update is never applied.
        public enum NonFinite: String, CaseIterable, Sendable {
            /// The run ends with an error that says where the numbers come from.
            case stop
            /// The step is counted and its update left out; the same is said as a warning.
            case skip
        }

        /// After which step the run is done; 0 writes a checkpoint of the initial parameters.
        public var steps: Int
        public var logEvery: Int
        /// Nil: only at the end (also `0` or `null` in a file).
        public var evaluateEvery: Int?
        /// Nil: only at the end (also `0` or `null` in a file).
        public var checkpointEvery: Int?
        /// A checkpoint once so many minutes have gone by since the one before, beside those of `checkpointEvery`; nil: none by the clock.
        public var checkpointMinutes: Double?
        /// How many of the newest checkpoints stay.
        public var keepCheckpoints: Int
        /// The time from a start of the run, after which it saves and stops as by a signal; `3h55m` in a file. Nil: it goes on.
        public var stopAfter: Duration?
        public var onNonFinite: NonFinite

        public init(
            steps: Int, logEvery: Int = 50, evaluateEvery: Int? = 500, checkpointEvery: Int? = 500,
            checkpointMinutes: Double? = nil,
            keepCheckpoints: Int = 3, stopAfter: Duration? = nil, onNonFinite: NonFinite = .stop
        ) {
            self.steps = steps
            self.logEvery = logEvery
            self.evaluateEvery = evaluateEvery
            self.checkpointEvery = checkpointEvery
            self.checkpointMinutes = checkpointMinutes
            self.keepCheckpoints = keepCheckpoints
            self.stopAfter = stopAfter
            self.onNonFinite = onNonFinite
        }
    }
}
