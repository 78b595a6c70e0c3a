import ArgumentParser
import CoupletCommunication
import CoupletSchema
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
            """,
        version: Version.program,
        subcommands: [
            TrainCommand.self, EvaluateCommand.self, EncodeCommand.self, RetrieveCommand.self, SampleCommand.self,
            InspectCommand.self, ConfigCommand.self, TheoryCommand.self, DataCommand.self, SweepCommand.self,
            ReplayCommand.self, ReportCommand.self, StudyCommand.self, DoctorCommand.self, BenchCommand.self,
        ])

    /// Runs the command and ends the process with an exit code.
    /// - Parameter registry: the kinds that configs may name.
    public static func main(registry: Registry = .builtIn) -> Never {
        // A write beyond the file size limit (ulimit -f) then fails with an error that names the file, and does not end
        // the process.
        signal(SIGXFSZ, SIG_IGN)
        do {
            var command = try parseAsRoot()
            try CommandRegistry.$current.withValue(registry) { try command.run() }
            Glibc.exit(0)
        } catch {
            ErrorExit.exit(because: unknownCommand() ?? error)
        }
    }

    /// The error if the first word is not a subcommand. The parser's own error would only call the word unexpected.
    private static func unknownCommand() -> ValidationError? {
        let names = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
        guard let word = CommandLine.arguments.dropFirst().first, !word.hasPrefix("-"), !names.contains(word) else {
            return nil
        }
        let guess = NearestNames.guess(word, among: names).map { "did you mean \($0)? There are" } ?? "there are"
        return ValidationError("no command is called '\(word)'; \(guess) \(names.joined(separator: ", "))")
    }
}

/// Ends the process with an exit code. Thrown by a command that has already reported the reason.
struct ErrorExit: Error {
    let status: ExitStatus

    /// Prints an error to standard error, and ends the process. Help and version, which the parser throws as well, go
    /// to standard output and end it with 0.
    static func exit(because error: any Error) -> Never {
        if let exit = error as? ErrorExit { Glibc.exit(exit.status.rawValue) }
        // The parser has codes and texts for its own errors; for every other error it has EXIT_FAILURE.
        if CoupletCommand.exitCode(for: error) != .failure || error is ExitCode {
            CoupletCommand.exit(withError: error)
        }
        let rank = LaunchEnvironment().rank
        // Only rank 0 prints an error that all ranks have; a rank prints an error of its own with its number.
        if !(error is GroupError) || rank ?? 0 == 0 {
            let prefix = error is GroupError ? "" : rank.map { "rank \($0): " } ?? ""
            let lines = "\(error)".split(separator: "\n").map { "couplet: \(prefix)\($0)\n" }
            ProgressDisplay.Console.standardError.write(lines.joined())
        } else {
            // mpirun ends all ranks when the first one ends with an error. Rank 0 must have printed by then.
            usleep(200_000)
        }
        Glibc.exit(ExitStatus.code(of: error))
    }
}
