import ArgumentParser

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Print a config with all its defaults filled in.",
        discussion: """
            Checks it too: all that is wrong comes out at once, with file, line and key. What is printed is a config itself.

              couplet config configs/gaussian.yaml --set batch.size=4096
            """)

    @OptionGroup var arguments: ConfigurationArguments

    func run() throws { print(try arguments.load().resolvedYAML, terminator: "") }
}
