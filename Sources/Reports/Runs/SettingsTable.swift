import CoupletEvaluation
import CoupletSchema
import CoupletText

/// Settings that several seeds repeat: mean and standard deviation of each figure of the evaluations over the seeds.
struct SettingsTable {
    private let runs: [RunRecord]
    private let groups: [RunGroup]
    private let appearance: (Int) -> Series.Appearance

    /// - Parameter appearance: The appearance of a run in the figures.
    init(_ runs: [RunRecord], _ groups: [RunGroup], appearance: @escaping (Int) -> Series.Appearance) {
        self.runs = runs
        self.groups = groups
        self.appearance = appearance
    }

    /// The figures that the table shows where the runs have them, with what is better.
    private var paths: [(path: String, goal: MetricGoal)] {
        var paths: [String] = []
        func collect(_ value: JSONValue, _ path: String) {
            switch value {
            case .object(let members):
                for (key, member) in members where key != "validation" {
                    collect(member, path.isEmpty ? key : "\(path).\(key)")
                }
            case .number: if !paths.contains(path) { paths.append(path) }
            default: break
            }
        }
        for run in runs { if let evaluation = run.evaluation { collect(evaluation, "") } }
        return paths.compactMap { path in
            // Directions of retrieval and the like are in the table of the evaluation; here stands their mean.
            let isDirection = path.contains("first_to_second") || path.contains("second_to_first")
            return isDirection ? nil : MetricPath(path).usualGoal.map { (path, $0) }
        }
    }

    private static let maximumColumns = 10

    @PageBuilder var content: [any PageContent] {
        if groups.contains(where: { $0.members.count > 1 }), !paths.isEmpty {
            Section("Settings") {
                Paragraph(
                    "Runs that differ in the seed alone: mean ± standard deviation (divided by n − 1) of the n runs "
                        + "that have the figure. Marked: the best mean of a column.", .remark)
                table
                for reason in reasons { Paragraph(reason, .remark) }
            }
        }
    }

    private var shown: [(path: String, goal: MetricGoal)] { Array(paths.prefix(Self.maximumColumns)) }

    /// The keys that keep a figure from being compared between the settings.
    private func obstacle(_ path: String) -> [String] {
        Comparability.ofMetric(path).differences(groups.compactMap { runs[$0.members[0]].settings })
    }

    private var reasons: [String] {
        let losses = shown.filter { Comparability.ofMetric($0.path) == .heldOutLoss }
        let others = shown.filter { Comparability.ofMetric($0.path) == .evaluation }
        return [("loss", losses), ("other figure", others)].compactMap { name, paths in
            guard let path = paths.first?.path, !obstacle(path).isEmpty else { return nil }
            return "No best \(name) is marked, because the settings differ in "
                + "\(obstacle(path).joined(separator: ", "))."
        }
    }

    private var table: DataTable {
        let columns = shown.map { path, goal -> [DataTable.Cell] in
            let samples = groups.map { group in
                SampleStatistics(
                    group.members.compactMap { run in runs[run].evaluation.flatMap { MetricPath(path).value(in: $0) } })
            }
            let means = samples.filter { $0.count > 0 }.map(\.mean)
            let best = goal == .minimize ? means.min() : means.max()
            let marks = obstacle(path).isEmpty && means.count > 1 && Set(means).count > 1
            return samples.map { sample in
                let spread = sample.count > 1 ? " ± \(TypographicNumber.significant(sample.deviation, 2))" : ""
                return DataTable.Cell(
                    TypographicNumber.significant(sample.mean) + spread, title: "n = \(sample.count)",
                    isBest: marks && sample.mean == best, sortValue: sample.mean)
            }
        }
        return DataTable(
            columns: ["setting", "n"] + shown.map { DataTable.Cell(EvaluationTables.words($0.path)) },
            rows: groups.enumerated().map { index, group in
                let name = DataTable.Cell(
                    group.name, title: group.members.map { runs[$0].name }.joined(separator: ", "),
                    appearance: appearance(group.members[0]))
                return [name, DataTable.Cell("\(group.members.count)")] + columns.map { $0[index] }
            })
    }
}
