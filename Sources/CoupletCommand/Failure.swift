import ArgumentParser
import Collectives
import Glibc
import Networks
import Pairs
import Storage
import Tensors
import Training

/// How the program ends when something failed: the one place that turns an error into an exit code and a message.
enum Failure {
    /// The codes of sysexits.h that Couplet uses.
    enum Code: Int32 {
        case usage = 64
        case data = 65
        case unavailable = 69
        case software = 70
        case inputOutput = 74
        /// Stopped by a signal after saving: start it again.
        case temporary = 75
    }

    /// An end that has said all already, or says it by `message`.
    struct Exit: Error {
        let code: Code
        /// Nil where nothing is left to say.
        let message: String?

        init(_ code: Code, _ message: String? = nil) {
            self.code = code
            self.message = message
        }
    }

    static func code(of error: any Error) -> Code {
        switch error {
        case let error as Exit: error.code
        case is ConfigurationError, is DataError, is NetworkError, is LinearAlgebraError: .data
        case let error as StorageError:
            switch error.kind {
            case .badData: .data
            case .inputOutput: .inputOutput
            }
        case let error as CollectiveError:
            switch error.kind {
            case .badSize, .launch: .usage
            case .otherWorkerFailed, .workersDisagree, .messagePassing: .software
            }
        default: .software
        }
    }

    /// Says on standard error what is wrong, and ends the process. Help and version, which the parser throws as well, go to
    /// standard output and end it with 0.
    static func exit(because error: any Error) -> Never {
        let parserCode = CoupletCommand.exitCode(for: error)
        // The parser knows its own errors; every other one it would call a mere failure.
        if parserCode != .failure || error is ExitCode { CoupletCommand.exit(withError: error) }
        if let exit = error as? Exit, exit.message == nil { Glibc.exit(exit.code.rawValue) }
        let text = (error as? Exit)?.message ?? "\(error)"
        ProgressDisplay.Surface.standardError.write(text.split(separator: "\n").map { "couplet: \($0)\n" }.joined())
        Glibc.exit(code(of: error).rawValue)
    }
}
