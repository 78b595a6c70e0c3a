import ArgumentParser
import CoupletFiles
import CoupletReports

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Show runs and sweeps in one HTML file, or as plots.",
        discussion: """
            Curves, evaluations, configs and what differs between them; of a sweep the metric over each varied value, over pairs and over all of \
            them, its trials by rank, and why some failed. One file that needs no network; the plots also as SVG files of their own.

              couplet report runs/gaussian -o report.html
              couplet report runs/gaussian runs/mnist sweeps/rates -o report.html --plots plots
            """)

    @Argument(
        help: ArgumentHelp("Folders that couplet train or couplet sweep wrote.", valueName: "run|sweep"),
        completion: .directory)
    var folders: [String] = []

    @Option(
        name: [.short, .long], help: ArgumentHelp("Where the page goes.", valueName: "file.html"), completion: .file())
    var output: String?

    @Option(
        help: ArgumentHelp(
            "A folder for the plots, an SVG file each; it is made where it is missing.", valueName: "folder"),
        completion: .directory)
    var plots: String?

    func validate() throws {
        if folders.isEmpty { throw ValidationError("no run or sweep is named; name the folder of one") }
        if output == nil, plots == nil {
            throw ValidationError(
                "nowhere to write; name a page by --output report.html, or a folder for plots by --plots")
        }
    }

    func run() throws {
        let report = try Report(reading: folders)
        if let output {
            let html = report.page.html
            try DurableFile.replace(output, with: html)
            print("\(output): \(html.utf8.count / 1024 + 1) KiB")
        }
        if let plots {
            try FileSystem.makeFolder(plots)
            for one in report.figures {
                let path = "\(plots)/\(one.name).svg"
                try DurableFile.replace(path, with: one.figure.svg)
                print(path)
            }
        }
    }
}
