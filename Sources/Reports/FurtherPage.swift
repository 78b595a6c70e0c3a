import CoupletTraining

/// The page of a run or trial that another report links to.
public struct FurtherPage: Sendable {
    /// The name of its file.
    public let name: String
    let title: String
    /// The run as the report has read it, with its samples; nil for a trial, which is read when its page is made.
    let run: RunRecord?
    let folder: String
    /// The page with the link, relative to this one.
    let parent: PageLink

    /// Makes the page. Samples are shown of runs of which the report has them.
    /// - Throws: `FileError` as `RunRecord`, if the folder has been removed since.
    public func page() throws -> ReportPage {
        var record = try run ?? RunRecord(reading: folder)
        record.name = title
        return ReportPage(
            title: "Run \(title)", lead: "Made by \(Version.program) from \(folder).", parent: parent
        ) { RunsReport([record]).content }
    }
}
