import ArgumentParser
import CoupletTraining

/// The folder of a run.
struct RunArgument: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The folder of a run, as couplet train wrote it.", valueName: "run"), completion: .directory)
    var path: String

    var folder: RunFolder { RunFolder(path: path) }
}
