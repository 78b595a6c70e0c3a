import CoupletFiles
import CoupletReports
import CoupletSweeps
import CoupletText

/// A part of a study: one sweep and one section of the page, in the order of the cases. The raw value is the name of
/// the sweep's folder.
protocol StudyPart: RawRepresentable<String>, CaseIterable, Hashable, Sendable {
    /// The heading of the section.
    var heading: String { get }
}

/// A finished trial of a study's sweep, with the figures that the page shows.
protocol StudyTrial: Sendable {
    /// - Throws: If the run is damaged or is not a trial of the study.
    init(reading path: String, name: String) throws
}

/// A sweep of a study with all of its finished trials.
struct StudySweep<Trial: StudyTrial>: Sendable {
    let record: SweepRecord
    /// In the order of the table.
    let trials: [Trial]

    /// - Throws: `FileError` if there is no such sweep or a part of it is damaged.
    init(reading path: String) throws {
        let record = try SweepRecord(reading: path)
        self.record = record
        trials = try record.trials.filter { $0.status == .done }.map {
            try Trial(reading: record.folder.trial($0.trial), name: $0.trial)
        }
    }

    /// A note on unfinished trials; nil if there are none.
    var remark: String? {
        let missing = record.trials.count - trials.count
        guard missing > 0 else { return nil }
        let failed = record.failed.count
        return "\(missing) of \(record.trials.count) trials are not done"
            + "\(failed > 0 ? ", \(failed) of them failed" : "")."
    }

    /// Groups the trials by a key, in ascending order of the key.
    func sortedGroups<Key: Hashable & Comparable>(by key: (Trial) -> Key) -> [(key: Key, trials: [Trial])] {
        groups(by: key).sorted { $0.key < $1.key }
    }

    /// Groups the trials by a key, in the order of the first occurrence of each key.
    func groups<Key: Hashable>(by key: (Trial) -> Key) -> [(key: Key, trials: [Trial])] { trials.groups(by: key) }
}

extension Array where Element: StudyTrial {
    /// Groups the trials of one or of several sweeps, as `StudySweep.groups(by:)` does.
    func groups<Key: Hashable>(by key: (Element) -> Key) -> [(key: Key, trials: [Element])] {
        var groups: [(key: Key, trials: [Element])] = [], indices: [Key: Int] = [:]
        for trial in self {
            let value = key(trial)
            if let index = indices[value] {
                groups[index].trials.append(trial)
            } else {
                indices[value] = groups.count
                groups.append((value, [trial]))
            }
        }
        return groups
    }
}

/// The sweeps of a study in a folder. Each sweep has a subfolder with the name of its part.
struct StudySweeps<Part: StudyPart, Trial: StudyTrial>: Sendable {
    private let sweeps: [Part: StudySweep<Trial>]
    private let command: String

    /// Reads the sweeps that exist in a folder.
    /// - Parameters:
    ///   - study: The name of the study in error messages: "Gaussian".
    ///   - command: The name of the study in `launch/reproduce`.
    /// - Throws: `FileError` if there is no sweep or a sweep is damaged.
    init(reading folder: String, of study: String, command: String) throws {
        var sweeps: [Part: StudySweep<Trial>] = [:]
        for part in Part.allCases where SweepFolder(path: "\(folder)/\(part.rawValue)").holdsSweep {
            sweeps[part] = try StudySweep(reading: "\(folder)/\(part.rawValue)")
        }
        guard !sweeps.isEmpty else {
            let names = Part.allCases.map(\.rawValue).joined(separator: ", ")
            throw FileError(
                .inputOutput, at: folder, reason: "no sweep of the \(study) study: none of \(names)",
                remedy: "launch/reproduce \(command) --output \(folder) trains them")
        }
        self.sweeps = sweeps
        self.command = command
    }

    /// The sweep of a part; nil if it does not exist.
    subscript(part: Part) -> StudySweep<Trial>? { sweeps[part] }

    /// The parts whose sweeps exist.
    var parts: [Part] { Part.allCases.filter { sweeps[$0] != nil } }

    /// A section for each part, and a section on how the study was made.
    @PageBuilder func sections(_ content: (Part, StudySweep<Trial>) -> [any PageContent]) -> [any PageContent] {
        for part in parts {
            if let sweep = sweeps[part] {
                Section(part.heading) {
                    content(part, sweep)
                    if let remark = sweep.remark { Paragraph(remark, .warning) }
                }
            }
        }
        Section("How it was made") {
            Paragraph(
                "launch/reproduce \(command) trains these sweeps and makes this page. After an interruption, the same "
                    + "command continues. launch/reproduce --help lists smaller and larger settings.")
            sources
        }
    }

    @PageBuilder private var sources: [any PageContent] {
        DataTable(
            columns: ["sweep", "trials", "steps", "time of all trials"],
            rows: parts.compactMap { part in
                sweeps[part].map { sweep in
                    let rows = sweep.record.trials
                    return [
                        DataTable.Cell(part.rawValue), DataTable.Cell(TypographicNumber.grouped(rows.count)),
                        DataTable.Cell(rows.compactMap(\.steps).max().map(TypographicNumber.grouped) ?? "–"),
                        DataTable.Cell(DurationText.words(rows.compactMap(\.seconds).reduce(0, +))),
                    ]
                }
            })
        for part in parts {
            if let text = sweeps[part]?.record.specification {
                CollapsibleText("\(part.rawValue)/sweep.yaml", text: text)
            }
        }
        for (text, parts) in baseConfigs {
            CollapsibleText("base.yaml of " + parts.map(\.rawValue).joined(separator: ", "), text: text)
        }
    }

    /// The distinct base configs, each with the parts that use it.
    private var baseConfigs: [(text: String, parts: [Part])] {
        parts.reduce(into: []) { configs, part in
            guard let text = sweeps[part]?.record.base else { return }
            if let index = configs.firstIndex(where: { $0.text == text }) {
                configs[index].parts.append(part)
            } else {
                configs.append((text, [part]))
            }
        }
    }
}
