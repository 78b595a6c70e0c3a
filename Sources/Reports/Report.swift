import CoupletFiles
import CoupletSchema
import CoupletSweeps
import CoupletTraining

/// A report on runs and sweeps, as one HTML page or as separate figures. It depends on the folders and, for runs on
/// pictures or texts, on their data: the same ones give the same bytes.
public struct Report: Sendable {
    /// In the order of the arguments.
    public let runs: [RunRecord]
    public let sweeps: [SweepRecord]

    /// How the samples of runs on pictures or texts are computed.
    public struct SampleOptions: Sendable {
        /// The kinds of the program that made the runs.
        public var registry: Registry
        /// `key=value` for `Configuration.dataPathKeys`, if the data have moved since the runs.
        public var dataPaths: [String]
        /// Number of threads; the report does not depend on it.
        public var threads: Int

        public init(registry: Registry = .builtIn, dataPaths: [String] = [], threads: Int = 1) {
            self.registry = registry
            self.dataPaths = dataPaths
            self.threads = threads
        }
    }

    /// The samples of at most so many runs are shown, because each needs its data and its encoders.
    public static let runsWithSamples = 6

    /// Reads the folders of runs and sweeps. A repeated folder is read once.
    /// - Parameter samples: nil shows no samples.
    /// - Throws: `FileError`: `.inputOutput` if a folder is neither a run nor a sweep or cannot be read, `.badData` if
    ///   the table of a sweep is damaged.
    public init(reading folders: [String], samples: SampleOptions? = SampleOptions()) throws {
        var runs: [RunRecord] = [], sweeps: [SweepRecord] = [], seen: Set<String> = []
        for folder in folders {
            let path = RunFolder(path: folder).path
            guard seen.insert(path).inserted else { continue }
            switch try Self.kind(of: path) {
            case .run: runs.append(try RunRecord(reading: path))
            case .sweep: sweeps.append(try SweepRecord(reading: path))
            }
        }
        for (index, name) in Self.names(of: runs.map(\.folder.path)).enumerated() { runs[index].name = name }
        for (index, name) in Self.names(of: sweeps.map(\.folder.path)).enumerated() { sweeps[index].name = name }
        if let samples {
            for index in runs.indices.prefix(Self.runsWithSamples) {
                runs[index].readSamples(
                    registry: samples.registry, dataPaths: samples.dataPaths, threads: samples.threads)
            }
        }
        self.runs = runs
        self.sweeps = sweeps
    }

    /// The page, in one file.
    public var page: ReportPage { page(links: RunLinks()) }

    /// The page, and a page for each run or trial that it links to: of several runs each one, of a sweep the trials in
    /// its tables that have a folder. A report on one run has no further pages.
    /// - Parameters:
    ///   - folder: The folder of the further pages, relative to that of the page.
    ///   - page: The name of the page's file.
    public func pages(folder: String, page: String) -> (page: ReportPage, further: [FurtherPage]) {
        let folders =
            (runs.count > 1 || !sweeps.isEmpty ? runs.map { (name: $0.name, path: $0.folder.path) } : [])
            + sweeps.flatMap { sweep in
                TrialTables.shown(sweep).map { trial in
                    (
                        name: sweeps.count + runs.count > 1 ? "\(sweep.name)/\(trial.trial)" : trial.trial,
                        path: sweep.folder.trial(trial.trial)
                    )
                }.filter { RunFolder(path: $0.path).holdsRun }
            }
        let names = NamedFigure.distinctNames(folders.map { NamedFigure.fileName($0.name) })
        let further = zip(folders, names).map { run, name in
            FurtherPage(
                name: "\(name).html", title: run.name, run: runs.first { $0.folder.path == run.path },
                folder: run.path, parent: PageLink(title, path: "../\(page)"))
        }
        let links = RunLinks(in: folder, zip(names, folders).map { ($0, $1.path) })
        return (self.page(links: links), further)
    }

    private func page(links: RunLinks) -> ReportPage {
        let folders = (runs.map(\.folder.path) + sweeps.map(\.folder.path)).joined(separator: ", ")
        return ReportPage(title: title, lead: "Made by \(Version.program) from \(folders).") {
            if !runs.isEmpty { RunsReport(runs, links: links).content }
            for sweep in sweeps {
                SweepReport(sweep, links: links).content(isAlone: runs.isEmpty && sweeps.count == 1)
            }
        }
    }

    /// Every figure of the page, with a unique name for its file.
    public var figures: [NamedFigure] {
        NamedFigure.distinct(
            (runs.isEmpty ? [] : RunsReport(runs).figures) + sweeps.flatMap { SweepReport($0).figures })
    }

    private var title: String {
        func counted(_ count: Int, _ name: String) -> String { "\(count) \(name)\(count == 1 ? "" : "s")" }
        if sweeps.isEmpty { return runs.count == 1 ? "Run \(runs[0].name)" : counted(runs.count, "run") }
        if runs.isEmpty { return sweeps.count == 1 ? "Sweep \(sweeps[0].name)" : counted(sweeps.count, "sweep") }
        return "\(counted(runs.count, "run")) and \(counted(sweeps.count, "sweep"))"
    }

    private enum Kind { case run, sweep }

    private static func kind(of path: String) throws -> Kind {
        guard FileSystem.isFolder(path) else {
            let reason = FileSystem.exists(path) ? "a file, not the folder of a run or sweep" : "no such folder"
            throw FileError(
                .inputOutput, at: path, reason: reason,
                remedy: "a report is made from the folders that couplet train and couplet sweep write")
        }
        if SweepFolder(path: path).holdsSweep { return .sweep }
        let run = RunFolder(path: path)
        if run.holdsRun { return .run }
        let nested = FileSystem.names(in: path).map { "\(path)/\($0)" }.filter {
            RunFolder(path: $0).holdsRun || SweepFolder(path: $0).holdsSweep
        }
        let remedy =
            nested.isEmpty
            ? "a run is the folder that couplet train writes"
            : "it contains \(nested.prefix(6).joined(separator: " "))\(nested.count > 6 ? " …" : "")"
        throw FileError(.inputOutput, at: path, reason: "neither a run nor a sweep", remedy: remedy)
    }

    /// Shortens each path to its last components, as many as distinguish it from the others.
    private static func names(of paths: [String]) -> [String] {
        let components = paths.map { $0.split(separator: "/").map(String.init).filter { $0 != "." } }
        return paths.indices.map { index in
            for count in 1...max(1, components[index].count) {
                let end = components[index].suffix(count)
                if components.indices.allSatisfy({ $0 == index || components[$0].suffix(count) != end }), !end.isEmpty {
                    return end.joined(separator: "/")
                }
            }
            return paths[index]
        }
    }
}
