import CoupletEvaluation
import CoupletSchema
import CoupletText

extension Configuration.Train {
    /// The block `train.best`: keeps the checkpoint of the best evaluation, beside the newest ones.
    public struct Best: Equatable, Sendable {
        /// Path of a number in the evaluations, as `couplet evaluate --json` has it.
        public var metric: String
        public var goal: MetricGoal

        /// The metric if a config names none: the mean of 1/rank over both directions of retrieval.
        public static let usualMetric = "retrieval.mean_reciprocal_rank"

        public init(metric: String = Best.usualMetric, goal: MetricGoal? = nil) {
            self.metric = metric
            self.goal = goal ?? MetricPath(metric).usualGoal ?? .maximize
        }

        static let table = ConfigurationTable(
            Best(),
            [
                .key(
                    "metric", \.metric, .text(example: usualMetric).checked(problem),
                    "Path of a number in the output of couplet evaluate --json."),
                .key(
                    "goal", \.goal, .choice("goal"), "Whether large or small values are better.",
                    defaultText: "by the metric: minimize for losses, errors, ranks and distances"),
            ],
            complete: { best, block in
                if block.has("goal") { return }
                if let goal = MetricPath(best.metric).usualGoal {
                    best.goal = goal
                } else {
                    let guess =
                        NearestNames.guess(best.metric, among: frequent).map { "did you mean \($0)? If not, " } ?? ""
                    block.note(
                        "metric",
                        "\(guess)whether large or small values of \(best.metric) are better does not follow from its "
                            + "name; add goal: maximize or goal: minimize")
                }
            })

        /// Metrics that imply a goal, for suggestions before the data are known.
        private static let frequent = [
            usualMetric, "retrieval.recall_at_1", "retrieval.recall_at_5", "retrieval.recall_at_10",
            "classification.top1", "loss.mean", "encodings.alignment", "encodings.uniformity.first",
            "encodings.uniformity.second", "gaussian.coupling_error",
        ]

        /// Why a metric cannot choose a checkpoint; nil if it can. Whether evaluations have it is known with the data.
        private static let problem: @Sendable (String) -> String? = { metric in
            let section = metric.prefix { $0 != "." }
            return switch section {
            case "identifiability":
                "identifiability is computed by OpenBLAS, whose bits depend on the CPU, so it cannot choose a "
                    + "checkpoint; choose another metric, such as \(usualMetric)"
            case "probe", "step":
                "evaluations during training have no \(section); choose a metric such as \(usualMetric)"
            default: nil
            }
        }
    }

    /// The block `train.stop_early`: ends the run if the metric of `train.best` improves no longer.
    public struct StopEarly: Equatable, Sendable {
        /// Number of evaluations in a row without an improvement after which the run ends.
        public var patience: Int
        /// A change of the metric that is not larger is no improvement.
        public var minimumChange: Double

        public init(patience: Int, minimumChange: Double = 0) {
            self.patience = patience
            self.minimumChange = minimumChange
        }

        static let table = ConfigurationTable(
            StopEarly(patience: 5),
            [
                .required(
                    "patience", \.patience, .integer(1...ConfigurationLimits.steps, example: 5),
                    "Evaluations in a row without an improvement, after which the run ends."),
                .key(
                    "minimum_change", \.minimumChange, .number(.nonNegative, example: 0.001),
                    "A change of the metric that is not larger is no improvement."),
            ])
    }
}
