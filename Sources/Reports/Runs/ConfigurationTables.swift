/// The configs of runs: what differs in a table, each whole folded away.
package struct ConfigurationTables {
    private let runs: [RunRecord]

    package init(_ runs: [RunRecord]) { self.runs = runs }

    @PageBuilder var content: [any PageContent] {
        if runs.contains(where: { $0.configuration != nil }) {
            Section(runs.count == 1 ? "Config" : "Configs") {
                if runs.count > 1 { differenceTable }
                for run in runs {
                    if let text = run.configuration {
                        CollapsibleText(runs.count == 1 ? "config.yaml" : run.name, text: text)
                    }
                }
            }
        }
    }

    /// Keys whose values differ between the runs, in the order of the first config that has them.
    package var differences: [(key: String, values: [String?])] {
        let readable = runs.filter { $0.settings != nil }
        var keys: [String] = [], seen: Set<String> = []
        for run in readable {
            for setting in run.settings?.settings ?? [] where seen.insert(setting.key).inserted {
                keys.append(setting.key)
            }
        }
        return keys.map { key in (key, runs.map { $0.settings?[key] }) }.filter { _, values in
            let compared = zip(runs, values).filter { $0.0.settings != nil }.map(\.1)
            return compared.contains { $0 != compared.first }
        }
    }

    @PageBuilder private var differenceTable: [any PageContent] {
        let differences = differences
        if differences.isEmpty {
            Paragraph("All configs are the same.")
        } else {
            DataTable(
                columns: ["key"] + runs.map { DataTable.Cell($0.name, title: $0.folder.path) },
                rows: differences.map { key, values in
                    [DataTable.Cell(key)]
                        + values.map { value in
                            DataTable.Cell(
                                value.map { TextWidth.fitted($0, size: 1, within: 28) } ?? "–", title: value ?? "")
                        }
                })
            let same = (runs.first { $0.settings != nil }?.settings?.settings.count ?? 0) - differences.count
            if same > 0 { Paragraph("\(same) other keys are the same in all.", .remark) }
        }
    }
}
