import CoupletFiles
import CoupletSchema
import CoupletSweeps
import CoupletTraining

/// The losses of a sweep's trials. The settings of the best trials are in colour, the others in grey.
struct TrialCurves {
    /// Largest number of trials whose curves are drawn.
    private static let maximumCurves = 60
    private static let maximumColored = 6

    private let curves: RunCurves
    private let trials: [SweepRow]
    private let trialCount: Int
    private let coloredCount: Int

    init(_ sweep: SweepRecord) {
        let all = (sweep.ranked + sweep.trials.filter { $0.status != .done }).filter { trial in
            FileSystem.exists(RunFolder(path: sweep.folder.trial(trial.trial)).metrics)
        }
        trialCount = all.count
        trials = Array(all.prefix(Self.maximumCurves))
        let proper = sweep.keys.indices.filter { !SweepRecord.isSeed(sweep.keys[$0]) }
        let sources = trials.map { trial in
            let run = RunFolder(path: sweep.folder.trial(trial.trial))
            let metrics = (try? RunRecord.text(at: run.metrics)) ?? nil
            let config = (try? RunRecord.text(at: run.configuration)) ?? nil
            return RunCurves.Source(
                name: Self.label(trial), metrics: metrics.map { MetricsHistory($0) },
                settings: config.flatMap { try? ConfigurationSettings(yaml: $0, name: "config.yaml") },
                setting: proper.map { "\(sweep.shortKeys[$0]) \(trial.values[$0])" }.joined(separator: ", "))
        }
        // Colours are for the settings of the best trials, of which several may be seeds of one.
        let done = Set(sweep.ranked.map(\.trial))
        coloredCount = min(
            Self.maximumColored,
            RunGroup.groups(zip(trials, sources).filter { done.contains($0.0.trial) }.map(\.1)).count)
        curves = RunCurves(sources, coloredCount: coloredCount)
        name = sweep.name
    }

    private let name: String

    /// The number of a trial if its name begins with one, else its name. Its values are in other columns of a table.
    static func number(_ trial: SweepRow) -> String {
        let number = trial.trial.prefix { $0 != "_" }
        return number.allSatisfy(\.isNumber) && !number.isEmpty ? String(number) : trial.trial
    }

    /// The name of a trial in a legend: its number and its values.
    private static func label(_ trial: SweepRow) -> String {
        let short = number(trial)
        return short == trial.trial ? short : ([short] + trial.values).joined(separator: " · ")
    }

    /// The appearance of a trial with a colour; nil for any other one.
    func appearance(_ trial: SweepRow) -> Series.Appearance? {
        guard hasCurves, let index = trials.firstIndex(where: { $0.trial == trial.trial }) else { return nil }
        let appearance = curves.appearance(index)
        return appearance == .quiet ? nil : appearance
    }

    private var hasCurves: Bool { curves.runs.contains { $0.metrics != nil } }

    /// One for each kind of loss.
    var figures: [NamedFigure] {
        hasCurves ? LossCurves(curves).figures.map { NamedFigure("\(name)-\($0.name)", $0.figure) } : []
    }

    @PageBuilder var content: [any PageContent] {
        if let remark = curves.seedRemark { Paragraph(remark, .remark) }
        if let reason = LossCurves(curves).reason { Paragraph(reason, .remark) }
        FigureGroup(figures.map(\.figure))
        let greyCount = curves.groups.count - coloredCount
        if greyCount > 0 {
            Paragraph(
                "The best \(coloredCount) of \(curves.groups.count) settings are in colour, the others in grey"
                    + (trialCount > trials.count ? ", \(trialCount - trials.count) trials not at all." : "."), .remark)
        }
    }
}
