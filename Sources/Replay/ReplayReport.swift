import CoupletTensors
import CoupletTraining

/// What a replay found: whether it is what the run once did, and what happened in the step.
public struct ReplayReport: Equatable, Sendable {
    /// The run's folder.
    public let run: String
    /// The step, as metrics.jsonl counts: it ends with so many steps done.
    public let step: Int
    /// The steps done where the replay began, and the checkpoint it began with; nil: the initial parameters.
    public let startStep: Int
    public let startCheckpoint: String?
    /// Damaged checkpoints that would have been nearer, each with the reason.
    public let skippedCheckpoints: [String]
    public let threads: Int
    /// OpenBLAS's core types that the run was made with, as far as it tells.
    public let runKernels: [String]
    /// The logged steps that were made again, and the checkpoints that were passed.
    public let checks: [StepComparison]
    public let digests: [DigestComparison]

    public let loss: Double
    public let learningRate: Double
    /// Over all parameters, before clipping.
    public let gradientNorm: Double
    /// τ that the loss was taken at.
    public let temperature: Double
    /// What clipping multiplied the gradient by.
    public let clipScale: Double
    /// Of the state after the step.
    public let digest: String
    let logEvery: Int

    /// The batch: n = (step - 1) B + position; and, of a finite source, the indices of its training samples.
    public let draws: [UInt64]
    public let indices: [UInt64]?
    public let scores: ScoreStatistics
    /// What each pair adds to the loss, times B: their mean is the loss.
    public let pairLosses: [Double]
    /// Those with the largest losses, the largest first.
    public let worst: [WorstPair]
    public let first: EncoderSummary
    public let second: EncoderSummary
    /// Where the step's numbers stopped being finite, if they did: then nothing was updated.
    public let nonFinite: NonFiniteDiagnosis?

    public var verdict: ReplayVerdict { ReplayVerdict(checks, digests, kernels: runKernels, start: startStep) }

    /// The comparison of this step; nil where it was not logged.
    public var check: StepComparison? { checks.first { $0.step == step } }

    /// Whether the run was made with this machine's kernels; nil where it does not tell.
    public var hasRunsKernels: Bool? { runKernels.isEmpty ? nil : runKernels.allSatisfy { $0 == OpenBLAS.coreType } }

    /// - Throws: `RunMismatchError` where the replay is not what the run once did: by how much, and what to look at.
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
                "step \(digest.step): the digest is \(digest.replayed.prefix(12))…, \(digest.checkpoint) has \(digest.saved.prefix(12))…"
            )
        }
        let advice =
            hasRunsKernels == true
            ? "The kernels are the same (\(OpenBLAS.coreType)), so the bits should be: were config.yaml, metrics.jsonl or the data changed since, or couplet?"
            : "That is more than the rounding of other kernels makes: were config.yaml, metrics.jsonl or the data changed since, or couplet?"
        throw RunMismatchError(
            description: (["\(run): the replay is not what was logged:"] + lines.map { "    " + $0 } + [advice]).joined(
                separator: "\n"))
    }
}
