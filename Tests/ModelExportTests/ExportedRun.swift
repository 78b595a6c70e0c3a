import CoupletInference
import CoupletModelExport
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletTraining
import TestSupport

/// A run of an MLP and a label encoder with labels 2, 3 and 7, in a temporary folder, and its export.
struct ExportedRun {
    let folder = TemporaryFolder()
    static let count = 30, width = 4

    init() throws {
        let file = try HDF5File(creating: folder.file("pairs.h5"))
        let philox = Philox(seed: 5)
        try file.write(
            "/first",
            Tensor(
                [Self.count, Self.width],
                (0..<Self.count).flatMap { philox.normals(Self.width, .source, number: UInt64($0)) }))
        try file.write("/second", (0..<Self.count).map { [2, 3, 7][$0 % 3] }, shape: [Self.count])
        try file.close()
        try train("base", configuration())
        try ExportedModel(TrainedRun(path("base"))).write(.safetensors, to: path("base.safetensors"))
    }

    func path(_ name: String) -> String { folder.file(name) }

    func configuration(_ change: (inout Configuration) -> Void = { _ in }) -> Configuration {
        var configuration = Configuration(
            name: "base", source: .hdf5(path: path("pairs.h5"), heldOut: 0.2),
            encoders: .init(
                embedding: 3, first: .multilayerPerceptron(widths: [6], activation: .tanh, bias: true),
                second: .labels),
            objective: .init(similarity: .cosine, temperature: .init(initial: 0.3, learned: true)),
            batch: .init(size: 12, shards: 2), optimizer: .init(learningRate: 0.02),
            train: .init(steps: 5, logEvery: 1, evaluateEvery: nil, checkpointEvery: 5))
        change(&configuration)
        return configuration
    }

    func train(_ run: String, _ configuration: Configuration) throws {
        try Trainer(options: TrainingOptions(output: path(run), threads: 1, progress: .none)).run { configuration }
    }

    /// The message of the error with which a run starts from a file; empty if it starts.
    func error(from file: String, _ change: (inout Configuration) -> Void = { _ in }) -> String {
        do {
            try train(
                "wrong",
                configuration {
                    $0.initialization = .init(from: path(file), encoders: [.first])
                    $0.train.steps = 0
                    change(&$0)
                })
            return ""
        } catch { return "\(error)" }
    }

    func checkpoint(_ run: String, _ step: Int) throws -> Checkpoint {
        let store = CheckpointStore(folder: path(run) + "/checkpoints")
        return try store.read(store.path(ofStep: step))
    }

    /// The tensors of the exported file.
    func tensors() throws -> [(name: String, array: CheckpointArray)] {
        let file = try SafetensorsFile(reading: path("base.safetensors"))
        return try file.entries.map { ($0.name, try file.array($0)) }
    }

    /// Writes a file without metadata, as another program does.
    func write(_ name: String, _ tensors: [(name: String, array: CheckpointArray)]) throws {
        try SafetensorsFile.write(path(name), tensors, metadata: [])
    }
}
