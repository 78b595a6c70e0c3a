import CoupletSchema

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

        /// Number of steps of the run. With 0, the run writes a checkpoint of the initial parameters. While `epochs`
        /// has a value, it is 0 and has no meaning.
        public var steps: Int
        /// The length of the run in passes over the training pairs, which a file may give in place of `steps`.
        /// `Configuration.resolvingEpochs` converts it to steps once the number of pairs is known; it is then nil.
        public var epochs: Double?
        /// Steps between metrics records.
        public var logEvery: Int
        /// Whether the metrics are also written as event files, which TensorBoard shows.
        public var tensorBoard: Bool
        /// Steps between histograms of parameters and gradients in the event files. Nil: none (`0` or `null` in a
        /// file).
        public var histogramEvery: Int?
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
        /// The checkpoint that is kept because of a metric. Nil: only the newest ones are kept.
        public var best: Best?
        /// When the run ends before its last step. Nil: never. Where it is given, `best` is, too.
        public var stopEarly: StopEarly?

        /// The steps if the file gives them; nil if it gives epochs.
        private var givenSteps: Int? {
            get { epochs == nil ? steps : nil }
            set { steps = newValue ?? 0 }
        }

        public init(
            steps: Int, logEvery: Int = 50, evaluateEvery: Int? = 500, checkpointEvery: Int? = 500,
            checkpointMinutes: Double? = nil,
            keepCheckpoints: Int = 3, stopAfter: Duration? = nil, onNonFinite: NonFinitePolicy = .stop,
            best: Best? = nil, stopEarly: StopEarly? = nil, tensorBoard: Bool = true, histogramEvery: Int? = 500
        ) {
            self.steps = steps
            self.logEvery = logEvery
            self.tensorBoard = tensorBoard
            self.histogramEvery = histogramEvery
            self.evaluateEvery = evaluateEvery
            self.checkpointEvery = checkpointEvery
            self.checkpointMinutes = checkpointMinutes
            self.keepCheckpoints = keepCheckpoints
            self.stopAfter = stopAfter
            self.onNonFinite = onNonFinite
            self.best = best ?? stopEarly.map { _ in Best() }
            self.stopEarly = stopEarly
        }

        static let table = ConfigurationTable(
            Train(steps: 0),
            [
                .key(
                    "steps", \.givenSteps, .omitted(.integer(0...ConfigurationLimits.steps, example: 1_500)),
                    "Number of steps of the run; 0 writes a checkpoint of the initial parameters.",
                    defaultText: "none: give steps or epochs"),
                .key(
                    "epochs", \.epochs, .omitted(.number(.positive, example: 10)),
                    "Length of the run in passes over the training pairs, in place of steps.",
                    defaultText: "none: give steps or epochs"
                ).excluding("steps"),
                .key("log_every", \.logEvery, every(example: 50), "Steps between metrics records."),
                .key(
                    "tensorboard", \.tensorBoard, .flag,
                    "Whether the metrics are also written as event files for TensorBoard."),
                .key(
                    "histogram_every", \.histogramEvery, .optional(every(example: 500), zeroIsNull: true),
                    "Steps between histograms of parameters and gradients in these files; null writes none."),
                .key(
                    "evaluate_every", \.evaluateEvery, .optional(every(example: 500), zeroIsNull: true),
                    "Steps between evaluations; null evaluates only at the end."),
                .key(
                    "checkpoint_every", \.checkpointEvery, .optional(every(example: 500), zeroIsNull: true),
                    "Steps between checkpoints; null saves only at the end."),
                .key(
                    "checkpoint_minutes", \.checkpointMinutes, .optional(.number(minutes, example: 10)),
                    "Maximum minutes between checkpoints, in addition to checkpoint_every."),
                .key(
                    "keep_checkpoints", \.keepCheckpoints, .integer(1...ConfigurationLimits.extent, example: 3),
                    "Number of checkpoints to keep; older ones are deleted."),
                .key(
                    "stop_after", \.stopAfter, .optional(.duration),
                    "Time after which the run saves a checkpoint and stops, as after a signal."),
                .key(
                    "on_nonfinite", \.onNonFinite, .choice("policy for numbers that are not finite"),
                    "Reaction to a step whose loss or gradient is not finite."),
                .key(
                    "best", \.best,
                    .optional(
                        .block(
                            Best.table, example: "{metric: \(Best.usualMetric), goal: maximize}", isInline: true),
                        isOmitted: true), "The checkpoint to keep beside the newest ones, by a metric."),
                .key(
                    "stop_early", \.stopEarly,
                    .optional(.block(StopEarly.table, example: "{patience: 5}", isInline: true), isOmitted: true),
                    "When to end because the metric of best improves no longer."),
            ],
            complete: { train, block in
                if !block.has("steps"), !block.has("epochs") {
                    block.note("steps", "is missing; for example steps: 1500, or epochs: 10")
                }
                if train.stopEarly != nil, train.best == nil { train.best = Best() }
                if train.best != nil, train.evaluateEvery == nil {
                    block.note(
                        "evaluate_every",
                        "\(train.stopEarly == nil ? "train.best" : "train.stop_early") needs evaluations during "
                            + "training; set it to a number of steps")
                }
            })

        /// A longer time than the clock can count would be an overflow.
        private static let minutes = NumberConstraint(description: "a number above 0, at most 100000000") {
            $0 > 0 && $0 <= 1e8
        }

        private static func every(example: Int) -> ConfigurationType<Int> {
            .integer(1...ConfigurationLimits.steps, example: example)
        }
    }
}
