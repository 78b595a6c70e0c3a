import CoupletCommunication
import CoupletTraining

/// Trains in this process and tells the digest of the whole state, and the losses.
struct StateDigest {
    var configuration: Configuration
    var tileMemory = 1 << 24

    /// - Parameter workers: threads, each a worker.
    func run(steps: Int, workers: Int) throws -> (digest: String, losses: [Double]) {
        let configuration = configuration, tileMemory = tileMemory
        let source = try configuration.source.makeSource(seed: configuration.seed)
        let model = try Model(configuration, source: source)
        return try WorkerGroup.launch().run(threads: workers) { communicator in
            let step = try TrainingStep(
                configuration, model: model, source: source, communicator: communicator, tileMemory: tileMemory)
            let losses = try (0..<steps).map { try step.run($0, stopRequested: false).loss }
            let state = RunState(configuration: configuration, model: model, step: step, communicator: communicator)
            return (try state.gather(step: steps)?.digest ?? "", losses)
        }
    }
}
