import CoupletFiles
import CoupletInference
import CoupletPairs
import CoupletReports
import CoupletText
import CoupletTraining

/// A finished trial of the MNIST study: its config and its evaluation.
struct MNISTTrial: StudyTrial {
    let path: String
    let configuration: Configuration
    let specification: MNISTSpecification
    /// The content of `evaluation.json`.
    private let evaluation: JSONValue

    /// - Throws: `FileError` if the run is damaged, has no evaluation or is on other data; `ConfigurationError`.
    init(reading path: String, name: String) throws {
        let folder = RunFolder(path: path), configuration = try folder.storedConfiguration(registry: .builtIn)
        guard let specification = configuration.source.kind as? MNISTSpecification else {
            throw FileError(
                .badData, at: path, reason: "not a run on data: {source: mnist, …}",
                remedy: "launch/reproduce mnist trains the sweeps of the study")
        }
        guard let text = try RunRecord.text(at: folder.evaluation), let evaluation = JSONValue(text: text) else {
            throw FileError(
                .badData, at: folder.evaluation, reason: "no such file, or not JSON",
                remedy: "couplet evaluate \(path) writes it")
        }
        self.path = path
        self.configuration = configuration
        self.specification = specification
        self.evaluation = evaluation
    }

    /// Opens the run.
    /// - Parameter data: the folder of the MNIST files, if they have moved since the run.
    func open(data: String?) throws -> TrainedRun {
        try TrainedRun(path, dataPaths: data.map { ["data.path=\($0)"] } ?? [])
    }

    /// A figure of retrieval, such as `recall_at_1`; nil if there is none.
    func retrieval(_ direction: String, _ figure: String) -> Double? {
        evaluation["retrieval"]?[direction]?[figure]?.number
    }

    /// A figure of classification, such as `top1`; nil if there is none.
    func classification(_ figure: String) -> Double? { evaluation["classification"]?[figure]?.number }

    /// A table of the retrieval figures of several trials: means, with the deviation over the seeds.
    static func retrievalTable(_ trials: [MNISTTrial], directions: [(key: String, title: String)]) -> DataTable {
        let figures = [
            ("recall_at_1", "recall at 1"), ("recall_at_5", "at 5"), ("recall_at_10", "at 10"),
        ]
        return DataTable(
            columns: ["retrieval among the test samples"] + figures.map { DataTable.Cell($0.1) } + ["median rank"],
            rows: directions.map { key, title in
                let shares = figures.map { figure, _ in
                    DataTable.Cell(percent(trials.compactMap { $0.retrieval(key, figure) }))
                }
                let ranks = trials.compactMap { $0.retrieval(key, "median_rank") }
                return [DataTable.Cell(title)] + shares
                    + [DataTable.Cell(ranks.isEmpty ? "–" : TypographicNumber.short(SampleStatistics(ranks).mean))]
            })
    }

    /// Shares as "65.12 %", or "65.12 ± 0.30 %" for several seeds.
    static func percent(_ shares: [Double]) -> String {
        let statistics = SampleStatistics(shares)
        if shares.isEmpty { return "–" }
        if shares.count == 1 { return TypographicNumber.percent(statistics.mean) }
        return TypographicNumber.fixed(100 * statistics.mean, decimals: 2) + " ± "
            + TypographicNumber.percent(statistics.deviation)
    }
}
