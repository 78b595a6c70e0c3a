import ArgumentParser
import CoupletFiles
import CoupletReports
import CoupletStorage
import CoupletStudies

struct StudyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "study",
        abstract: "Turn the finished sweeps of a study into one page.",
        discussion: "launch/reproduce trains the sweeps and makes the page.",
        subcommands: [StudyGaussianCommand.self, StudyIdentifiabilityCommand.self, StudyCovarianceCommand.self])
}

/// The sweeps of a study, and its page.
struct StudyArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("The folder with the sweeps.", valueName: "folder"), completion: .directory)
    var folder: String

    @Option(name: [.short, .long], help: ArgumentHelp("The page.", valueName: "file.html"), completion: .file())
    var output: String
}

struct StudyGaussianCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gaussian",
        abstract: "The Gaussian study: learned couplings and the exact ones.",
        discussion: """
            Reads the sweeps batch, combinations, rank, weights, information and inputs in a folder, as many as there \
            are, and writes tables and figures with the exact answers of Baptista, Stuart, Tran 2025 (arXiv \
            2505.24134).

              launch/reproduce gaussian --output studies/gaussian
              couplet study gaussian studies/gaussian -o report.html
            """)

    @OptionGroup var arguments: StudyArguments

    func run() throws { try GaussianStudy(reading: arguments.folder).page.write(to: arguments.output) }
}

struct StudyIdentifiabilityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identifiability",
        abstract: "The identifiability study: which latent factors the encoders find, and the predictions.",
        discussion: """
            Reads the sweeps table, encoding_size and style_change in a folder, as many as there are, and writes \
            tables and figures with the predictions of the theorem of Daunhawer, Bizeul, Palumbo, Marx, Vogt 2023 \
            (arXiv 2303.09166).

              launch/reproduce identifiability --output studies/identifiability
              couplet study identifiability studies/identifiability -o report.html
            """)

    @OptionGroup var arguments: StudyArguments

    func run() throws { try IdentifiabilityStudy(reading: arguments.folder).page.write(to: arguments.output) }
}

struct StudyCovarianceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "covariance",
        abstract: "Write the nearly singular covariances of the Gaussian study.",
        discussion: """
            8 and 6 dimensions; variances from 1 down to 10⁻⁶, along directions that are not axes; canonical \
            correlations 0.9, 0.7, 0.5, 0.3, 0.15. As data:

              data: {source: gaussian, covariance: nearly_singular.h5}

              couplet study covariance nearly_singular.h5
            """)

    @Argument(help: ArgumentHelp("The new file.", valueName: "file.h5"), completion: .file(extensions: ["h5"]))
    var output: String

    func run() throws {
        try FileSystem.requireAbsent(output)
        try HDF5File.create(output) { try IllConditionedGaussian.covariance.write(to: $0, group: "") }
        print(output)
    }
}
