import CoupletPairs
import CoupletSchema
import CoupletStorage
import CoupletTraining
import TestSupport

/// Runs of a test in a temporary folder.
struct TrainedRuns {
    let folder = TemporaryFolder()
    /// Couplet's kinds, and those of the tests.
    static let registry = Registry.builtIn.adding(
        NormalisedEncoder.self, NoisyPairs.self, BagEncoder.self, TokenPairs.self)

    func path(_ run: String) -> String { folder.file(run) }

    func train(
        _ run: String, _ configuration: Configuration, threads: Int = 1, _ existing: RunFolder.ExistingRun = .refuse,
        source: (any PairSource)? = nil
    ) throws {
        let options = TrainingOptions(output: path(run), existing: existing, threads: threads, progress: .none)
        try Trainer(options: options, registry: Self.registry).run(source: source) { configuration }
    }

    func checkpoint(_ run: String, _ step: Int) throws -> Checkpoint {
        let store = CheckpointStore(folder: path(run) + "/checkpoints")
        return try store.read(store.path(ofStep: step))
    }
}
