import ArgumentParser

struct StudyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "study",
        abstract: "Turn the finished sweeps of a study into one page.",
        discussion: "launch/reproduce trains the sweeps and makes the page.",
        subcommands: [StudyGaussianCommand.self, StudyIdentifiabilityCommand.self, StudyCovarianceCommand.self])
}
