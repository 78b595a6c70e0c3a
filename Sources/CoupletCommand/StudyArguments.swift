import ArgumentParser
import CoupletFiles
import CoupletReports

/// From which sweeps a study's page is made, and where it goes.
struct StudyArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("The folder with the sweeps.", valueName: "folder"), completion: .directory)
    var folder: String

    @Option(
        name: [.short, .long], help: ArgumentHelp("Where the page goes.", valueName: "file.html"), completion: .file())
    var output: String

    func write(_ page: ReportPage) throws {
        let html = page.html
        try DurableFile.replace(output, with: html)
        print("\(output): \(html.utf8.count / 1024 + 1) KiB")
    }
}
