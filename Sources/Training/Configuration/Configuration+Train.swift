import CoupletSchema
import CoupletText

extension Configuration {
    /// The block `train`: the length of the run and when it logs, evaluates, saves and stops. None of its keys changes
    /// the parameters after a given step.
    public struct Train: Equatable, Sendable {
        /// Reaction to a step whose loss or gradient is not finite. Such an update is never applied.
        public enum NonFinitePolicy: String, CaseIterable, Sendable {
            /// End the run with an error that names the origin of the values.
            case stop
            /// Count the step, skip its update and log a warning with the origin of the values.
            case skip
        }

        /// Number of steps of the run. With 0, the run writes a checkpoint of the initial parameters.
        public var steps: Int
        /// Steps between metrics records.
        public var logEvery: Int
        /// Steps between evaluations. Nil: only at the end (`0` or `null` in a file).
        public var evaluateEvery: Int?
        /// Steps between checkpoints. Nil: only at the end (`0` or `null` in a file).
        public var checkpointEvery: Int?
        /// Maximum minutes between checkpoints, in addition to `checkpointEvery`. Nil: no checkpoints by time.
        public var checkpointMinutes: Double?
        /// Number of checkpoints to keep; older ones are deleted.
        public var keepCheckpoints: Int
        /// Time from the start of the process after which the run saves a checkpoint and stops, as after a signal;
        /// `3h55m` in a file. Nil: no limit.
        public var stopAfter: Duration?
        public var onNonFinite: NonFinitePolicy

        public init(
            steps: Int, logEvery: Int = 50, evaluateEvery: Int? = 500, checkpointEvery: Int? = 500,
            checkpointMinutes: Double? = nil,
            keepCheckpoints: Int = 3, stopAfter: Duration? = nil, onNonFinite: NonFinitePolicy = .stop
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

        init(reading block: ConfigurationBlock) {
            self.init(steps: 0)
            let range = 1...ConfigurationLimits.steps
            if block.required("steps", example: "1500") != nil {
                block.read("steps", into: &steps, in: 0...range.upperBound, example: 1_500)
            }
            block.read("log_every", into: &logEvery, in: range, example: 50)
            block.read("evaluate_every", into: &evaluateEvery, in: range, zeroMeansNil: true, example: 500)
            block.read("checkpoint_every", into: &checkpointEvery, in: range, zeroMeansNil: true, example: 500)
            block.read("checkpoint_minutes", into: &checkpointMinutes, .positive, example: 10)
            block.read("keep_checkpoints", into: &keepCheckpoints, in: 1...ConfigurationLimits.extent, example: 3)
            block.read("stop_after", into: &stopAfter)
            block.read("on_nonfinite", into: &onNonFinite, kind: "policy for numbers that are not finite")
            block.finish()
        }

        var entries: [YAMLValue.Entry] {
            [
                ("steps", .integer(steps)), ("log_every", .integer(logEvery)),
                ("evaluate_every", .optional(evaluateEvery, YAMLValue.integer)),
                ("checkpoint_every", .optional(checkpointEvery, YAMLValue.integer)),
                ("checkpoint_minutes", .optional(checkpointMinutes, YAMLValue.number)),
                ("keep_checkpoints", .integer(keepCheckpoints)),
                ("stop_after", .optional(stopAfter) { .scalar(DurationText.text($0)) }),
                ("on_nonfinite", .name(onNonFinite)),
            ]
        }
    }
}
