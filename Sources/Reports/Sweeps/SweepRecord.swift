import CoupletSweeps

/// The contents of a sweep's folder: its specification and its table so far.
public struct SweepRecord: Sendable {
    public let folder: SweepFolder
    /// The name of the folder, with as much of its path as distinguishes it from the other sweeps.
    public internal(set) var name: String
    /// The varied keys, with their blocks.
    public let keys: [String]
    /// The path of the metric in `evaluation.json`.
    public let metric: String
    /// Whether small metrics are better.
    public let minimizes: Bool
    /// In the order of the table.
    public let trials: [SweepRow]
    /// The finished trials, the best first.
    public let ranked: [SweepRow]
    /// The text of `sweep.yaml`.
    public let specification: String?
    /// The text of `base.yaml`.
    public let base: String?

    /// Reads a sweep's folder. The sweep may still be running.
    /// - Throws: `FileError` or `ConfigurationError` if its specification or table is missing or damaged.
    public init(reading path: String) throws {
        folder = SweepFolder(path: path)
        name = folder.path
        specification = try RunRecord.text(at: folder.specification)
        base = try RunRecord.text(at: folder.base)
        let table = try SweepTable(folder: folder)
        keys = table.keys
        metric = table.metric
        minimizes = table.goal == .minimize
        trials = table.rows
        ranked = table.ranked
    }

    public var failed: [SweepRow] { trials.filter { $0.status == .failed } }

    static func isDone(_ trial: SweepRow) -> Bool { trial.status == .done && trial.metric != nil }

    /// The keys, shortened to the last words that distinguish them: `learning_rate` for `optimizer.learning_rate`.
    public var shortKeys: [String] { TrialNaming.shortened(keys) }
}
