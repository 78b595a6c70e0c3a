import ArgumentParser
import CoupletCommunication
import CoupletTraining
import Glibc

/// How the program ends when something failed.
enum Failure {
    /// An end whose reason has been said already.
    struct Exit: Error {
        let status: ExitStatus
    }

    /// Says on standard error what is wrong, and ends the process. Help and version, which the parser throws as well, go to
    /// standard output and end it with 0.
    static func exit(because error: any Error) -> Never {
        if let exit = error as? Exit { Glibc.exit(exit.status.rawValue) }
        // The parser knows its own errors; every other one it would call a mere failure.
        if CoupletCommand.exitCode(for: error) != .failure || error is ExitCode {
            CoupletCommand.exit(withError: error)
        }
        let rank = LaunchEnvironment().rank
        // What all ranks know, the first one says; what one rank knows alone, it says with its number.
        if !(error is GroupError) || rank ?? 0 == 0 {
            let who = error is GroupError ? "" : rank.map { "rank \($0): " } ?? ""
            let lines = "\(error)".split(separator: "\n").map { "couplet: \(who)\($0)\n" }
            ProgressDisplay.Console.standardError.write(lines.joined())
        } else {
            // mpirun ends all ranks when the first one ends with an error: rank 0 must have spoken by then.
            usleep(200_000)
        }
        Glibc.exit(ExitStatus.code(of: error))
    }
}
