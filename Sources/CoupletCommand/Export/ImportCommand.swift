import ArgumentParser
import CoupletFiles
import CoupletPairs
import CoupletStorage
import CoupletTraining

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Make a run of the encoders in a safetensors file.",
        discussion: """
            The run has the config's encoders at step 0, with the parameters of the file: its tensors have the names \
            that couplet export gives them, such as first/0/weight, or first.0.weight as PyTorch has it. The command \
            is a training of 0 steps with initialize.from: the run can be evaluated, encode and be continued. Numbers \
            of F16, BF16 and F64 become F32. A missing, unknown or misshapen tensor is an error.

              couplet export runs/mnist --format safetensors --output mnist.safetensors
              couplet import mnist.safetensors --config configs/mnist.yaml --output runs/imported
              couplet encode runs/imported --modality first --input images.h5:/images --output codes.h5:/first
            """)

    @Argument(
        help: ArgumentHelp("The parameters of both encoders.", valueName: "file.safetensors"),
        completion: .file(extensions: ["safetensors"]))
    var path: String

    @Option(
        name: .customLong("config"),
        help: ArgumentHelp("The config of the run, a YAML file.", valueName: "config"),
        completion: .file(extensions: ["yaml", "yml"]))
    var configurationPath: String

    @OptionGroup var overrides: OverrideArguments

    @Option(help: ArgumentHelp("The run's folder.", valueName: "dir"), completion: .directory)
    var output: String

    @Flag(help: "Delete the run in the folder first.")
    var overwrite = false

    func validate() throws {
        if output.isEmpty { throw ValidationError("--output is empty; name a folder") }
        if !ParameterFile.isPath(path) {
            throw ValidationError("\(path) does not end in \(ParameterFile.pathEnding), the format that import reads")
        }
    }

    func run() throws {
        let file = try ParameterFile(reading: path)
        file.notices.forEach(warn)
        let options = TrainingOptions(
            output: output, existing: overwrite ? .overwrite : .refuse, threads: 1, progress: .none)
        try Trainer(options: options, registry: CommandRegistry.current).run {
            var configuration = try overrides.load(configurationPath)
            guard configuration.initialization == nil else {
                throw ValidationError("the config has a block initialize, which import writes itself; remove it there")
            }
            let hasScalars = file.hasLearnedScalars(of: configuration.objective)
            if !hasScalars {
                warn("\(path) has no temperature or bias of the loss: those of the config begin the run")
            }
            configuration.initialization = .init(from: path, encoders: Modality.allCases, objective: hasScalars)
            configuration.train.steps = 0
            return configuration
        }
        let folder = RunFolder(path: output), store = CheckpointStore(folder: folder.checkpoints)
        let content = try store.read(store.path(ofStep: 0))
        print(
            """
            \(folder.path): step 0, SHA-256 of the parameters \(content.parametersDigest)
            Continue it by couplet train \(folder.configuration) --output \(folder.path) --resume --set train.steps=N
            """)
    }
}
