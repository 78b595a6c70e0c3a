import ArgumentParser
import CoupletCommunication
import CoupletFiles
import CoupletReports
import CoupletTraining

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Show runs and sweeps in one HTML file, or as plots.",
        discussion: """
            For runs: curves, evaluations, configs and their differences. For a sweep: the metric over each varied \
            value, over pairs of values and over all of them; how much each value explains; its trials by rank; and \
            why some failed. The page is one file that needs no network; the plots are SVG files. In a browser with \
            scripts, tables can be sorted, curves show their values, and their axis can be the wall time or logarithmic.

            Of several runs and of sweeps, each run and trial has a page of its own in a folder beside, report_runs \
            for report.html, to which the rows of tables link. --no-run-pages leaves these pages out.

            For runs on pictures or texts the page also shows what some held-out samples retrieve, augmented \
            samples, and the embeddings in two dimensions, computed from the newest checkpoint and the data. If the \
            data are not there any more, the page says so and shows the rest.

              couplet report runs/gaussian -o report.html
              couplet report runs/gaussian runs/mnist sweeps/rates -o report.html --plots plots
            """)

    @Argument(
        help: ArgumentHelp("Folders that couplet train or couplet sweep wrote.", valueName: "run|sweep"),
        completion: .directory)
    var folders: [String] = []

    @Option(name: [.short, .long], help: ArgumentHelp("The page.", valueName: "file.html"), completion: .file())
    var output: String?

    @Option(
        help: ArgumentHelp(
            "A folder for the plots, one SVG file each; made if it does not exist.", valueName: "folder"),
        completion: .directory)
    var plots: String?

    @Flag(inversion: .prefixedNo, help: "Write a page of each run and trial, for links.")
    var runPages = true

    @Flag(inversion: .prefixedNo, help: "Show samples of runs on pictures or texts.")
    var samples = true

    @OptionGroup var data: DataPathArguments

    @Option(help: ArgumentHelp("Threads that encode samples. (default: as many as cores)", valueName: "n"))
    var threads: Int?

    func validate() throws {
        try requirePositive(["threads": threads])
        if folders.isEmpty { throw ValidationError("no run or sweep is named; name the folder of one") }
        if output == nil, plots == nil {
            throw ValidationError(
                "nowhere to write; name a page by --output report.html, or a folder for plots by --plots")
        }
    }

    func run() throws {
        let report = try Report(
            reading: folders,
            samples: samples
                ? Report.SampleOptions(
                    registry: CommandRegistry.current, dataPaths: data.paths,
                    threads: threads ?? WorkerCount.availableCores) : nil)
        if let output { try write(report, to: output) }
        if let plots { try report.figures.write(to: plots) }
    }

    /// Writes the page and the pages that it links to, in a folder that has the name of the page's file.
    private func write(_ report: Report, to path: String) throws {
        guard runPages, FileSystem.isFolder(FileSystem.folder(of: path)) else {
            return try report.page.write(to: path)
        }
        try FileSystem.requireRegularFile(path)
        let file = FileSystem.lastComponent(of: path)
        let stem = file.hasSuffix(".html") ? String(file.dropLast(5)) : file
        let folder = "\(path.dropLast(file.count))\(stem)_runs"
        let (page, further) = report.pages(folder: "\(stem)_runs", page: file)
        var size = 0
        if !further.isEmpty { try FileSystem.makeFolder(folder) }
        for one in further {
            let html = try one.page().html
            try DurableFile.replace("\(folder)/\(one.name)", with: html)
            size += html.utf8.count
        }
        // The page is written last, so that its links lead to pages that exist.
        try page.write(to: path)
        if !further.isEmpty {
            print("\(folder): \(further.count) page\(further.count == 1 ? "" : "s"), \(size / 1024 + 1) KiB")
        }
    }
}

extension [NamedFigure] {
    /// Writes each figure to an SVG file in a folder, which is made if it does not exist, and prints the paths.
    func write(to folder: String) throws {
        try FileSystem.makeFolder(folder)
        for named in self {
            let path = "\(folder)/\(named.name).svg"
            try DurableFile.replace(path, with: named.figure.svg)
            print(path)
        }
    }
}

extension ReportPage {
    /// Writes the page, and prints its path and size.
    func write(to path: String) throws {
        let html = self.html
        try DurableFile.replace(path, with: html)
        print("\(path): \(html.utf8.count / 1024 + 1) KiB")
    }
}
