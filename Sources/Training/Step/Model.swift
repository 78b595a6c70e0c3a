import CoupletEvaluation
import CoupletLosses
import CoupletNetworks
import CoupletOptimizers
import CoupletPairs
import CoupletTensors

/// The two encoders and their parameters. All workers of a process share one copy of the parameters. Each worker writes
/// the slices that it owns, between two collective calls, and reads all slices.
public struct Model: Sendable {
    public let encoders: PerModality<Encoder>
    /// The parameters of each encoder, in the order of its layout.
    public private(set) var parameters: PerModality<Tensor>
    /// The running statistics of each encoder, in the order of its `statisticsLayout`; without elements if it has none.
    public let statistics: PerModality<Tensor>
    /// Whether both modalities share one encoder. Both values of `encoders` and of `parameters` are then the same.
    public let isShared: Bool
    /// The modalities whose encoders are not trained.
    public let frozen: [Modality]
    /// The labels of the rows of a label encoder; nil if they are row numbers, or if the modality has no labels.
    package let labelTables: PerModality<LabelTable?>
    /// How texts or picture files became the samples; nil if that is not known.
    package let preparations: PerModality<SamplePreparation?>

    /// Builds the model of a config with its initial parameters. `PretrainedEncoders.load` replaces those that the
    /// block `initialize` takes from another run.
    /// - Throws: `ConfigurationError` if an encoder does not fit its modality, or `NetworkError` if a program made the
    ///   config; `DataError` if the modalities cannot share one.
    public init(_ configuration: Configuration, source: any PairSource) throws {
        self.init(try ModelEncoders(configuration, source: source), configuration)
    }

    /// Makes the initial parameters of a model.
    package init(_ built: ModelEncoders, _ configuration: Configuration) {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        (encoders, isShared, frozen) = (built.encoders, built.isShared, built.frozen)
        let first = encoders.first, second = encoders.second
        let philox = Philox(seed: configuration.seed)
        let firstParameters = first.initialParameters(philox: philox, encoderNumber: 0)
        parameters = PerModality(
            first: firstParameters,
            second: isShared ? firstParameters : second.initialParameters(philox: philox, encoderNumber: 1))
        let firstStatistics = first.initialStatistics()
        statistics = PerModality(
            first: firstStatistics, second: isShared ? firstStatistics : second.initialStatistics())
        (labelTables, preparations) = (built.labelTables, built.preparations)
    }

    /// The encoders without their parameters.
    package var built: ModelEncoders {
        ModelEncoders(
            encoders: encoders, isShared: isShared, frozen: frozen, labelTables: labelTables,
            preparations: preparations)
    }

    /// The same model with other parameters, such as their moving average.
    package func with(parameters: PerModality<Tensor>) -> Model {
        var copy = self
        copy.parameters = parameters
        return copy
    }

    /// Encodes batches of samples of a modality, as in an evaluation.
    /// - Parameters:
    ///   - rows: number of rows in a batch.
    ///   - layer: index of the layer whose outputs, flattened, are the encodings; nil for the last one.
    /// - Throws: `DataError` if the encoder has no such layer.
    package func batchEncoder(
        _ modality: Modality, rows: Int = BatchEncoder.defaultRows, layer: Int?
    ) throws -> BatchEncoder {
        guard let layer else { return batchEncoder(modality, rows: rows) }
        try requireLayer(layer, of: modality)
        let encoder = encoders[modality], first = encoder.upTo(layer: layer)
        return BatchEncoder(
            first, parameters: encoder.parameters(parameters[modality], of: first),
            statistics: encoder.statistics(statistics[modality], of: first), rows: rows)
    }

    /// Number of floats of an encoding: e, or those of the output of a layer.
    /// - Throws: `DataError` if the encoder has no such layer.
    package func encodingCount(_ modality: Modality, layer: Int?) throws -> Int {
        guard let layer else { return encoders[modality].outputCount }
        try requireLayer(layer, of: modality)
        return encoders[modality].layers[layer].outputCount
    }

    private func requireLayer(_ layer: Int, of modality: Modality) throws {
        let last = encoders[modality].layers.count - 1
        guard (0...last).contains(layer) else {
            throw DataError(
                at: "--layer", reason: "the \(modality) encoder has no layer \(layer)",
                remedy: "its layers are 0 to \(last); couplet config --summary lists them")
        }
    }

    /// Encodes batches of samples of a modality, as in an evaluation.
    /// - Parameter rows: number of rows in a batch.
    package func batchEncoder(_ modality: Modality, rows: Int = BatchEncoder.defaultRows) -> BatchEncoder {
        BatchEncoder(
            encoders[modality], parameters: parameters[modality], statistics: statistics[modality], rows: rows)
    }

    /// One modality for each distinct encoder: both, or only the first where they share one.
    package var modalitiesWithOwnEncoder: [Modality] { built.modalitiesWithOwnEncoder }

    /// The modalities that use the encoder of `modality`.
    func modalities(sharingEncoderOf modality: Modality) -> [Modality] { isShared ? Modality.allCases : [modality] }

    /// The encoders that are trained, each once.
    package var trainedEncoders: [Encoder] { built.trainedEncoders }

    /// Number of floats in the parameter buffers of both encoders, padding included. A shared encoder counts once.
    package var parameterCount: Int { built.parameterCount }

    /// Closed form of the learned coupling (`GaussianTilt`); nil unless both encoders are single linear layers and the
    /// source is Gaussian.
    package func gaussianTilt(
        of source: any PairSource, similarity: Similarity, temperature: Double
    ) throws -> GaussianTilt? {
        guard let covariance = source.gaussianCovariance, let first = linearMap(.first),
            let second = linearMap(.second)
        else { return nil }
        return GaussianTilt(
            try GaussianPair(covariance), similarity: similarity, first: first.weight, second: second.weight,
            firstBias: first.bias, secondBias: second.bias, temperature: temperature)
    }

    /// Weight and bias of an encoder of one linear layer; nil for any other encoder.
    private func linearMap(_ modality: Modality) -> (weight: Matrix, bias: [Double]?)? {
        let encoder = encoders[modality], flat = parameters[modality], entries = encoder.layout.entries
        guard encoder.layers.count == 1, encoder.layers[0] is Linear else { return nil }
        guard let weight = entries.first(where: { $0.path == "0/weight" }) else { return nil }
        let bias = entries.first { $0.path == "0/bias" }
        return (
            Matrix(flat.flat(weight.range).reshaped(weight.shape)),
            bias.map { flat.flat($0.range).values.map(Double.init) }
        )
    }
}

/// The two encoders of a config without their parameters, so that the memory of a model is known before it is taken.
package struct ModelEncoders: Sendable {
    package let encoders: PerModality<Encoder>
    let isShared: Bool
    let frozen: [Modality]
    let labelTables: PerModality<LabelTable?>
    let preparations: PerModality<SamplePreparation?>

    fileprivate init(
        encoders: PerModality<Encoder>, isShared: Bool, frozen: [Modality], labelTables: PerModality<LabelTable?>,
        preparations: PerModality<SamplePreparation?>
    ) {
        (self.encoders, self.isShared, self.frozen, self.labelTables) = (encoders, isShared, frozen, labelTables)
        self.preparations = preparations
    }

    /// - Throws: as `Model.init`.
    package init(_ configuration: Configuration, source: any PairSource) throws {
        let settings = configuration.encoders
        func encoder(_ specification: EncoderSpecification, _ modality: Modality) throws -> Encoder {
            let description = source.description(of: modality)
            return try configuration.locatingErrors(ofEncoder: modality) {
                try Encoder(
                    specification.completed(vocabulary: source.preparation(of: modality)?.text?.vocabulary),
                    inputShape: description.shape, classes: description.classes,
                    embedding: settings.embedding, initialScale: settings.initialScale,
                    initialization: settings.initialization, shards: configuration.batch.shards)
            }
        }
        let first = try encoder(settings.first, .first)
        if settings.shared {
            let descriptions = PerModality(source.description)
            guard descriptions.first == descriptions.second else {
                throw DataError(
                    at: "encoders.shared",
                    reason: """
                        the modalities have the shapes \(descriptions.first.shape) and \(descriptions.second.shape), \
                        which one encoder cannot take
                        """,
                    remedy: "leave out shared and give a second encoder")
            }
        }
        self.init(
            encoders: PerModality(
                first: first, second: settings.shared ? first : try encoder(settings.second, .second)),
            isShared: settings.shared, frozen: configuration.frozenEncoders,
            labelTables: PerModality { source.description(of: $0).labelTable },
            preparations: PerModality(source.preparation))
        try requireVocabularies()
        let kind = configuration.optimizer.kind
        if kind is any TensorNormOptimizer, trainedEncoders.contains(where: { $0.sparseTable != nil }) {
            throw DataError(
                at: "optimizer.kind",
                reason: """
                    \(kind.kindName) needs the norms of whole tensors, but a step of this run computes only those rows \
                    of an embedding that its batch reads
                    """,
                remedy: "choose sgd, adam or adamw, or set sparse: false in the embedding")
        }
    }

    /// Checks that the encoders have the vocabularies of the tokenizers.
    private func requireVocabularies() throws {
        for modality in Modality.allCases {
            guard let text = preparations[modality]?.text, let vocabulary = encoders[modality].tokenVocabulary,
                vocabulary != text.vocabulary
            else { continue }
            throw DataError(
                at: "encoders.\((isShared ? .first : modality).rawValue)",
                reason: """
                    its vocabulary is \(vocabulary), but the tokenizer \(text.tokenizerName) of the data has \
                    \(text.vocabulary) ids
                    """,
                remedy: "leave vocabulary out, so that it is that of the data, or set it to \(text.vocabulary)")
        }
    }

    /// The source with a check of all token ids that it hands on; the source itself if no encoder takes any.
    package func checkingTokens(of source: any PairSource) -> any PairSource {
        TokenSource.checking(source, vocabularies: encoders.map(\.tokenVocabulary))
    }

    var modalitiesWithOwnEncoder: [Modality] { isShared ? [.first] : Modality.allCases }

    var trainedEncoders: [Encoder] {
        modalitiesWithOwnEncoder.filter { !frozen.contains($0) }.map { encoders[$0] }
    }

    var parameterCount: Int { modalitiesWithOwnEncoder.reduce(0) { $0 + encoders[$1].layout.count } }
}
