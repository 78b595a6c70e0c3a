import CoupletEvaluation
import CoupletText

/// The evaluations of runs, one column per run: all numbers of `evaluation.json`, one row per number. Lists of numbers
/// stand next to the exact values if the file has them.
struct EvaluationTables {
    private let runs: [RunRecord]
    /// Whether some runs are seeds of one setting. The best of them is luck, so the table of the settings has the best.
    private let haveSeeds: Bool

    init(_ runs: [RunRecord], haveSeeds: Bool = false) {
        self.runs = runs.filter { $0.evaluation != nil }
        self.haveSeeds = haveSeeds
    }

    /// A section of `evaluation.json` with the paths of its values.
    private struct EvaluationSection {
        let name: String
        /// The paths of single values and of lists, in the order of their first occurrence.
        var scalars: [String] = []
        var lists: [String] = []
    }

    /// The section of the metrics that are a number of `evaluation.json` and not an object.
    private static let singleFigures = "metrics"

    @PageBuilder var content: [any PageContent] {
        if !runs.isEmpty {
            Section("Evaluation") {
                Paragraph(steps, .remark)
                if runs.count > 1 {
                    Paragraph(
                        haveSeeds
                            ? "No best run is marked, because some runs are seeds of one setting, of which the best is "
                                + "luck. The best settings are under Settings."
                            : "Marked: the best of a row, where its name says whether low or high is better and the "
                                + "runs are evaluated on the same pairs. A difference may be that of two seeds.",
                        .remark)
                }
                for section in sections {
                    Section(Self.words(section.name)) {
                        for (run, table) in identifiability(section) {
                            Paragraph((runs.count == 1 ? "" : run.name + ": ") + table.remark, .remark)
                            table.table
                            if let accuracies = table.accuracies { accuracies }
                        }
                        if !section.scalars.isEmpty, identifiability(section).isEmpty { scalarTable(section) }
                        if let reason = noBestReason(section) { Paragraph(reason, .remark) }
                        if !section.lists.isEmpty { listTable(section) }
                        let figures = figures(section)
                        if !figures.isEmpty { FigureGroup(figures.map(\.figure)) }
                    }
                }
            }
        }
    }

    var figures: [NamedFigure] { sections.flatMap(figures) }

    private var steps: String {
        let steps = runs.map { $0.evaluation?["step"]?.number }
        let text = "On held-out pairs, after "
        if let first = steps.first, steps.allSatisfy({ $0 == first }) {
            return text + "step \(TypographicNumber.short(first, 9))."
        }
        return text
            + zip(runs, steps).map { "step \(TypographicNumber.short($1, 9)) (\($0.name))" }.joined(separator: ", ")
            + "."
    }

    private var sections: [EvaluationSection] {
        var sections: [EvaluationSection] = []
        func collect(_ value: JSONValue, path: String, into section: inout EvaluationSection) {
            switch value {
            case .object(let members):
                for (key, member) in members {
                    collect(member, path: path.isEmpty ? key : "\(path).\(key)", into: &section)
                }
            case .array:
                if value.numbers != nil, !section.lists.contains(path) { section.lists.append(path) }
            case .null: break
            default: if !section.scalars.contains(path) { section.scalars.append(path) }
            }
        }
        for run in runs {
            guard case .object(let members) = run.evaluation else { continue }
            for (key, member) in members where key != "step" {
                // Metrics with one figure share a section.
                let name = if case .object = member { key } else { Self.singleFigures }
                var section = sections.first { $0.name == name } ?? EvaluationSection(name: name)
                collect(member, path: name == key ? "" : key, into: &section)
                if let index = sections.firstIndex(where: { $0.name == name }) {
                    sections[index] = section
                } else {
                    sections.append(section)
                }
            }
        }
        return sections.filter { !$0.scalars.isEmpty || !$0.lists.isEmpty }
    }

    /// The tables of the section `identifiability`. One row per number would give no overview of it.
    private func identifiability(_ section: EvaluationSection) -> [(run: RunRecord, table: IdentifiabilityTable)] {
        section.name == "identifiability"
            ? runs.compactMap { run in IdentifiabilityTable(run.evaluation).map { (run, $0) } } : []
    }

    private func value(_ run: RunRecord, _ section: EvaluationSection, _ path: String) -> JSONValue? {
        var value = run.evaluation.flatMap {
            section.name == Self.singleFigures && $0[section.name] == nil ? $0 : $0[section.name]
        }
        for key in path.split(separator: ".", omittingEmptySubsequences: false) { value = value?[String(key)] }
        return value
    }

    /// The runs that have values of a section.
    private func runsWithValues(_ section: EvaluationSection) -> [RunRecord] {
        runs.filter { run in (section.scalars + section.lists).contains { value(run, section, $0) != nil } }
    }

    private func headers(_ runs: [RunRecord]) -> [DataTable.Cell] {
        self.runs.count == 1 ? ["learned"] : runs.map { DataTable.Cell($0.name, title: $0.folder.path) }
    }

    // MARK: - Single values

    private func scalarTable(_ section: EvaluationSection) -> DataTable {
        let evaluated = runsWithValues(section)
        return DataTable(
            columns: [""] + (runs.count == 1 ? ["value"] : headers(evaluated)),
            rows: section.scalars.map { path in
                let values = evaluated.map { value($0, section, path) }
                let compares = !haveSeeds && obstacle(section) == nil
                let best = compares ? best(values.compactMap { $0?.number }, section, path) : nil
                return [DataTable.Cell(Self.words(path))]
                    + values.map { value in
                        DataTable.Cell(Self.text(value, section, path), isBest: best != nil && value?.number == best)
                    }
            }, isSortable: false)
    }

    /// Keys of an evaluation that say how many pairs it is of.
    private static let counts = ["gallery", "samples", "batch_pairs", "pairs"]

    /// What differs between the runs so that their figures of a section do not compare: keys of the configs, and counts
    /// of pairs; nil if nothing does.
    private func obstacle(_ section: EvaluationSection) -> String? {
        let evaluated = runsWithValues(section), comparability = Comparability.ofMetric(section.name)
        guard evaluated.count > 1 else { return nil }
        let keys = comparability.differences(evaluated.compactMap(\.settings))
        let counted = section.scalars.filter { path in
            Self.counts.contains(path.split(separator: ".").last.map(String.init) ?? "")
                && Set(evaluated.compactMap { value($0, section, path)?.number }).count > 1
        }
        let differing = keys + counted.map { "\(section.name).\($0)" }
        return differing.isEmpty ? nil : differing.joined(separator: ", ")
    }

    /// Why no value of a section is marked as the best; nil if values may be.
    private func noBestReason(_ section: EvaluationSection) -> String? {
        guard !haveSeeds, let obstacle = obstacle(section),
            section.scalars.contains(where: { MetricPath("\(section.name).\($0)").usualGoal != nil })
        else { return nil }
        let what =
            Comparability.ofMetric(section.name) == .heldOutLoss ? "losses are other functions" : "pairs are others"
        return "No best is marked, because the \(what): the runs differ in \(obstacle)."
    }

    /// The best of several values; nil if they are equal or it is unknown whether low or high values are better.
    private func best(_ values: [Double], _ section: EvaluationSection, _ path: String) -> Double? {
        let finite = values.filter(\.isFinite)
        guard finite.count > 1, let low = finite.min(), let high = finite.max(), low < high else { return nil }
        return switch MetricPath("\(section.name).\(path)").usualGoal {
        case .minimize: low
        case .maximize: high
        case nil: nil
        }
    }

    /// The names that tell how a value is shown: its key, and the section, which is the name of a metric with several
    /// figures.
    private static func names(_ section: EvaluationSection, _ path: String) -> [Substring] {
        [section.name[...], path.split(separator: ".").last ?? ""]
    }

    private static func isShare(_ section: EvaluationSection, _ path: String) -> Bool {
        names(section, path).contains {
            $0.hasPrefix("recall_at_") || $0.hasPrefix("top") || $0.contains("accuracy")
        }
    }

    private static func text(_ value: JSONValue?, _ section: EvaluationSection, _ path: String) -> String {
        let isShare = isShare(section, path)
        return switch value {
        case .number(let number):
            isShare ? TypographicNumber.percent(number) : TypographicNumber.significant(number)
        case .integer(let number):
            isShare ? TypographicNumber.percent(Double(number)) : TypographicNumber.grouped(number)
        case .string(let text): text
        case .boolean(let value): value ? "yes" : "no"
        default: "–"
        }
    }

    /// Turns a path into words: `first_to_second.recall_at_1` becomes "first to second: recall at 1".
    static func words(_ path: String) -> String {
        path.split(separator: ".").map { $0.split(separator: "_").joined(separator: " ") }.joined(separator: ": ")
    }

    // MARK: - Lists

    /// Largest number of list elements in a table. Figures show all elements.
    private static let maximumListCount = 24

    private static func exactPath(_ path: String) -> String {
        var components = path.split(separator: ".").map(String.init)
        if let last = components.popLast() { components.append("exact_\(last)") }
        return components.joined(separator: ".")
    }

    /// The exact values of a list, if all runs that have them agree up to rounding.
    private func exact(_ section: EvaluationSection, _ path: String) -> [Double]? {
        let exactLists = runs.compactMap { value($0, section, Self.exactPath(path))?.numbers }
        guard let first = exactLists.first else { return nil }
        let areEqual = exactLists.allSatisfy { values in
            values.count == first.count
                && zip(values, first).allSatisfy { abs($0 - $1) <= 1e-9 * max(abs($0), abs($1)) }
        }
        return areEqual ? first : nil
    }

    private func listTable(_ section: EvaluationSection) -> DataTable {
        let hasExact = section.lists.contains { exact(section, $0) != nil }
        let evaluated = runsWithValues(section)
        var rows: [[DataTable.Cell]] = []
        for path in section.lists
        where !section.lists.contains(where: { Self.exactPath($0) == path && exact(section, $0) != nil }) {
            let learned = evaluated.map { value($0, section, path)?.numbers ?? [] }, exact = exact(section, path)
            let count = max(learned.map(\.count).max() ?? 0, exact?.count ?? 0)
            for index in 0..<min(count, Self.maximumListCount) {
                let values = learned.map { $0.indices.contains(index) ? $0[index] : nil }
                rows.append(
                    [DataTable.Cell("\(Self.words(path)), \(index + 1)")]
                        + values.map { DataTable.Cell(TypographicNumber.significant($0)) }
                        + (hasExact
                            ? [
                                DataTable.Cell(
                                    exact.map {
                                        $0.indices.contains(index) ? TypographicNumber.significant($0[index]) : "–"
                                    } ?? "")
                            ] : []))
            }
            if count > Self.maximumListCount {
                rows.append([DataTable.Cell("\(Self.words(path)): \(count - Self.maximumListCount) more")])
            }
        }
        return DataTable(
            columns: [""] + (runs.count == 1 && !hasExact ? ["value"] : headers(evaluated))
                + (hasExact ? ["exact"] : []),
            rows: rows, isSortable: false)
    }

    /// A plot for each list that has exact values.
    private func figures(_ section: EvaluationSection) -> [NamedFigure] {
        section.lists.compactMap { path in
            guard let exact = exact(section, path), exact.count > 1 else { return nil }
            var series = runs.enumerated().compactMap { index, run -> Series? in
                guard let values = value(run, section, path)?.numbers else { return nil }
                return Series(
                    runs.count == 1 ? "learned" : run.name, Self.points(values),
                    style: values.count > 60 ? .line : .markers,
                    appearance: index < Theme.seriesCount ? .numbered(index) : .quiet)
            }
            series.insert(Series("exact", Self.points(exact), style: .line, appearance: .neutral), at: 0)
            let ticks = exact.count <= 12 ? exact.indices.map { Double($0 + 1) } : nil
            return NamedFigure(
                "\(section.name)-\(path)",
                Plot(
                    Self.words(path), x: Axis("number", scale: .linear, ticks: ticks), y: Axis("", includesZero: true),
                    series: series))
        }
    }

    private static func points(_ values: [Double]) -> [PlotPoint] {
        values.enumerated().map { PlotPoint(Double($0 + 1), $1) }
    }
}
