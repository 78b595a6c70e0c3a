import CoupletTensors
import CoupletTraining

/// The result of a replay: comparisons with the run, and the losses, gradients and updates of the step.
public struct ReplayReport: Equatable, Sendable {
    /// The run's folder.
    public let run: String
    /// The replayed step, numbered as in metrics.jsonl: step N is the one after which N steps are finished.
    public let step: Int
    /// Number of finished steps at the start of the replay.
    public let startStep: Int
    /// The checkpoint that the replay started from; nil for the initial parameters.
    public let startCheckpoint: String?
    /// Errors of damaged checkpoints nearer to the step, which the replay skipped.
    public let skippedCheckpoints: [String]
    public let threads: Int
    /// Comparisons with the log and with checkpoints, for the steps after the start up to this step.
    public let checks: [StepComparison]
    public let digests: [DigestComparison]

    public let loss: Double
    public let learningRate: Double
    /// Norm of the gradient of all parameters, before clipping.
    public let gradientNorm: Double
    /// τ in the step's loss.
    public let temperature: Double
    /// The factor by which clipping multiplied the gradient.
    public let clipScale: Double
    /// Digest of the state after the step.
    public let digest: String
    /// The run's `train.log_every`.
    let logEvery: Int

    /// Draw numbers of the batch: n = (step - 1) · B + position.
    public let draws: [UInt64]
    /// Indices of the batch's samples among the training samples of a finite source; nil for an endless source.
    public let indices: [UInt64]?
    public let scores: ScoreStatistics
    /// B times the contribution of each pair to the loss. The mean of these numbers is the loss.
    public let pairLosses: [Double]
    /// The pairs with the largest losses, in descending order.
    public let worst: [WorstPair]
    public let first: EncoderSummary
    public let second: EncoderSummary
    /// Where the first value that is not finite appeared, in a step that therefore updated nothing; nil if all values
    /// are finite.
    public let nonFinite: NonFiniteDiagnosis?

    public var verdict: ReplayVerdict { ReplayVerdict(checks, digests) }

    /// The comparison of this step; nil if the run did not log it.
    public var check: StepComparison? { checks.first { $0.step == step } }

    /// Checks that the replay does not differ from the run.
    /// - Throws: `RunMismatchError` with the differences and their possible causes.
    public func requireMatch() throws {
        guard verdict == .differs else { return }
        var lines: [String] = []
        if let check = checks.first(where: { !$0.isSame }) {
            for value in check.values where !value.isSame {
                lines.append(
                    "step \(check.step): \(value.name) was logged as \(value.logged), the replay has \(value.replayed)")
            }
        }
        if let digest = digests.first(where: { !$0.isSame }) {
            lines.append(
                "step \(digest.step): the digest is \(digest.replayed.prefix(12))…, "
                    + "\(digest.checkpoint) has \(digest.saved.prefix(12))…")
        }
        let advice = """
            The bits of a step are the same on every CPU and on any number of workers: did config.yaml, metrics.jsonl, \
            the data or couplet change since?
            """
        throw RunMismatchError(
            description: (["\(run): the replay differs from the log:"] + lines.map { "    " + $0 } + [advice])
                .joined(separator: "\n"))
    }
}

/// Whether a replay reproduces the run.
public enum ReplayVerdict: String, Sendable {
    /// All logged and saved numbers have the same bits.
    case sameBits = "same_bits"
    /// The numbers differ.
    case differs
    /// Nothing was logged or saved to compare with.
    case unchecked

    init(_ checks: [StepComparison], _ digests: [DigestComparison]) {
        if checks.isEmpty, digests.isEmpty {
            self = .unchecked
        } else if checks.allSatisfy(\.isSame), digests.allSatisfy(\.isSame) {
            self = .sameBits
        } else {
            self = .differs
        }
    }
}

/// Compares the numbers of a step in metrics.jsonl with the numbers of its replay.
public struct StepComparison: Equatable, Sendable {
    public struct Value: Equatable, Sendable {
        /// Name as in metrics.jsonl.
        public let name: String
        public let logged: Double
        public let replayed: Double

        /// Whether both have the same bits. Numbers that are not finite are logged as null, so they count as the same.
        public var isSame: Bool { logged.bitPattern == replayed.bitPattern || !logged.isFinite && !replayed.isFinite }

        /// |logged - replayed|, relative to |logged| if that is above 1.
        public var difference: Double {
            if isSame { return 0 }
            let difference = abs(logged - replayed) / max(1, abs(logged))
            return difference.isNaN ? .infinity : difference
        }
    }

    public let step: Int
    public let values: [Value]

    init(_ record: MetricsRecord, _ report: StepReport) {
        step = report.step
        values = [
            Value(name: "loss", logged: record.loss, replayed: report.loss),
            Value(name: "gradient_norm", logged: record.gradientNorm, replayed: report.gradientNorm),
            Value(name: "learning_rate", logged: record.learningRate, replayed: report.learningRate),
            Value(name: "temperature", logged: record.temperature, replayed: report.temperature),
        ]
    }

    public var isSame: Bool { values.allSatisfy(\.isSame) }

    /// The value with the largest difference.
    public var worst: Value { values.max { $0.difference < $1.difference }! }
}

/// Compares the digest of the state after a replayed step with the digest of the run's checkpoint of that step.
public struct DigestComparison: Equatable, Sendable {
    public let step: Int
    /// The checkpoint's file.
    public let checkpoint: String
    public let saved: String
    public let replayed: String

    public var isSame: Bool { saved == replayed }
}
