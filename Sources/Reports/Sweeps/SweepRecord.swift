import CoupletSweeps

/// The contents of a sweep's folder: its specification, its table so far, and the results of successive halving.
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
    /// The distribution of each key that is drawn at random.
    let draws: [String: VariedKey.Distribution]
    /// The steps after which successive halving compared trials, ascending, each with the metric of the trials that
    /// reached it; empty for a sweep without halving.
    let stages: [Stage]

    /// The trials at one step of successive halving.
    struct Stage: Sendable {
        let step: Int
        let metrics: [String: Double]
    }

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
        let loaded = try SweepSpecification.load(path: folder.specification)
        var draws: [String: VariedKey.Distribution] = [:]
        for varied in loaded.varied {
            if case .drawn(let distribution, _, _) = varied.values { draws[varied.key] = distribution }
        }
        self.draws = draws
        stages = loaded.halving == nil ? [] : Self.stages(try ResultsFile.results(path: folder.results))
    }

    /// The part of a sweep whose trials have `values` for `keys`, which it does not vary.
    init(of sweep: SweepRecord, keys fixed: [String], values: [String]) {
        let kept = sweep.keys.indices.filter { !fixed.contains(sweep.keys[$0]) }
        let positions = fixed.compactMap { sweep.keys.firstIndex(of: $0) }
        func reduced(_ rows: [SweepRow]) -> [SweepRow] {
            rows.filter { row in positions.map { row.values[$0] } == values }.map { row in
                SweepRow(
                    trial: row.trial, status: row.status, values: kept.map { row.values[$0] }, metric: row.metric,
                    chosenOn: row.chosenOn, test: row.test, digest: row.digest, steps: row.steps, seconds: row.seconds,
                    reason: row.reason)
            }
        }
        folder = sweep.folder
        name = sweep.name
        keys = kept.map { sweep.keys[$0] }
        metric = sweep.metric
        minimizes = sweep.minimizes
        trials = reduced(sweep.trials)
        ranked = reduced(sweep.ranked)
        specification = nil
        base = nil
        draws = sweep.draws
        let names = Set(trials.map(\.trial))
        stages = sweep.stages.map { Stage(step: $0.step, metrics: $0.metrics.filter { names.contains($0.key) }) }
    }

    private static func stages(_ results: [TrialResult]) -> [Stage] {
        var metrics: [Int: [String: Double]] = [:]
        for result in results {
            if let metric = result.metric, metric.isFinite {
                metrics[result.steps, default: [:]][result.trial] = metric
            }
        }
        return metrics.sorted { $0.key < $1.key }.map { Stage(step: $0.key, metrics: $0.value) }
    }

    public var failed: [SweepRow] { trials.filter { $0.status == .failed } }

    static func isDone(_ trial: SweepRow) -> Bool { trial.status == .done && trial.metric != nil }

    /// The keys, shortened to the last words that distinguish them: `learning_rate` for `optimizer.learning_rate`.
    public var shortKeys: [String] { TrialNaming.shortened(keys) }

    /// The last word of the metric's path, and the one before where the last alone says little: "coupling_error",
    /// "loss.mean", "singular_values.0".
    var shortMetric: String {
        let words = metric.split(separator: ".")
        let isVague = words.last.map { ["mean", "first", "second"].contains($0) || $0.allSatisfy(\.isNumber) } ?? false
        return words.suffix(isVague ? 2 : 1).joined(separator: ".")
    }

    /// Whether a key is a seed. Trials that differ in the seed alone are repetitions.
    static func isSeed(_ key: String) -> Bool { key == "seed" || key.hasSuffix(".seed") }

    /// The trials that compare with each other, with their figures: those that finished, or with successive halving all
    /// trials at the first step after which it compared them. The label says which.
    var compared: (trials: [(row: SweepRow, metric: Double)], label: String) {
        if let stage = stages.first {
            return (
                trials.compactMap { row in stage.metrics[row.trial].map { (row, $0) } },
                "\(shortMetric) at step \(stage.step)"
            )
        }
        return (trials.filter(Self.isDone).compactMap { row in row.metric.map { (row, $0) } }, shortMetric)
    }
}

// MARK: - What compares

extension SweepRecord {
    /// The varied keys that make the metric of their trials not compare: those of the loss, if the metric is one, and
    /// those of the evaluated pairs.
    var dividingKeys: [String] { keys.filter { Comparability.ofMetric(metric).depends(on: $0) } }

    /// Whether the metric is a loss, of which other kinds do not share an axis.
    private var isOfLoss: Bool { Comparability.ofMetric(metric) == .heldOutLoss }

    /// The parts of the sweep whose metrics share axes, each with the values of `dividingKeys` in words. A sweep by
    /// a metric that is no loss is one part.
    var parts: [(name: String, sweep: SweepRecord)] {
        guard isOfLoss, !dividingKeys.isEmpty else { return [("", self)] }
        let positions = dividingKeys.compactMap { keys.firstIndex(of: $0) }
        var values: [[String]] = []
        for trial in trials {
            let own = positions.map { trial.values[$0] }
            if !values.contains(own) { values.append(own) }
        }
        return values.map { own in
            (
                zip(positions, own).map { "\(shortKeys[$0]) \($1)" }.joined(separator: ", "),
                SweepRecord(of: self, keys: dividingKeys, values: own)
            )
        }
    }

    /// Why no best trial is named; nil if one is.
    var noBestReason: String? {
        let origins = Set(ranked.compactMap { $0.chosenOn?.rawValue })
        if origins.count > 1 {
            return "none is named, because the metrics of the trials are of other pairs: "
                + origins.sorted().joined(separator: ", ")
        }
        guard !dividingKeys.isEmpty else { return nil }
        let keys = dividingKeys.joined(separator: ", ")
        return isOfLoss
            ? "none is named, because trials of other \(keys) have other losses, which do not compare"
            : "none is named, because trials of other \(keys) are evaluated on other pairs"
    }

    /// The settings that several seeds repeat: values without the seeds, with the metrics of the finished trials. Empty
    /// if no key is a seed.
    var settings: [(values: [String], metrics: [Double])] {
        let seeds = keys.indices.filter { Self.isSeed(keys[$0]) }
        guard !seeds.isEmpty else { return [] }
        var settings: [(values: [String], metrics: [Double])] = []
        for trial in trials.filter(Self.isDone) {
            let values = keys.indices.filter { !seeds.contains($0) }.map { trial.values[$0] }
            guard let metric = trial.metric else { continue }
            if let index = settings.firstIndex(where: { $0.values == values }) {
                settings[index].metrics.append(metric)
            } else {
                settings.append((values, [metric]))
            }
        }
        return settings
    }
}
