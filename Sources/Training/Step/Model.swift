import CoupletEvaluation
import CoupletLosses
import CoupletNetworks
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

    /// Builds the model of a config with its initial parameters. `PretrainedEncoders.load` replaces those that the
    /// block `initialize` takes from another run.
    /// - Throws: `NetworkError` if an encoder does not fit its modality; `DataError` if the modalities cannot share
    ///   one.
    public init(_ configuration: Configuration, source: any PairSource) throws {
        let settings = configuration.encoders, isShared = settings.shared
        func encoder(_ specification: EncoderSpecification, _ modality: Modality) throws -> Encoder {
            let description = source.description(of: modality)
            return try Encoder(
                specification, inputShape: description.shape, classes: description.classes,
                embedding: settings.embedding, initialScale: settings.initialScale, shards: configuration.batch.shards)
        }
        let first = try encoder(settings.first, .first)
        if isShared {
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
        let second = isShared ? first : try encoder(settings.second, .second)
        let philox = Philox(seed: configuration.seed)
        let firstParameters = first.initialParameters(philox: philox, encoderNumber: 0)
        encoders = PerModality(first: first, second: second)
        parameters = PerModality(
            first: firstParameters,
            second: isShared ? firstParameters : second.initialParameters(philox: philox, encoderNumber: 1))
        let firstStatistics = first.initialStatistics()
        statistics = PerModality(
            first: firstStatistics, second: isShared ? firstStatistics : second.initialStatistics())
        self.isShared = isShared
        frozen = configuration.frozenEncoders
    }

    /// The same model with other parameters, such as their moving average.
    package func with(parameters: PerModality<Tensor>) -> Model {
        var copy = self
        copy.parameters = parameters
        return copy
    }

    /// Encodes batches of samples of a modality, as in an evaluation.
    /// - Parameter rows: number of rows in a batch.
    package func batchEncoder(_ modality: Modality, rows: Int = BatchEncoder.defaultRows) -> BatchEncoder {
        BatchEncoder(
            encoders[modality], parameters: parameters[modality], statistics: statistics[modality], rows: rows)
    }

    /// One modality for each distinct encoder: both, or only the first where they share one.
    package var modalitiesWithOwnEncoder: [Modality] { isShared ? [.first] : Modality.allCases }

    /// The modalities that use the encoder of `modality`.
    func modalities(sharingEncoderOf modality: Modality) -> [Modality] { isShared ? Modality.allCases : [modality] }

    /// The encoders that are trained, each once.
    package var trainedEncoders: [Encoder] {
        modalitiesWithOwnEncoder.filter { !frozen.contains($0) }.map { encoders[$0] }
    }

    /// Number of floats in the parameter buffers of both encoders, padding included. A shared encoder counts once.
    package var parameterCount: Int { modalitiesWithOwnEncoder.reduce(0) { $0 + encoders[$1].layout.count } }

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
