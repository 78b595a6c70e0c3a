import ArgumentParser
import CoupletStudies

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

    @OptionGroup var arguments: StudyArguments

    func run() throws { try arguments.write(GaussianStudy(reading: arguments.folder).page) }
}
