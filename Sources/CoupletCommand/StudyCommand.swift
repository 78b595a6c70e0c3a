import ArgumentParser
import Reports
import Storage

struct StudyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "study",
        abstract: "Turn the finished sweeps of a study into one page.",
        discussion: "launch/reproduce trains the sweeps and makes the page.",
        subcommands: [StudyGaussianCommand.self, StudyCovarianceCommand.self])
}

struct StudyGaussianCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gaussian",
        abstract: "The Gaussian study: learned couplings beside their exact answers.",
        discussion: """
            Reads the sweeps batch, combinations, rank, weights, information and inputs in a folder, as many as there are, and writes tables and figures \
            with the exact answers of Baptista, Stuart, Tran 2025 (arXiv 2505.24134).

              launch/reproduce gaussian --output studies/gaussian
              couplet study gaussian studies/gaussian -o report.html
            """)

    @Argument(help: ArgumentHelp("The folder with the sweeps.", valueName: "folder"), completion: .directory)
    var folder: String

    @Option(name: [.short, .long], help: ArgumentHelp("Where the page goes.", valueName: "file.html"), completion: .file())
    var output: String

    func run() throws {
        let html = try GaussianStudy(reading: folder).page.html
        try DurableFile.replace(output, with: html)
        print("\(output): \(html.utf8.count / 1024 + 1) KiB")
    }
}
