import ArgumentParser
import CoupletText
import CoupletTraining
import Glibc

/// The executable `couplet`: reads the command line and hands over to one subcommand, a file each.
@main
struct CoupletCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "couplet",
        abstract: "Contrastive learning of pairs of encoders, on CPUs, in one process or over MPI.",
        discussion: """
            A run is made from a config, a YAML file, and lies in a folder:

              couplet train configs/gaussian.yaml
              couplet evaluate runs/gaussian

            The same on two MPI ranks, with the same bits in every parameter:

              mpirun -n 2 couplet train configs/gaussian.yaml

            Exit codes: 0 done; 64 wrong usage; 65 bad data or config; 69 doctor found something bad; 74 input or output failed; \
            75 stopped by a signal after saving, to be started again with --resume; 70 anything else.
            """,
        version: Version.program,
        subcommands: [
            TrainCommand.self, EvaluateCommand.self, EncodeCommand.self, RetrieveCommand.self, SampleCommand.self,
            InspectCommand.self, ConfigCommand.self, TheoryCommand.self, DataCommand.self, SweepCommand.self,
            ReplayCommand.self,
            ReportCommand.self, StudyCommand.self, DoctorCommand.self, BenchCommand.self,
        ])

    static func main() {
        // A file that may not grow further (ulimit -f) is then an error of the write that tells which file, and no sudden end.
        signal(SIGXFSZ, SIG_IGN)
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            Failure.exit(because: unknownCommand() ?? error)
        }
    }

    /// What is wrong where the first word is no command: the parser would only call it unexpected.
    private static func unknownCommand() -> ValidationError? {
        let names = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
        guard let word = CommandLine.arguments.dropFirst().first, !word.hasPrefix("-"), !names.contains(word) else {
            return nil
        }
        let guess = NearestNames.guess(word, among: names).map { "did you mean \($0)? There are" } ?? "there are"
        return ValidationError("no command is called '\(word)'; \(guess) \(names.joined(separator: ", "))")
    }
}
