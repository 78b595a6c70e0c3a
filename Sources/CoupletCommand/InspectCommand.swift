import ArgumentParser
import CoupletFiles
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
            parameters, optimizer moments and running statistics.

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
        _ = try CheckpointStore(folder: "").read(file)
        print(json ? Self.json(summary).indentedText() : Self.table(summary))
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

    private static func json(_ summary: CheckpointSummary) -> JSONValue {
        .object([
            "path": .string(summary.path), "step": .integer(summary.step), "digest": .string(summary.digest),
            "parameters": .integer(summary.parameterCount), "shards": .integer(summary.shards),
            "seed": Int(exactly: summary.seed).map { .integer($0) } ?? .string(String(summary.seed)),
            "shapes": .object(summary.arrays.map { ($0.path, .array($0.shape.map { .integer($0) })) }),
            "written_by": .string(summary.writtenBy), "cpu_kernels": .string(summary.cpuKernels),
            "format_version": .integer(summary.formatVersion), "config": .string(summary.configuration),
        ])
    }

    private static func table(_ summary: CheckpointSummary) -> String {
        let width = (summary.arrays.map(\.path.count).max() ?? 0) + 2
        let arrays = summary.arrays.map { array in
            "  " + array.path + String(repeating: " ", count: width - array.path.count)
                + array.shape.map(String.init).joined(separator: " × ") + (array.isDouble ? "  Float64" : "")
        }
        return """
            \(summary.path)
            step         \(summary.step)
            digest       \(summary.digest) (verified)
            parameters   \(summary.parameterCount)
            shards       \(summary.shards)
            seed         \(summary.seed)
            written by   \(summary.writtenBy)
            CPU kernels  \(summary.cpuKernels)
            format       \(summary.formatVersion)

            arrays
            \(arrays.joined(separator: "\n"))

            config
            \(summary.configuration.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n"))
            """
    }
}
