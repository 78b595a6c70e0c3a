import ArgumentParser
import CoupletInference
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

/// The checkpoint of a run that a command uses.
struct CheckpointArgument: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The checkpoint: latest, best (by train.best of the config), or its step.", valueName: "latest|best|step"))
    var checkpoint: CheckpointChoice = .latest
}

/// Where the data of a run are now.
struct DataPathArguments: ParsableArguments {
    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Where the data are now, if they have moved since the run: "
                + "\(Configuration.dataPathKeys.joined(separator: " or ")).", valueName: "data.path=path"))
    var paths: [String] = []

    func validate() throws {
        for path in paths where !Configuration.dataPathKeys.contains(where: { path.hasPrefix("\($0)=") }) {
            throw ValidationError(
                "--set \(path): the run's own config is used; only the paths of its data may change: "
                    + Configuration.dataPathKeys.joined(separator: ", "))
        }
    }
}

/// Writes a warning to standard error.
func warn(_ text: String) { ProgressDisplay.Console.standardError.write(escaping: "couplet: warning: \(text)\n") }

/// - Throws: `ValidationError` if a value of `--set` has no key or no "=".
func requireAssignments(_ overrides: [String], form: String, example: String) throws {
    for override in overrides where !override.contains("=") || override.hasPrefix("=") {
        throw ValidationError("--set \(override): wanted \(form), such as --set \(example)")
    }
}

/// The largest numbers that options accept. They are far above anything useful, and small enough that their products
/// do not overflow.
enum OptionLimits {
    static let threads = 4_096
    static let ranks = 1 << 20
    /// Samples, rows, repetitions.
    static let count = 1 << 30
}

/// - Throws: `ValidationError` if an option has a value below 1, or above its limit: `OptionLimits.threads` for
///   "threads", `OptionLimits.ranks` for "ranks", `OptionLimits.count` for others.
func requirePositive(_ options: KeyValuePairs<String, Int?>) throws {
    for (name, value) in options {
        let limit =
            switch name {
            case "threads": OptionLimits.threads
            case "ranks": OptionLimits.ranks
            default: OptionLimits.count
            }
        guard let value, !(1...limit).contains(value) else { continue }
        throw ValidationError("--\(name) is \(value); wanted at least 1\(value < 1 ? "" : " and at most \(limit)")")
    }
}

/// A time limit on the command line: a number of seconds, or a text such as 10m, up to 100,000 days; 0 for none.
struct TimeLimit: ExpressibleByArgument {
    let seconds: Int

    init(seconds: Int) { self.seconds = seconds }

    init?(argument: String) {
        guard let seconds = Int(argument) ?? DurationText.seconds(argument),
            (0...DurationText.largestSeconds).contains(seconds)
        else { return nil }
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

extension InputReference {
    /// Reads the value of an option: "FILE.h5:/dataset", a text file, a picture, or a folder of pictures.
    @Sendable static func argument(_ text: String) throws -> InputReference {
        do {
            return try InputReference(text)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}

extension CheckpointChoice: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
    public var defaultValueDescription: String { text }
}

extension Configuration.Evaluation.Parameters: ExpressibleByArgument {}
extension Modality: ExpressibleByArgument {}
extension Similarity: ExpressibleByArgument {}
extension ProgressDisplay.Mode: ExpressibleByArgument {}
