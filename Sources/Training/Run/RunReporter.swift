import CoupletEvaluation
import CoupletFiles
import CoupletPairs
import CoupletStorage
import Foundation
import Logging

/// Worker 0's voice: metrics, log, progress and evaluation of a run, into its folder and onto standard error.
package final class RunReporter {
    private let folder: RunFolder
    private let configuration: Configuration
    private let metrics: MetricsFile
    private let display: ProgressDisplay
    private let logger: Logger
    private let started = ContinuousClock.now
    private var skipped = 0
    private var recorded: (step: Int, time: ContinuousClock.Instant)

    init(_ folder: RunFolder, _ configuration: Configuration, _ mode: ProgressDisplay.Mode, start: Int) throws {
        self.folder = folder
        self.configuration = configuration
        metrics = try MetricsFile(path: folder.metrics, after: start)
        display = ProgressDisplay(mode: mode, total: configuration.train.steps, pairsPerStep: configuration.batch.size)
        logger = RunLogHandler.logger(file: try LineFile(folder.log), display: mode == .none ? nil : display)
        recorded = (start, started)
        display.begin(at: start)
    }

    func began(
        workers: Int, processes: Int, memory: MemoryEstimate, restored: String?,
        _ damagedCheckpoints: [CheckpointStore.DamagedCheckpoint], isLocked: Bool
    ) {
        if !isLocked {
            logger.warning(
                "\(folder.path): this file system has no locks: see that no other process trains in this folder")
        }
        for damaged in damagedCheckpoints {
            logger.warning(
                "\(damaged.path): \(damaged.reason); set aside as \(damaged.movedTo), and the checkpoint before it is used"
            )
        }
        let start = restored.map { "resumes from \($0)" } ?? "starts"
        let who =
            processes > 1 ? "\(workers) workers in \(processes) ranks" : workers > 1 ? "\(workers) threads" : "1 worker"
        logger.notice(
            "\(folder.path): \(start) on \(who), \(configuration.batch.size) pairs a step in \(configuration.batch.shards) shards"
        )
        logger.notice(
            "memory of \(processes > 1 ? "each rank" : "the process"), beside the program's own: \(memory.description)")
    }

    /// What the source tells of the factors behind its pairs.
    func began(with source: any LatentFactorSource) {
        for line in source.latentSummary { logger.notice("\(line)") }
    }

    /// What of the encoders comes from another run, and what is not trained.
    func began(with initial: PretrainedEncoders?, frozen: [Modality]) {
        func list(_ modalities: [Modality]) -> String {
            modalities.map(\.rawValue).joined(separator: " and ") + (modalities.count > 1 ? " encoders" : " encoder")
        }
        if let initial {
            logger.notice(
                "the \(list(initial.modalities)) \(initial.modalities.count > 1 ? "start" : "starts") from \(initial.path)"
            )
            for (modality, difference) in initial.leftOut {
                logger.notice("the \(modality) encoder starts from random numbers: \(difference)")
            }
        }
        if !frozen.isEmpty { logger.notice("the \(list(frozen)) \(frozen.count > 1 ? "are" : "is") frozen") }
    }

    func stepped(_ report: StepReport) throws {
        let isLogged = report.step % configuration.train.logEvery == 0 || report.step == configuration.train.steps
        display.update(step: report.step, loss: report.loss, isLogged: isLogged)
        guard isLogged else { return }
        let now = ContinuousClock.now
        let pairs = Double((report.step - recorded.step) * configuration.batch.size)
        try metrics.append(
            MetricsRecord(
                step: report.step, loss: report.loss, learningRate: report.learningRate,
                gradientNorm: report.gradientNorm,
                temperature: report.temperature, pairsPerSecond: pairs / (now - recorded.time).inSeconds,
                seconds: (now - started).inSeconds))
        recorded = (report.step, now)
    }

    /// What to call when a checkpoint is on the disk, on any thread.
    var saved: @Sendable (_ path: String, _ digest: String) -> Void {
        { [logger] path, digest in logger.info("saved \(path), digest \(digest)") }
    }

    func evaluated(_ result: EvaluationResult) throws {
        try folder.store(evaluationJSON: result.jsonText)
        logger.info("evaluated step \(result.step): \(result.json.text)")
    }

    /// A step whose update was left out.
    func skipped(_ diagnosis: NonFiniteDiagnosis) {
        skipped += 1
        logger.warning("\(diagnosis.description). The step's update is left out")
    }

    /// - Parameter reason: what asked for it: "SIGTERM".
    func stopped(step: Int, reason: String) {
        display.finish()
        tellSkipped()
        logger.notice("\(reason): stopped and saved after step \(step); the same command with --resume goes on")
    }

    func finished(step: Int) {
        display.finish()
        tellSkipped()
        let seconds = (ContinuousClock.now - started).inSeconds
        logger.notice(
            "\(folder.path): done after step \(step), \(String(format: "%.1f", seconds)) s; couplet evaluate \(folder.path) shows what was learned"
        )
    }

    private func tellSkipped() {
        if skipped > 0 {
            logger.warning(
                "the updates of \(skipped) \(skipped == 1 ? "step" : "steps") of this start were left out, for their numbers were not finite"
            )
        }
    }
}

extension Duration {
    package var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
