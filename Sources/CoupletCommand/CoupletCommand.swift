import ArgumentParser
import CoupletCommunication
import CoupletFiles
import CoupletSchema
import CoupletTensors
import CoupletText
import CoupletTraining
import Glibc

/// The command `couplet`: reads the command line and runs one subcommand. Each subcommand has its own file.
///
/// A program with kinds of its own has all subcommands, for configs that name these kinds:
///
///     CoupletCommand.main(registry: Registry.builtIn.adding(MarginLoss.self))
public struct CoupletCommand: ParsableCommand {
    public init() {}

    public static let configuration = CommandConfiguration(
        commandName: "couplet",
        abstract: "Contrastive learning of pairs of encoders, on CPUs, in one process or over MPI.",
        discussion: """
            A config, which is a YAML file, describes a run; the run is a folder:

              couplet train configs/gaussian.yaml
              couplet evaluate runs/gaussian

            On two MPI ranks every parameter has the same bits:

              mpirun -n 2 couplet train configs/gaussian.yaml

            Exit codes: 0 done; 64 wrong usage; 65 bad data or config; 69 doctor found something bad; 74 input or \
            output failed; 75 stopped by a signal after saving: start it again with --resume; 70 anything else.

            The environment variable COUPLET_CPU=avx512|avx2|portable selects the instruction set of the kernels, for \
            tests: all give the same bits. By default it is the best one that the CPU has.
            """,
        version: Version.program,
        subcommands: [
            TrainCommand.self, EvaluateCommand.self, EncodeCommand.self, RetrieveCommand.self, SampleCommand.self,
            ExportCommand.self, ImportCommand.self, InspectCommand.self, ConfigCommand.self, TheoryCommand.self,
            DataCommand.self, SweepCommand.self, ReplayCommand.self, ReportCommand.self, WatchCommand.self,
            StudyCommand.self, DoctorCommand.self, BenchCommand.self, ManualCommand.self,
        ])

    /// Runs the command and ends the process with an exit code.
    /// - Parameter registry: the kinds that configs may name.
    public static func main(registry: Registry = .builtIn) -> Never {
        // A write beyond the file size limit (ulimit -f) then fails with an error that names the file, and does not end
        // the process.
        signal(SIGXFSZ, SIG_IGN)
        StandardDescriptors.openMissing()
        let arguments = CommandLine.arguments.dropFirst().map(expandingTilde)
        do {
            if let error = unknownCommand(arguments) { throw error }
            var command = try parseAsRoot(arguments)
            try InstructionSet.requireValidRequest()
            try CommandRegistry.$current.withValue(registry) { try command.run() }
            try StandardOutput.check()
            AddressSpace.endProcess(0)
        } catch {
            ErrorExit.exit(because: error)
        }
    }

    /// The error if the first word, or a word after `help`, is not a subcommand. The parser's own error would only call
    /// the word unexpected, and `help` would ignore it.
    private static func unknownCommand(_ arguments: [String]) -> ValidationError? {
        var words = arguments.prefix { !$0.hasPrefix("-") }[...], parent: any ParsableCommand.Type = Self.self
        let isHelp = words.first == "help"
        if isHelp { words.removeFirst() } else { words = words.prefix(1) }
        for word in words {
            let subcommands = parent.configuration.subcommands
            let names =
                subcommands.compactMap { $0.configuration.commandName } + (parent == Self.self ? ["help"] : [])
            if let subcommand = subcommands.first(where: { $0.configuration.commandName == word }) {
                parent = subcommand
            } else if word == "help", parent == Self.self {
                return nil
            } else {
                let guess = NearestNames.guess(word, among: names).map { "did you mean \($0)? There are" }
                let rest =
                    names.isEmpty ? "it has no commands" : "\(guess ?? "there are") \(names.joined(separator: ", "))"
                let place = parent == Self.self ? "" : " of \(parent.configuration.commandName ?? "")"
                return ValidationError("no command\(place) is called '\(word)'; \(rest)")
            }
        }
        return nil
    }

    /// The argument with `~` and `~user` at the start of a path replaced, which no shell does in `--output=~/run` and
    /// no shell has seen where another program made the arguments. The reader of configs expands the values of `--set`.
    private static func expandingTilde(_ argument: String) -> String {
        if argument.hasPrefix("~") { return FileSystem.expandingTilde(argument) ?? argument }
        guard argument.hasPrefix("--"), let equals = argument.firstIndex(of: "=") else { return argument }
        let value = argument[argument.index(after: equals)...]
        guard value.hasPrefix("~"), let path = FileSystem.expandingTilde(String(value)) else { return argument }
        return argument[...equals] + path
    }
}

/// Ends the process with an exit code. Thrown by a command that has already reported the reason.
struct ErrorExit: Error {
    let status: ExitStatus

    /// Prints an error to standard error, and ends the process. Help and version, which the parser throws as well, go
    /// to standard output and end it with 0.
    static func exit(because error: any Error) -> Never {
        if let exit = error as? ErrorExit {
            requireWrittenOutput()
            AddressSpace.endProcess(exit.status.rawValue)
        }
        // The parser has codes and texts for its own errors; for every other error it has EXIT_FAILURE.
        let parserCode = CoupletCommand.exitCode(for: error)
        if parserCode != .failure || error is ExitCode {
            let text = CoupletCommand.fullMessage(for: error)
            if parserCode == .success {
                if !text.isEmpty { print(text) }
                requireWrittenOutput()
            } else if !text.isEmpty {
                ProgressDisplay.Console.standardError.write(escaping: text + "\n")
            }
            AddressSpace.endProcess(parserCode.rawValue)
        }
        let rank = LaunchEnvironment().rank
        // Only rank 0 prints an error that all ranks have; a rank prints an error of its own with its number.
        if !(error is GroupError) || rank ?? 0 == 0 {
            let prefix = error is GroupError ? "" : rank.map { "rank \($0): " } ?? ""
            let lines = "\(error)".split(separator: "\n").map { "couplet: \(prefix)\($0)\n" }
            ProgressDisplay.Console.standardError.write(escaping: lines.joined())
        } else {
            // mpirun ends all ranks when the first one ends with an error. Rank 0 must have printed by then.
            usleep(200_000)
        }
        AddressSpace.endProcess(ExitStatus.code(of: error))
    }

    /// Ends the process with the error of standard output, if it has one.
    private static func requireWrittenOutput() {
        do { try StandardOutput.check() } catch {
            ProgressDisplay.Console.standardError.write(escaping: "couplet: \(error)\n")
            AddressSpace.endProcess(ExitStatus.code(of: error))
        }
    }
}
