import ArgumentParser
import CoupletTraining

/// A config and what the command line changes in it.
struct ConfigurationArguments: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The config, a YAML file.", valueName: "config"),
        completion: .file(extensions: ["yaml", "yml"]))
    var path: String

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Another value for a key of the config, as YAML: --set optimizer.learning_rate=0.01. Can be given often.",
            valueName: "key.path=value"))
    var overrides: [String] = []

    func validate() throws {
        for override in overrides where !override.contains("=") || override.hasPrefix("=") {
            throw ValidationError(
                "--set \(override): wanted key.path=value, such as --set optimizer.learning_rate=0.01")
        }
    }

    /// - Throws: `ConfigurationError`, `FileError`.
    func load() throws -> Configuration { try Configuration.load(path: path, overrides: overrides) }
}
