import CoupletCommunication
import CoupletEvaluation
import CoupletFiles
import CoupletNetworks
import CoupletPairs
import CoupletSchema
import CoupletTensors

/// The codes with which Couplet ends, of sysexits.h: the one place that tells what an error means to who called the program.
public enum ExitStatus: Int32, Sendable {
    case done = 0
    case usage = 64
    case badData = 65
    /// `doctor` found something bad.
    case unavailable = 69
    /// Anything else.
    case failure = 70
    case inputOutput = 74
    /// Stopped by a signal, or by `train.stop_after`, after saving: start it again.
    case stopped = 75

    /// Of an error; for `WorkerGroup.launch(exitCode:)` as well, so that a job of many ranks ends like a single process.
    public static func code(of error: any Error) -> Int32 {
        if let error = error as? GroupError { return error.exitCode }
        return ExitStatus(of: error).rawValue
    }

    private init(of error: any Error) {
        self =
            switch error {
            case is ConfigurationError, is RunMismatchError, is DataError, is NetworkError, is LinearAlgebraError,
                is FeatureCountError,
                is SearchError, is SamplingError, is IdentifiabilityError:
                .badData
            case let error as FileError:
                switch error.kind {
                case .badData: .badData
                case .inputOutput: .inputOutput
                }
            case let error as CollectiveError:
                switch error.kind {
                case .badSize, .launch: .usage
                default: .failure
                }
            case is WorkerCountError: .usage
            default: .failure
            }
    }
}
