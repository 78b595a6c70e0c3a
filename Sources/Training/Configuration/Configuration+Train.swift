extension Configuration {
    /// The block `train`: how long, and what is written when. None of it changes a parameter after a given step.
    public struct Train: Equatable, Sendable {
        /// After which step the run is done; 0 writes a checkpoint of the initial parameters.
        public var steps: Int
        public var logEvery: Int
        /// Nil: only at the end (also `0` or `null` in a file).
        public var evaluateEvery: Int?
        /// Nil: only at the end (also `0` or `null` in a file).
        public var checkpointEvery: Int?
        /// How many of the newest checkpoints stay.
        public var keepCheckpoints: Int

        public init(
            steps: Int, logEvery: Int = 50, evaluateEvery: Int? = 500, checkpointEvery: Int? = 500, keepCheckpoints: Int = 3
        ) {
            self.steps = steps
            self.logEvery = logEvery
            self.evaluateEvery = evaluateEvery
            self.checkpointEvery = checkpointEvery
            self.keepCheckpoints = keepCheckpoints
        }
    }
}
