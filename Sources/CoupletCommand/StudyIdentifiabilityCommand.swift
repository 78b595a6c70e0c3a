import ArgumentParser
import CoupletStudies

struct StudyIdentifiabilityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identifiability",
        abstract: "The identifiability study: which latent factors encoders find, beside what theory lets expect.",
        discussion: """
            Reads the sweeps table, encoding_size and style_change in a folder, as many as there are, and writes tables and figures with what the theorem of \
            Daunhawer, Bizeul, Palumbo, Marx, Vogt 2023 (arXiv 2303.09166) lets expect.

              launch/reproduce identifiability --output studies/identifiability
              couplet study identifiability studies/identifiability -o report.html
            """)

    @OptionGroup var arguments: StudyArguments

    func run() throws { try arguments.write(IdentifiabilityStudy(reading: arguments.folder).page) }
}
