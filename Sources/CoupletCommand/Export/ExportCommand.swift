import ArgumentParser
import CoupletFiles
import CoupletInference
import CoupletModelExport
import CoupletPairs
import CoupletTraining

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a run's encoders to a file for other programs.",
        discussion: """
            safetensors holds the parameters and running statistics by their names in a checkpoint, such as \
            first/0/weight, for PyTorch, JAX and couplet import; the shapes are PyTorch's. hdf5 holds the same arrays \
            as datasets. onnx is the graph of one encoder, for onnxruntime: its input, called first or second, takes \
            the rows that couplet encode takes, and its output, encodings, is what couplet encode writes. Texts go in \
            as token ids. Every file names its run, step, digest and config.

              couplet export runs/mnist --format safetensors
              couplet export runs/mnist --format onnx --modality first --output images.onnx
              couplet export runs/mnist --format hdf5 --checkpoint best
            """)

    @OptionGroup var argument: RunArgument

    @Option(help: "safetensors, onnx or hdf5.")
    var format: ExportFormat

    @Option(help: "The encoder: first or second. (default: both; onnx: one file each)")
    var modality: Modality?

    @Option(
        help: ArgumentHelp(
            "The new file. (default: the name of the run in this folder, such as mnist.safetensors, mnist-first.onnx)",
            valueName: "file"))
    var output: String?

    @Option(
        help: ArgumentHelp(
            "Those of the step, or their moving average: current or average. (default: evaluation.parameters)",
            valueName: "parameters"))
    var parameters: Configuration.Evaluation.Parameters?

    @OptionGroup var chosen: CheckpointArgument

    func validate() throws {
        if format == .onnx, output != nil, modality == nil {
            throw ValidationError("an ONNX file holds one encoder: give --modality, or leave --output out for both")
        }
        if let output, output.isEmpty { throw ValidationError("--output is empty; name a file") }
    }

    func run() throws {
        let run = try TrainedRun(
            argument.path, checkpoint: chosen.checkpoint, parameters: parameters, use: .encoders,
            registry: CommandRegistry.current)
        let modalities = modality.map { [$0] } ?? Modality.allCases
        let files = format == .onnx ? modalities.map { [$0] } : [modalities]
        let named = files.map { (path: output ?? defaultPath($0, run), model: ExportedModel(run, modalities: $0)) }
        for (path, _) in named { try FileSystem.requireAbsent(path) }
        for (path, model) in named {
            try model.write(format, to: path)
            print("\(path): step \(run.step), SHA-256 of the parameters \(model.parametersDigest)")
        }
    }

    private func defaultPath(_ modalities: [Modality], _ run: TrainedRun) -> String {
        let name = FileSystem.lastComponent(of: run.folder.path)
        let part = modalities.count == 1 ? "-\(modalities[0].rawValue)" : ""
        return "\(name)\(part).\(format.fileEnding)"
    }
}

extension ExportFormat: ExpressibleByArgument {}
