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
    public private(set) var configuration: Configuration
    public private(set) var source: any PairSource
    public let model: Model
    /// Number of finished steps.
    public let step: Int
    /// Digest of the checkpoint.
    public let digest: String
    /// The parameters that are loaded: those of the step, or their moving average.
    public let parameters: Configuration.Evaluation.Parameters
    /// The config of the checkpoint, and the digest of its data if it names one.
    package let origin: (configuration: String, dataDigest: String?)
    /// The learned scalars of the loss as in a checkpoint: "objective/bias".
    package let learnedScalars: [Checkpoint.NamedArray]
    /// The number that divides similarities to give scores: τ after that step, but τ/2 for `lp_simclr` with squares,
    /// whose scores are -|g - h|² / τ.
    public let temperature: Double
    /// Temperature and bias of the loss after that step.
    private let loss: ModelEvaluation.LossParameters
    /// How texts or picture files became the samples of the run.
    private let preparations: PerModality<SamplePreparation?>

    /// Whether a newer checkpoint exists than the one that is loaded.
    public let hasNewerCheckpoint: Bool
    /// A warning if the data are not those of the checkpoint; nil if they are, or if that is not known.
    public let dataWarning: String?

    /// What of a run a command needs.
    public enum Use: Sendable {
        /// The encoders and the data.
        case data
        /// The encoders. The data are not opened if the checkpoint says what the encoders need of them.
        case encoders
    }

    /// Opens a run and loads one of its checkpoints.
    /// - Parameters:
    ///   - parameters: the parameters to use; nil for those that `evaluation.parameters` of the config names.
    ///   - use: what of the run is needed.
    ///   - dataPaths: `key=value` for `Configuration.dataPathKeys`, if the data have moved since the run.
    ///   - registry: the kinds of the program that made the run.
    ///   - source: replaces the source that the config names.
    /// - Throws: `FileError` if there is no such run or checkpoint, or if it is damaged; `DataError` if the run's data
    ///   cannot be read; `MemoryShortageError` if the model does not fit into memory.
    public init(
        _ path: String, checkpoint: CheckpointChoice = .latest,
        parameters: Configuration.Evaluation.Parameters? = nil, use: Use = .data, dataPaths: [String] = [],
        registry: Registry = .builtIn, source ownSource: (any PairSource)? = nil
    ) throws {
        folder = RunFolder(path: path)
        configuration = try folder.openedConfiguration(registry: registry, dataPaths: dataPaths)
        let store = CheckpointStore(folder: folder.checkpoints), chosen = try store.step(of: checkpoint)
        let file = store.path(ofStep: chosen), content = try store.read(file)
        hasNewerCheckpoint = try chosen < store.step(of: .latest)
        AddressSpace.shareHeap()
        let configuration = configuration
        let samples = use == .encoders ? RunState.samples(in: content) : nil
        let stored = try RunState.preparations(in: content, from: file)
        let opened =
            try ownSource.map { try configuration.withLabels($0, of: content) }
            ?? samples.flatMap { configuration.source.detachedSource($0, preparations: stored) }.map {
                try configuration.scalingInputs(of: $0, by: content)
            } ?? configuration.makeSource(labelsOf: content)
        // Data that are read on request are hashed only if they may be others: it takes as long as reading them all.
        if use == .data, !dataPaths.isEmpty || !opened.waitsForStorage,
            let saved = RunState.dataDigest(in: content.scalars), try opened.hasData(ofDigest: saved) == false
        {
            dataWarning = """
                \(file): the data are not those of the run, whose digest was \(saved.prefix(12))…; name the run's own \
                data by --set data.path=…
                """
        } else {
            dataWarning = nil
        }
        let encoders = try ModelEncoders(configuration, source: opened)
        source = encoders.checkingTokens(of: opened)
        preparations = PerModality { stored[$0] ?? opened.preparation(of: $0) }
        try MemoryEstimate(parametersOf: encoders).requireAvailable(taken: 0)
        model = Model(encoders, configuration)
        step = content.step
        digest = try CheckpointStore.summary(file).digest
        self.parameters = parameters ?? configuration.evaluation.parameters
        origin = (content.configuration, RunState.dataDigest(in: content.scalars))
        learnedScalars = content.parameters.filter { $0.path.hasPrefix("objective/") }
        let scalars = try model.load(content, from: file, self.parameters)
        loss = ModelEvaluation.LossParameters(
            temperature: scalars.temperature ?? configuration.objective.temperature.initial,
            bias: scalars.bias ?? configuration.objective.loss.bias?.initial ?? 0)
        temperature = configuration.objective.loss.scoreTemperature(loss.temperature)
    }

    /// How texts or picture files became the samples of a modality; nil if the run was trained on a set that does not
    /// say it.
    public func preparation(of modality: Modality) -> SamplePreparation? { preparations[modality] }

    /// Whether a run may have pictures or texts, which its newest checkpoint tells without the data. True if it does
    /// not tell.
    package static func mayHaveSamples(_ folder: RunFolder, registry: Registry) throws -> Bool {
        let configuration = try folder.openedConfiguration(registry: registry)
        let store = CheckpointStore(folder: folder.checkpoints)
        let file = store.path(ofStep: try store.step(of: .latest)), content = try store.read(file)
        let preparations = try RunState.preparations(in: content, from: file)
        guard let samples = RunState.samples(in: content),
            let source = configuration.source.detachedSource(samples, preparations: preparations),
            let encoders = try? ModelEncoders(configuration, source: source)
        else { return true }
        return Modality.allCases.contains {
            samples[$0].hasPictureShape || encoders.encoders[$0].tokenVocabulary != nil
        }
    }

    /// The run with the pairs of another file as held-out pairs, to evaluate it on them.
    /// - Parameter path: an HDF5 file with datasets of the run's shapes and units, and optionally labels and groups.
    ///   Its /split is not used.
    /// - Throws: `FileError` if the file cannot be read; `DataError` if its rows are not samples of the run.
    public func evaluating(on path: String) throws -> TrainedRun {
        var run = self
        run.source = model.built.checkingTokens(of: try source.evaluating(on: path, of: configuration.source.kind))
        // The file has no latent factors.
        run.configuration.evaluation.identifiability = nil
        return run
    }

    /// Checks that an evaluation fits into the memory of this process.
    /// - Parameters:
    ///   - workers: number of workers of all processes.
    ///   - threads: number of workers of this process.
    /// - Throws: `MemoryShortageError`.
    package func requireMemoryOfEvaluation(workers: Int, threads: Int) throws {
        let estimate = MemoryEstimate(
            evaluationOf: configuration, model: model.built, source: source, workers: workers, threads: threads)
        let parameters = MemoryEstimate(parametersOf: model.built).total
        try estimate.requireAvailable(taken: MemoryEstimate.taken(source) + parameters)
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
            .run(step: step, temperature: temperature, loss: loss, probe: probe, exportSamples: exportSamples)
    }

    /// Encodes rows in the units of the source.
    /// - Parameters:
    ///   - layer: index of the layer whose outputs, flattened, are the encodings, as `couplet config --summary` numbers
    ///     the layers; nil for the last one.
    ///   - threads: number of threads that encode. The bits of an encoding do not depend on it.
    ///   - count: N, the number of rows.
    ///   - read: returns rows of the given range, each of any shape with the modality's number of elements.
    ///   - write: receives parts of the encodings, rows × e, and the index of their first row, in order.
    /// - Throws: `DataError` if a row is not a valid sample of the modality, or if there is no such layer.
    public func encode(
        _ modality: Modality, layer: Int? = nil, threads: Int = 1, count: Int, read: (Range<Int>) throws -> Tensor,
        write: (Tensor, Int) throws -> Void
    ) throws {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        func samples(_ rows: Range<Int>) throws -> Tensor {
            try source.prepare(modality, raw: try read(rows), firstRow: rows.lowerBound)
        }
        guard threads > 1, count > BatchEncoder.defaultRows else {
            return try model.batchEncoder(modality, layer: layer)
                .encode(rows: 0..<count, read: samples) { try write($0, $1.lowerBound) }
        }
        // The threads share what is read at once. Each part begins at a multiple of the batch, so that batches are the
        // same for any number of threads.
        let width = model.encoders[modality].inputShape.reduce(1, *)
        let batches = max(1, min(Self.batchesOfPart, Self.floatsOfPart / (BatchEncoder.defaultRows * width)))
        let part = batches * BatchEncoder.defaultRows, dimension = try encodingCount(modality, layer: layer)
        for start in stride(from: 0, to: count, by: threads * part) {
            let rows = start..<min(start + threads * part, count), input = try samples(rows)
            let output = Tensor([rows.count, dimension])
            _ = try parallelMap(count: (rows.count + part - 1) / part, threads: threads) { index in
                let own = index * part..<min((index + 1) * part, rows.count)
                try model.batchEncoder(modality, layer: layer)
                    .encode(rows: own, read: { input.rows($0) }) { output.rows($1).copy(from: $0) }
            }
            try write(output, start)
        }
    }

    /// Batches that a thread encodes at once, and floats of their samples: a part is long enough that the start of
    /// threads does not count, and takes at most 16 MiB.
    private static let batchesOfPart = 16, floatsOfPart = 1 << 22

    /// Encodes rows in the units of the source, N × e. All rows are prepared at once.
    /// - Parameter layer: as above.
    /// - Throws: as above.
    package func encode(_ modality: Modality, layer: Int? = nil, _ rows: Tensor) throws -> Tensor {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        let prepared = try source.prepare(modality, raw: rows), encoder = try model.batchEncoder(modality, layer: layer)
        let result = Tensor([prepared.rows, encoder.encoder.outputCount])
        encoder.encode(rows: 0..<prepared.rows, read: { prepared.rows($0) }) { encodings, batch in
            result.rows(batch).copy(from: encodings)
        }
        return result
    }

    /// Number of floats of an encoding: e, or those of the output of a layer.
    /// - Throws: `DataError` if there is no such layer.
    public func encodingCount(_ modality: Modality, layer: Int? = nil) throws -> Int {
        try model.encodingCount(modality, layer: layer)
    }

    /// Encodes batches of samples of a modality.
    /// - Parameter rows: number of rows in a batch.
    func batchEncoder(_ modality: Modality, rows: Int = BatchEncoder.defaultRows) -> BatchEncoder {
        model.batchEncoder(modality, rows: rows)
    }
}
