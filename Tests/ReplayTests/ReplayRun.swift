import CoupletReplay
import CoupletStorage
import CoupletTraining
import TestSupport

/// A run in a temporary folder, trained in this process, for replays.
struct ReplayRun {
    let folder: TemporaryFolder
    let configuration: Configuration
    var path: String { "\(folder.path)/run" }
    var checkpoints: CheckpointStore { CheckpointStore(folder: "\(path)/checkpoints") }

    /// - Parameter threads: the number of workers that train it.
    init(_ configuration: Configuration, threads: Int, in folder: TemporaryFolder = TemporaryFolder()) throws {
        self.folder = folder
        self.configuration = configuration
        let options = TrainingOptions(output: folder.file("run"), threads: threads, progress: .none)
        try Trainer(options: options).run { configuration }
    }

    func replay(
        _ step: Int, from choice: CheckpointChoice = .latest, threads: Int = 1, worst: Int = 10, dump: String? = nil
    ) throws -> ReplayReport {
        try StepReplay(path, step: step, from: choice).run(threads: threads, worst: worst, dump: dump)
    }

    /// Deep encoders, a learned temperature, clipping and a schedule. Steps 1 to 30; logged: 7, 14, 21, 28 and 30;
    /// checkpoints: 10, 20, 30.
    static func deep(_ change: (inout Configuration) -> Void = { _ in }) -> Configuration {
        var configuration = Configuration(
            name: "deep", source: .gaussian(dimensions: [8, 6], correlations: [0.9, 0.7, 0.5]),
            encoders: .init(
                embedding: 4, first: .multilayerPerceptron(widths: [24, 17], activation: .gelu, bias: true),
                second: .linear(bias: true)),
            objective: .init(similarity: .cosine, temperature: .init(initial: 0.1, learned: true)),
            batch: .init(size: 128, shards: 8),
            optimizer: .init(kind: .adam(), learningRate: 0.01, schedule: .cosine, warmupSteps: 5, clipNorm: 0.5),
            evaluation: .init(pairs: 64),
            train: .init(steps: 30, logEvery: 7, evaluateEvery: nil, checkpointEvery: 10))
        change(&configuration)
        return configuration
    }

    /// Linear encoders and plain SGD with clipping: small enough for a reference in Double.
    static func plain(_ objective: Configuration.Objective) -> Configuration {
        Configuration(
            name: "plain", source: .gaussian(dimensions: [5, 4], correlations: [0.9, 0.6]),
            encoders: .init(embedding: 3, first: .linear(bias: true), second: .linear(bias: false)),
            objective: objective,
            batch: .init(size: 48, shards: 4), optimizer: .init(kind: .sgd(), learningRate: 0.05, clipNorm: 0.01),
            evaluation: .init(pairs: 16),
            train: .init(steps: 3, logEvery: 1, evaluateEvery: nil, checkpointEvery: 2))
    }

    /// Images and labels from a file, and a small CNN whose activations are recomputed in the backward pass.
    static func images(in folder: TemporaryFolder) throws -> Configuration {
        let file = try HDF5File(creating: "\(folder.path)/pairs.h5"), count = 100, pixels = 64
        try file.write(
            "/first", (0..<(count * pixels)).map { Double($0 * 2_654_435 % 1_013) / 506 - 1 }, shape: [count, 1, 8, 8])
        try file.write("/second", (0..<count).map { $0 * 7 % 5 }, shape: [count])
        try file.close()
        return Configuration(
            name: "images", source: .hdf5(path: "\(folder.path)/pairs.h5", heldOut: 0.2),
            encoders: .init(embedding: 5, first: .convolutional(channels: [3, 4], hidden: [10]), second: .labels),
            objective: .init(similarity: .cosine, temperature: .init(initial: 0.2, learned: true)),
            batch: .init(size: 32, shards: 4, activations: .recompute),
            optimizer: .init(kind: .adamw(), learningRate: 0.01, weightDecay: 0.1),
            train: .init(steps: 9, logEvery: 2, evaluateEvery: nil, checkpointEvery: 4))
    }
}
