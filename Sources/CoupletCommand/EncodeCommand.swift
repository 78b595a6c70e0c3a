import ArgumentParser
import Pairs
import Storage
import Training

struct EncodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Encode rows of your own by one of a run's encoders.",
        discussion: """
            Rows are in the units of the run's source (MNIST: bytes, N × 28 × 28, or integer labels); the run's preparation is applied to \
            them. The output is a new dataset, N × embedding, Float32; a file that is there already is added to.

              couplet encode runs/mnist --modality first --input images.h5:/images --output codes.h5:/first
            """)

    @OptionGroup var argument: RunArgument

    @Option(help: "Whose encoder: first or second.")
    var modality: Modality

    @Option(help: ArgumentHelp("Where the rows are.", valueName: "file.h5:/dataset"), transform: EncodeCommand.reference)
    var input: DatasetReference

    @Option(help: ArgumentHelp("Where the encodings go.", valueName: "file.h5:/dataset"), transform: EncodeCommand.reference)
    var output: DatasetReference

    func run() throws {
        let folder = argument.folder
        let configuration = try folder.storedConfiguration()
        let path = try CheckpointChoice.latest.path(in: folder)
        // The encoder is called here, with `configuration`, `path`, `modality`, `input` and `output`.
        throw Failure.Exit(.software, "\(path): this build cannot encode for \(configuration.name)")
    }

    @Sendable private static func reference(_ text: String) throws -> DatasetReference {
        do {
            return try DatasetReference(text)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}

extension Modality: ExpressibleByArgument {}
