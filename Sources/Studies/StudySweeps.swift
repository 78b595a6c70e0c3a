import CoupletFiles
import CoupletReports
import CoupletSweeps
import CoupletText

/// The sweeps of a study that are in a folder, each in one of its own that has the name of its part.
struct StudySweeps<Part: StudyPart, Trial: StudyTrial>: Sendable {
    private let sweeps: [Part: StudySweep<Trial>]
    private let command: String

    /// Reads the sweeps that are in a folder.
    /// - Parameters:
    ///   - study: as errors call it: "Gaussian".
    ///   - command: what `launch/reproduce` calls it.
    /// - Throws: `FileError` where there is none, or one is damaged.
    init(reading folder: String, of study: String, command: String) throws {
        var sweeps: [Part: StudySweep<Trial>] = [:]
        for part in Part.allCases where SweepFolder(path: "\(folder)/\(part.rawValue)").holdsSweep {
            sweeps[part] = try StudySweep(reading: "\(folder)/\(part.rawValue)")
        }
        guard !sweeps.isEmpty else {
            let names = Part.allCases.map(\.rawValue).joined(separator: ", ")
            throw FileError(
                .inputOutput, place: folder, reason: "no sweep of the \(study) study: none of \(names)",
                remedy: "launch/reproduce \(command) --output \(folder) trains them")
        }
        self.sweeps = sweeps
        self.command = command
    }

    /// Which parts are there.
    var parts: [Part] { Part.allCases.filter { sweeps[$0] != nil } }

    /// A section for each part that is there, then what was trained for them.
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
                "launch/reproduce \(command) trains these sweeps and makes this page; stopped and started again, it goes on where it was. launch/reproduce --help tells of smaller and larger settings."
            )
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
                        DataTable.Cell(TypographicNumber.duration(rows.compactMap(\.seconds).reduce(0, +))),
                    ]
                }
            })
        for part in parts {
            if let text = sweeps[part]?.record.specification {
                CollapsibleText("\(part.rawValue)/sweep.yaml", text: text)
            }
        }
        for (text, parts) in bases {
            CollapsibleText("base.yaml of " + parts.map(\.rawValue).joined(separator: ", "), text: text)
        }
    }
    /// The sweeps' base configs, each with the sweeps that have it.
    private var bases: [(text: String, parts: [Part])] {
        parts.reduce(into: []) { bases, part in
            guard let text = sweeps[part]?.record.base else { return }
            if let index = bases.firstIndex(where: { $0.text == text }) {
                bases[index].parts.append(part)
            } else {
                bases.append((text, [part]))
            }
        }
    }
}
