import CoupletFiles
import CoupletTensorBoard
import CoupletText

/// Writes the metrics of a run on worker 0: to `metrics.jsonl`, to its table `metrics.csv`, and to an event file for
/// TensorBoard unless the config says otherwise.
final class RunMetrics {
    private let folder: RunFolder
    private let configuration: Configuration
    /// Number of finished steps at the start.
    private let start: Int
    private let file: MetricsFile
    private var table: MetricsTable
    /// Nil before the first event.
    private var events: EventFile?

    /// - Parameter start: number of finished steps; records of later steps are removed.
    /// - Throws: `FileError` if the system refuses to open the files.
    init(_ folder: RunFolder, _ configuration: Configuration, start: Int) throws {
        (self.folder, self.configuration, self.start) = (folder, configuration, start)
        file = try MetricsFile(path: folder.metrics, after: start)
        table = try MetricsTable(path: folder.metricsTable, metrics: folder.metrics)
    }

    /// Writes the metrics of a logged step.
    /// - Throws: `FileError` if the system refuses, for example because the disk is full.
    func append(_ record: MetricsRecord, _ report: StepReport) throws {
        try file.append(record)
        try table.append(record.value)
        var scalars = [
            ("train/loss", record.loss), ("train/learning_rate", record.learningRate),
            ("train/gradient_norm", record.gradientNorm), ("train/temperature", record.temperature),
            ("train/pairs_per_second", record.pairsPerSecond), ("train/seconds", record.seconds),
            ("train/seconds_per_step", Double(configuration.batch.size) / record.pairsPerSecond),
            ("train/gradient_norm.first", report.encoderGradientNorms.first),
        ]
        if !configuration.encoders.shared {
            scalars.append(("train/gradient_norm.second", report.encoderGradientNorms.second))
        }
        try eventFile?.append(step: record.step, scalars: scalars)
    }

    /// Writes an evaluation during training.
    /// - Throws: as above.
    func append(_ record: EvaluationRecord) throws {
        try file.append(record)
        let value = record.value
        try table.append(value)
        let numbers = value["evaluation"]?.numbersByPath() ?? []
        try eventFile?.append(
            step: record.result.step,
            scalars: numbers.compactMap { path, value in
                value.number.map { ("\(record.split.rawValue)/\(path)", $0) }
            })
    }

    /// Writes the histograms of a step.
    /// - Throws: as above.
    func append(step: Int, histograms: [(tag: String, histogram: Histogram)]) throws {
        try eventFile?.append(step: step, histograms: histograms)
    }

    /// The event file of this start, which the first event makes; nil if the config wants none.
    private var eventFile: EventFile? {
        get throws {
            guard configuration.train.tensorBoard else { return nil }
            if events == nil { events = try EventFile(folder: folder.path, after: start, writer: Version.program) }
            return events
        }
    }
}
