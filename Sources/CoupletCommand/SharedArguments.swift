import ArgumentParser
import CoupletLosses
import CoupletPairs
import CoupletSchema
import CoupletStorage
import CoupletText
import CoupletTraining

/// A config and the values of `--set` that override its keys.
struct ConfigurationArguments: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The config, a YAML file.", valueName: "config"),
        completion: .file(extensions: ["yaml", "yml"]))
    var path: String

    @OptionGroup var overrides: OverrideArguments

    /// - Throws: `ConfigurationError`, `FileError`.
    func load() throws -> Configuration { try overrides.load(path) }
}

/// The values of `--set`, which override keys of a config.
struct OverrideArguments: ParsableArguments {
    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Set a key of the config to a YAML value: --set optimizer.learning_rate=0.01. Repeatable.",
            valueName: "key.path=value"))
    var assignments: [String] = []

    func validate() throws {
        try requireAssignments(assignments, form: "key.path=value", example: "optimizer.learning_rate=0.01")
    }

    /// Loads a config with these values.
    /// - Throws: `ConfigurationError`, `FileError`.
    func load(_ path: String) throws -> Configuration {
        try Configuration.load(path: path, overrides: assignments, registry: CommandRegistry.current)
    }
}

/// The kinds that the program of this command has. `CoupletCommand.main` sets them for the time of the command, because
/// the parser creates the commands.
enum CommandRegistry {
    @TaskLocal static var current: Registry = .builtIn
}

/// The folder of a run.
struct RunArgument: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The folder of a run, as couplet train wrote it.", valueName: "run"), completion: .directory)
    var path: String
}

/// - Throws: `ValidationError` if a value of `--set` has no key or no "=".
func requireAssignments(_ overrides: [String], form: String, example: String) throws {
    for override in overrides where !override.contains("=") || override.hasPrefix("=") {
        throw ValidationError("--set \(override): wanted \(form), such as --set \(example)")
    }
}

/// - Throws: `ValidationError` if an option has a value below 1.
func requirePositive(_ options: KeyValuePairs<String, Int?>) throws {
    for (name, value) in options {
        if let value, value < 1 { throw ValidationError("--\(name) is \(value); wanted at least 1") }
    }
}

/// A time limit on the command line: a number of seconds, or a text such as 10m; 0 for none.
struct TimeLimit: ExpressibleByArgument {
    let seconds: Int

    init(seconds: Int) { self.seconds = seconds }

    init?(argument: String) {
        guard let seconds = Int(argument) ?? DurationText.seconds(argument), seconds >= 0 else { return nil }
        self.seconds = seconds
    }

    var defaultValueDescription: String { DurationText.text(seconds) }

    /// Nil for no limit.
    var duration: Duration? { seconds > 0 ? .seconds(seconds) : nil }
}

extension DatasetReference {
    /// Reads "FILE.h5:/dataset" as the value of an option.
    @Sendable static func argument(_ text: String) throws -> DatasetReference {
        do {
            return try DatasetReference(text)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}

extension CheckpointChoice: ExpressibleByArgument {
    public init?(argument: String) {
        if argument == "latest" {
            self = .latest
        } else if let step = Int(argument), step >= 0 {
            self = .step(step)
        } else {
            return nil
        }
    }
}

extension Configuration.Evaluation.Parameters: ExpressibleByArgument {}
extension Modality: ExpressibleByArgument {}
extension Similarity: ExpressibleByArgument {}
extension ProgressDisplay.Mode: ExpressibleByArgument {}
