import CoupletSweeps

/// What a sweep's folder tells: its table, as far as it is written, and its definition.
public struct SweepRecord: Sendable {
    public let folder: SweepFolder
    /// What tells this sweep from the others.
    public internal(set) var name: String
    /// The dotted keys that vary.
    public let keys: [String]
    /// A path into evaluation.json.
    public let metric: String
    /// Whether small metrics are the good ones.
    public let minimizes: Bool
    /// In the order of the table.
    public let trials: [SweepRow]
    /// The trials that are done, the best first.
    public let ranked: [SweepRow]
    /// `sweep.yaml`.
    public let specification: String?
    /// `base.yaml`.
    public let base: String?

    /// Reads a sweep's folder, while the sweep runs too.
    /// - Throws: `FileError`, `ConfigurationError` where its definition or table is missing or damaged.
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

    /// The shortest ends of the keys that still tell them apart: `learning_rate` for `optimizer.learning_rate`.
    public var shortKeys: [String] { TrialNaming.shortened(keys) }
}
