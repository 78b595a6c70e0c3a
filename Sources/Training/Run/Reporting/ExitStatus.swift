import CoupletCommunication
import CoupletEvaluation
import CoupletFiles
import CoupletNetworks
import CoupletPairs
import CoupletSchema
import CoupletTensors

/// The exit codes of Couplet, as in sysexits.h. This is the only place that maps errors to exit codes.
public enum ExitStatus: Int32, Sendable {
    case done = 0
    case usage = 64
    case badData = 65
    /// `doctor` found a problem.
    case unavailable = 69
    /// Any other error.
    case failure = 70
    case inputOutput = 74
    /// A signal or `train.stop_after` stopped the run, which saved a checkpoint. Start it again to continue.
    case stopped = 75

    /// The exit code of an error. `WorkerGroup.launch(exitCode:)` uses it as well, so that a job of many ranks ends
    /// like a single process.
    public static func code(of error: any Error) -> Int32 {
        if let error = error as? GroupError { return error.exitCode }
        return ExitStatus(of: error).rawValue
    }

    private init(of error: any Error) {
        self =
            switch error {
            case is ConfigurationError, is RunMismatchError, is DataError, is NetworkError, is LinearAlgebraError,
                is FeatureCountError, is SearchError, is SamplingError, is IdentifiabilityError, is MemoryShortageError:
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
            case is WorkerCountError, is InstructionSetError: .usage
            default: .failure
            }
    }
}
