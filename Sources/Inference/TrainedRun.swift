import CoupletCommunication
import CoupletEvaluation
import CoupletFiles
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletTraining
import Foundation

/// A run as its folder has it: for evaluating and encoding with what it has learned.
public struct TrainedRun: Sendable {
    public typealias Choice = CheckpointChoice

    public let folder: RunFolder
    public let configuration: Configuration
    public let source: any PairSource
    public let model: Model
    /// The steps done.
    public let step: Int
    /// What the similarity is divided by to give scores: τ at that step; τ/2 for `lp_simclr` by squares, whose scores are -|g - h|² / τ.
    public let temperature: Double

    /// Opens a run and loads one of its checkpoints.
    /// - Parameter source: where the pairs come from, if not from the source that the config names.
    /// - Throws: `FileError` where there is no such run or checkpoint, or it is damaged; `DataError` where the run's data cannot be read.
    public init(_ path: String, checkpoint: Choice = .latest, source ownSource: (any PairSource)? = nil) throws {
        folder = RunFolder(path: path)
        configuration = try folder.storedConfiguration()
        let store = CheckpointStore(folder: folder.checkpoints), steps = try store.list()
        guard let newest = steps.max() else {
            throw FileError(
                .badData, place: folder.checkpoints, reason: "no checkpoint yet",
                remedy: "a run writes one at its end and each train.checkpoint_every steps")
        }
        var chosen = newest
        if case .step(let wanted) = checkpoint { chosen = wanted }
        guard steps.contains(chosen) else {
            throw FileError(
                .badData, place: folder.checkpoints, reason: "no checkpoint of step \(chosen)",
                remedy: "there are: \(steps.sorted().map(String.init).joined(separator: ", "))")
        }
        let file = store.path(ofStep: chosen), content = try store.read(file)
        source = try ownSource ?? configuration.source.makeSource(seed: configuration.seed)
        model = try Model(configuration, source: source)
        step = content.step
        temperature = configuration.objective.loss.scoreTemperature(
            try model.load(content, from: file) ?? configuration.objective.temperature.initial)
    }

    /// Evaluates on held-out pairs; every worker of the group calls it.
    /// - Parameters:
    ///   - probe: how a linear probe of the first encodings is fitted; nil: there is none.
    ///   - keep: is given, on worker 0 alone, what the regressors of `evaluation.identifiability` see, before they start.
    public func evaluate(
        _ communicator: any Communicator, probe: ModelEvaluation.Probe? = nil,
        keep: ((ModelEvaluation.IdentifiabilitySamples) throws -> Void)? = nil
    ) throws -> EvaluationResult {
        try ModelEvaluation(configuration: configuration, model: model, source: source, communicator: communicator)
            .run(step: step, temperature: temperature, probe: probe, keep: keep)
    }

    /// Rows that an encoding pass takes at once.
    private static let encodedRows = 256

    /// Encodes rows in the source's own units.
    /// - Parameters:
    ///   - raw: N × (any shape of the modality's count).
    ///   - write: is called with pieces of the result, rows × e, and the number of their first row, in order.
    /// - Throws: `DataError` where the rows are none of this modality's.
    public func encode(
        _ modality: Modality, count: Int, read: (Range<Int>) throws -> Tensor, write: (Tensor, Int) throws -> Void
    ) throws {
        let pass = BatchEncoder(model.encoder(modality), parameters: model.parameters(modality), rows: Self.encodedRows)
        let output = Tensor([Self.encodedRows, model.encoder(modality).outputCount])
        for start in stride(from: 0, to: count, by: Self.encodedRows) {
            let rows = start..<min(start + Self.encodedRows, count)
            let prepared = try source.prepare(modality, raw: try read(rows))
            // The last piece is filled up, by its first row, to the size that all pieces have.
            pass.input.rows(0..<rows.count).copy(from: prepared)
            for row in rows.count..<max(Self.encodedRows, rows.count) {
                pass.input.rows(row..<(row + 1)).copy(from: prepared.rows(0..<1))
            }
            pass.run(pass.input, into: output)
            try write(output.rows(0..<rows.count), start)
        }
    }
}
