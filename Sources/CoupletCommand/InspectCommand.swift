import ArgumentParser
import CoupletFiles
import CoupletPairs
import CoupletStorage
import CoupletText
import CoupletTraining
import Glibc

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show the content of a checkpoint, and verify it.",
        discussion: """
            For a run, shows its newest checkpoint, or the one that --checkpoint names. The command recomputes the \
            digest from all numbers and compares it with the recorded one: equal digests mean equal bits in all \
            parameters, optimizer moments and running statistics. The SHA-256 beside the number of parameters is of \
            the parameters and running statistics alone.

              couplet inspect runs/gaussian
              couplet inspect runs/gaussian --checkpoint best
              couplet inspect runs/gaussian/checkpoints/step-00001500.h5 --json
            """)

    @Argument(help: ArgumentHelp("The folder of a run, or one checkpoint.", valueName: "run|checkpoint.h5"))
    var path: String

    @OptionGroup var chosen: CheckpointArgument

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        var status = stat()
        let isFolder = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        if !isFolder, chosen.checkpoint != .latest {
            throw ValidationError("--checkpoint chooses a checkpoint of a run, but \(path) is no folder")
        }
        let file = isFolder ? try checkpoint(of: RunFolder(path: path)) : path
        let summary = try CheckpointStore.summary(file)
        let content = try CheckpointStore(folder: "").read(file)
        print(
            json
                ? Self.json(summary, content).indentedText()
                : Self.table(summary, content, Self.inputs(content, file)))
    }

    private func checkpoint(of folder: RunFolder) throws -> String {
        let store = CheckpointStore(folder: folder.checkpoints)
        guard try !store.list().isEmpty else {
            throw FileError(
                .inputOutput, at: folder.path, reason: "no checkpoint of a run",
                remedy: "a run is the folder that couplet train writes")
        }
        return store.path(ofStep: try store.step(of: chosen.checkpoint))
    }

    /// How texts or pictures became the samples of each modality, one line each.
    private static func inputs(_ checkpoint: Checkpoint, _ file: String) -> [String] {
        let texts = RunState.preparationTexts(in: checkpoint.scalars)
        let preparations = try? RunState.preparations(in: checkpoint, from: file)
        return Modality.allCases.compactMap { modality in
            guard let text = texts[modality] else { return nil }
            // Another version of the program may have written it.
            let library = preparations?[modality]?.text?.library.map { " (\($0))" } ?? ""
            return "\(modality.rawValue): " + (preparations?[modality].map { $0.summary + library } ?? text)
        }
    }

    private static func json(_ summary: CheckpointSummary, _ content: Checkpoint) -> JSONValue {
        let stepsPerEpoch = RunState.stepsPerEpoch(in: summary.scalars)
        return .object([
            "path": .string(summary.path), "step": .integer(summary.step),
            "epochs": .number(stepsPerEpoch.map { Double(summary.step) / Double($0) }),
            "steps_per_epoch": stepsPerEpoch.map { .integer($0) } ?? .null, "digest": .string(summary.digest),
            "parameters_digest": .string(content.parametersDigest), "parameters": .integer(summary.parameterCount),
            "shards": .integer(summary.shards),
            "seed": Int(exactly: summary.seed).map { .integer($0) } ?? .string(String(summary.seed)),
            "shapes": .object(summary.arrays.map { ($0.path, .array($0.shape.map { .integer($0) })) }),
            "written_by": .string(summary.writtenBy), "cpu_kernels": .string(summary.cpuKernels),
            "format_version": .integer(summary.formatVersion), "config": .string(summary.configuration),
            "preparation": preparations(summary),
        ])
    }

    /// {"second": {"kind": "text", …}}
    private static func preparations(_ summary: CheckpointSummary) -> JSONValue {
        let texts = RunState.preparationTexts(in: summary.scalars)
        return .object(
            Modality.allCases.compactMap { modality in
                texts[modality].map { (modality.rawValue, JSONValue(text: $0) ?? .string($0)) }
            })
    }

    private static func table(_ summary: CheckpointSummary, _ content: Checkpoint, _ inputs: [String]) -> String {
        let width = (summary.arrays.map(\.path.count).max() ?? 0) + 2
        let arrays = summary.arrays.map { array in
            "  " + array.path + String(repeating: " ", count: width - array.path.count)
                + array.shape.map(String.init).joined(separator: " × ") + (array.isDouble ? "  Float64" : "")
        }
        let epochs = RunState.stepsPerEpoch(in: summary.scalars).map {
            " (\(EpochText.text(steps: summary.step, stepsPerEpoch: $0)))"
        }
        return """
            \(summary.path)
            step         \(summary.step)\(epochs ?? "")
            digest       \(summary.digest) (verified)
            parameters   \(summary.parameterCount), SHA-256 \(content.parametersDigest)
            shards       \(summary.shards)
            seed         \(summary.seed)
            written by   \(summary.writtenBy)
            CPU kernels  \(summary.cpuKernels)
            format       \(summary.formatVersion)
            \(inputs.map { "inputs       \($0)\n" }.joined())
            arrays
            \(arrays.joined(separator: "\n"))

            config
            \(summary.configuration.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n"))
            """
    }
}
