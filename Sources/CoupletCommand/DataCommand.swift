import ArgumentParser

struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Work with the pairs that a config describes.",
        subcommands: [DataExportCommand.self])
}
