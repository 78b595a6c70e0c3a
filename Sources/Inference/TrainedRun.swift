import CoupletCommunication
import CoupletEvaluation
import CoupletFiles
import CoupletPairs
import CoupletSchema
import CoupletStorage
import CoupletTensors
import CoupletTraining

/// A trained run, opened from its folder to evaluate it or to encode, retrieve and sample with its encoders.
public struct TrainedRun: Sendable {
    public let folder: RunFolder
    public let configuration: Configuration
    public let source: any PairSource
    public let model: Model
    /// Number of finished steps.
    public let step: Int
    /// The number that divides similarities to give scores: τ after that step, but τ/2 for `lp_simclr` with squares,
    /// whose scores are -|g - h|² / τ.
    public let temperature: Double

    /// Opens a run and loads one of its checkpoints.
    /// - Parameters:
    ///   - parameters: the parameters to use; nil for those that `evaluation.parameters` of the config names.
    ///   - registry: the kinds of the program that made the run.
    ///   - source: replaces the source that the config names.
    /// - Throws: `FileError` if there is no such run or checkpoint, or if it is damaged; `DataError` if the run's data
    ///   cannot be read.
    public init(
        _ path: String, checkpoint: CheckpointChoice = .latest,
        parameters: Configuration.Evaluation.Parameters? = nil, registry: Registry = .builtIn,
        source ownSource: (any PairSource)? = nil
    ) throws {
        folder = RunFolder(path: path)
        configuration = try folder.storedConfiguration(registry: registry)
        let store = CheckpointStore(folder: folder.checkpoints), steps = try store.list()
        guard let newest = steps.max() else {
            throw FileError(
                .badData, at: folder.checkpoints, reason: "no checkpoint yet",
                remedy: "a run writes one at its end and every train.checkpoint_every steps")
        }
        var chosen = newest
        if case .step(let wanted) = checkpoint { chosen = wanted }
        guard steps.contains(chosen) else {
            throw FileError(
                .badData, at: folder.checkpoints, reason: "no checkpoint of step \(chosen)",
                remedy: "there are: \(steps.sorted().map(String.init).joined(separator: ", "))")
        }
        let file = store.path(ofStep: chosen), content = try store.read(file)
        source = try ownSource ?? configuration.source.makeSource(seed: configuration.seed)
        model = try Model(configuration, source: source)
        step = content.step
        temperature = configuration.objective.loss.scoreTemperature(
            try model.load(content, from: file, parameters ?? configuration.evaluation.parameters)
                ?? configuration.objective.temperature.initial)
    }

    /// Evaluates the run on held-out pairs. Every worker of the group calls it.
    /// - Parameters:
    ///   - probe: fits a linear probe of the first encodings; nil fits none.
    ///   - exportSamples: receives the samples of the regressors of `evaluation.identifiability` before the regressors
    ///     start, on worker 0 only. Either all workers pass it or none does.
    public func evaluate(
        _ communicator: any Communicator, probe: ModelEvaluation.Probe? = nil,
        exportSamples: ((ModelEvaluation.IdentifiabilitySamples) throws -> Void)? = nil
    ) throws -> EvaluationResult {
        try ModelEvaluation(configuration: configuration, model: model, source: source, communicator: communicator)
            .run(step: step, temperature: temperature, probe: probe, exportSamples: exportSamples)
    }

    /// Encodes rows in the units of the source.
    /// - Parameters:
    ///   - count: N, the number of rows.
    ///   - read: returns rows of the given range, each of any shape with the modality's number of elements.
    ///   - write: receives parts of the encodings, rows × e, and the index of their first row, in order.
    /// - Throws: `DataError` if a row is not a valid sample of the modality.
    public func encode(
        _ modality: Modality, count: Int, read: (Range<Int>) throws -> Tensor, write: (Tensor, Int) throws -> Void
    ) throws {
        try batchEncoder(modality).encode(
            rows: 0..<count, read: { try source.prepare(modality, raw: try read($0)) },
            write: { try write($0, $1.lowerBound) })
    }

    /// Encodes batches of samples of a modality.
    /// - Parameter rows: number of rows in a batch.
    func batchEncoder(_ modality: Modality, rows: Int = BatchEncoder.defaultRows) -> BatchEncoder {
        model.batchEncoder(modality, rows: rows)
    }
}
