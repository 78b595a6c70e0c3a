import CoupletEvaluation
import CoupletFiles
import CoupletPairs
import CoupletTensorBoard
import CoupletText
import Foundation
import Logging

/// Reports a run on worker 0: writes metrics, log and evaluations to the run's folder, and shows progress on standard
/// error.
package final class RunReporter {
    /// Words of the line that repeats the warnings at the end of a run.
    package static let summaryWords = "about what this run learned"
    /// Words of the log that tell how far a run is: those of each start, of the end and of a stop before the end.
    package static let startWords = " pairs a step in ", doneWords = ": done after step "
    package static let stoppedWords = ": stopped and saved after step "

    private let folder: RunFolder
    private let configuration: Configuration
    private let metrics: RunMetrics
    private let display: ProgressDisplay
    private let logger: Logger
    /// Writes to the log file alone.
    private let fileLogger: Logger
    private let started = ContinuousClock.now
    private var skippedSteps = 0
    private var monitor: LearningMonitor
    /// Step and time of the last metrics record.
    private var recorded: (step: Int, time: ContinuousClock.Instant)

    /// - Parameter start: number of finished steps.
    /// - Throws: `FileError` if the system refuses to open the files.
    init(_ folder: RunFolder, _ configuration: Configuration, _ options: TrainingOptions, start: Int) throws {
        let mode = options.progress
        self.folder = folder
        self.configuration = configuration
        metrics = try RunMetrics(folder, configuration, start: start)
        display = ProgressDisplay(mode: mode, total: configuration.train.steps, pairsPerStep: configuration.batch.size)
        let log = try LineFile(folder.log)
        fileLogger = RunLogHandler.logger(file: log, display: nil)
        logger = RunLogHandler.logger(
            file: log, display: mode == .none && !options.showsWarnings ? nil : display,
            shownFrom: mode == .none ? .warning : .notice)
        monitor = LearningMonitor(configuration, start: start)
        recorded = (start, started)
        display.begin(at: start)
    }

    /// Reports the start: warnings about the folder, workers, memory, data, and encoders of another run.
    func began(_ setup: RunSetup, workers: Int, processes: Int) {
        if setup.lock?.isHeld == false {
            logger.warning(
                """
                \(folder.path): this file system has no locks: make sure that no other process trains in this folder
                """)
        }
        for damaged in setup.damagedCheckpoints {
            logger.warning(
                """
                \(damaged.path): \(damaged.reason); set aside as \(damaged.movedTo), and the previous checkpoint \
                is used
                """)
        }
        let batch = configuration.batch
        let start = setup.restored.map { "resumes from \($0.path)" } ?? "starts"
        let workersText =
            processes > 1 ? "\(workers) workers in \(processes) ranks" : workers > 1 ? "\(workers) threads" : "1 worker"
        logger.notice(
            "\(folder.path): \(start) on \(workersText), \(batch.size)\(Self.startWords)\(batch.shards) shards")
        if let stepsPerEpoch = setup.stepsPerEpoch {
            let steps = configuration.train.steps
            logger.info("\(steps) steps are \(EpochText.text(steps: steps, stepsPerEpoch: stepsPerEpoch))")
        }
        if let notice = WorkerEfficiency(workers: workers, batch: batch).notice { logger.notice("\(notice)") }
        let memory = MemoryEstimate(
            configuration, model: setup.model, source: setup.source, workers: workers, threads: setup.threads)
        let process = processes > 1 ? "each rank" : "the process"
        logger.notice("memory of \(process), in addition to the program's own: \(memory.description)")
        for notice in setup.source.storageNotices { logger.warning("\(notice)") }
        if let source = setup.source.latentFactorSource {
            for line in source.latentSummary { logger.notice("\(line)") }
        }
        reportChoice(setup.source)
        reportEncoders(setup.pretrained, frozen: setup.model.frozen)
        warn(monitor.begin(heldOut: setup.source.count(of: .heldOut), start: recorded.step))
    }

    /// Reports by which pairs `train.best` chooses.
    private func reportChoice(_ source: any PairSource) {
        guard configuration.train.best != nil else { return }
        if configuration.usesValidation(of: source) {
            let count = source.count(of: .validation).map { "\($0) " } ?? ""
            let fraction = (configuration.source.kind as? any ValidationFraction)?.validation
            let origin = fraction.map { ", data.validation: \($0) of the training pairs" } ?? ""
            logger.notice("train.best chooses by \(count)validation pairs\(origin)")
        } else {
            logger.notice(
                """
                train.best chooses by the held-out pairs, because there are no validation pairs; the figures of the \
                chosen checkpoint on them are then not honest
                """)
        }
    }

    private func warn(_ findings: [String]) {
        for finding in findings { logger.warning("\(finding)") }
    }

    /// Reports which encoders come from another run, and which are not trained.
    private func reportEncoders(_ pretrained: PretrainedEncoders?, frozen: [Modality]) {
        func list(_ modalities: [Modality]) -> String {
            modalities.map(\.rawValue).joined(separator: " and ") + (modalities.count > 1 ? " encoders" : " encoder")
        }
        if let pretrained {
            let verb = pretrained.modalities.count > 1 ? "start" : "starts"
            logger.notice("the \(list(pretrained.modalities)) \(verb) from \(pretrained.path)")
            for (modality, difference) in pretrained.skipped {
                logger.notice("the \(modality) encoder starts from random numbers: \(difference)")
            }
            for notice in pretrained.notices { logger.notice("\(notice)") }
            if !pretrained.scalingDifferences.isEmpty {
                logger.warning(
                    """
                    initialize.from: the encoders were trained on inputs of another scale: \
                    \(pretrained.scalingDifferences.joined(separator: "; ")). Give both runs the same scaling, or \
                    expect a slow start
                    """)
            }
        }
        if !frozen.isEmpty { logger.notice("the \(list(frozen)) \(frozen.count > 1 ? "are" : "is") frozen") }
    }

    /// Reports a finished step: progress, and a metrics record every `train.log_every` steps and at the end.
    func stepped(_ report: StepReport) throws {
        warn(monitor.step(report))
        let isLogged = report.step % configuration.train.logEvery == 0 || report.step == configuration.train.steps
        display.update(step: report.step, loss: report.loss, isLogged: isLogged)
        guard isLogged else { return }
        let now = ContinuousClock.now
        let pairs = Double((report.step - recorded.step) * configuration.batch.size)
        try metrics.append(
            MetricsRecord(
                step: report.step, loss: report.loss, learningRate: report.learningRate,
                gradientNorm: report.gradientNorm, temperature: report.temperature,
                pairsPerSecond: pairs / (now - recorded.time).inSeconds, seconds: (now - started).inSeconds), report)
        recorded = (report.step, now)
    }

    /// Writes the histograms of a step for TensorBoard.
    func measured(step: Int, _ histograms: [(tag: String, histogram: Histogram)]) throws {
        try metrics.append(step: step, histograms: histograms)
    }

    /// Logs a checkpoint that is on the disk. The checkpoint writer calls it on its own thread.
    var saved: @Sendable (_ path: String, _ digest: String) -> Void {
        { [logger] path, digest in logger.info("saved \(path), digest \(digest)") }
    }

    /// Stores and logs the evaluation at the end of a run.
    func evaluated(_ result: EvaluationResult) throws {
        try folder.store(evaluationJSON: result.jsonText)
        logger.info("evaluated step \(result.step): \(result.json.text)")
    }

    /// Stores and logs the evaluation of the best checkpoint at the end of a run.
    func evaluatedBest(_ result: EvaluationResult) throws {
        try folder.store(bestEvaluationJSON: result.jsonText)
        logger.info("evaluated the best checkpoint, step \(result.step): \(result.json.text)")
    }

    /// Reports that the best checkpoint cannot be evaluated at the end of the run.
    func lostBest(_ problem: String) {
        logger.warning("\(problem); \(folder.bestEvaluation) is not written")
    }

    /// Stores, logs and shows an evaluation during training.
    /// - Parameter best: the best evaluation so far, this one included; nil without `train.best`.
    func evaluated(_ result: EvaluationResult, on split: Split, best: BestEvaluation?) throws {
        try metrics.append(
            EvaluationRecord(result: result, split: split, seconds: (ContinuousClock.now - started).inSeconds))
        // evaluation.json is of the test pairs.
        if split == .heldOut { try folder.store(evaluationJSON: result.jsonText) }
        logger.info("evaluated step \(result.step) during training: \(result.json.text)")
        display.evaluated(Self.figures(result, on: split, best: best))
    }

    /// The figures of an evaluation in the progress line: the loss, and the metric of `train.best`, by default MRR, the
    /// mean reciprocal rank.
    private static func figures(_ result: EvaluationResult, on split: Split, best: BestEvaluation?) -> [String] {
        let isUsual = best.map { $0.metric == Configuration.Train.Best.usualMetric } ?? true
        let path = best?.metric ?? Configuration.Train.Best.usualMetric
        let name = isUsual ? "MRR" : path
        let loss = result.loss.map {
            "\(split.text) loss \(NumberText.significant($0.mean))"
        }
        let value = MetricPath(path).value(in: result.json).map { "\(name) \(NumberText.significant($0))" }
        let record = best?.best.map { "best \(NumberText.significant($0.value)) at \($0.step)" }
        let figures = [loss, value, record].compactMap(\.self)
        // The line of a later step shows them too.
        return figures.first.map { ["after step \(result.step): \($0)"] + figures.dropFirst() } ?? []
    }

    /// Reports that the checkpoint has the best evaluation of another metric than the config asks for.
    func changedMetric(from former: BestEvaluation, to now: BestEvaluation) {
        logger.notice(
            """
            train.best: the best checkpoint so far is by \(former.metric) (\(former.goal)); evaluations from here on \
            choose by \(now.metric) (\(now.goal))
            """)
    }

    /// Reports that `train.stop_early` ends the run.
    func stoppedEarly(step: Int, patience: Int, best: BestEvaluation) {
        display.finish()
        let evaluations = patience == 1 ? "1 evaluation" : "\(patience) evaluations"
        logger.notice(
            "train.stop_early: ends after step \(step), because \(best.metric) has not improved in \(evaluations)")
    }

    /// Reports a step that updated nothing.
    func skipped(_ diagnosis: NonFiniteDiagnosis) {
        skippedSteps += 1
        logger.warning("\(diagnosis.description). The step's update is left out")
    }

    /// Reports a stop before the last step.
    /// - Parameter reason: the origin of the request, for example "SIGTERM".
    func stopped(step: Int, reason: String) {
        display.finish()
        reportSkippedSteps()
        warn(monitor.end(step: step))
        logger.notice(
            "\(reason)\(Self.stoppedWords)\(step); the same command with --resume continues the run")
    }

    /// Reports a profile that is written, or that cannot be written, which is no reason to end a run.
    func profiled(_ result: Result<String, any Error>) {
        switch result {
        case .success(let text): logger.notice("\(text)")
        case .failure(let error): logger.warning("--profile: \(error)")
        }
    }

    /// Logs the error that ends the run. The command shows it.
    func failed(_ error: any Error) {
        display.finish()
        fileLogger.error("\(error)")
    }

    /// Reports the end of the run after its last step.
    /// - Parameter best: the best evaluation; nil without `train.best`.
    func finished(step: Int, best: BestEvaluation?) {
        display.finish()
        reportSkippedSteps()
        warn(monitor.end(step: step))
        let seconds = String(format: "%.1f", (ContinuousClock.now - started).inSeconds)
        logger.notice(
            """
            \(folder.path)\(Self.doneWords)\(step), \(seconds) s; couplet evaluate \(folder.path) shows what was \
            learned
            """)
        if let best, let record = best.best {
            let command = record.step == step ? "" : "; couplet evaluate \(folder.path) --checkpoint best measures it"
            logger.notice("\(folder.path): the best checkpoint has \(best.text)\(command)")
        }
        if !monitor.findings.isEmpty {
            let count = monitor.findings.count
            logger.warning(
                """
                \(folder.path): \(count) \(count == 1 ? "warning" : "warnings") \(Self.summaryWords), in \
                \(folder.log): \(monitor.findings.joined(separator: "; "))
                """)
        }
    }

    private func reportSkippedSteps() {
        guard skippedSteps > 0 else { return }
        logger.warning(
            """
            the updates of \(skippedSteps) \(skippedSteps == 1 ? "step" : "steps") of this start were left out, \
            because their values were not finite
            """)
    }
}
