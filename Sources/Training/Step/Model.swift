import CoupletNetworks
import CoupletPairs
import CoupletTensors

/// The two encoders and their parameters: one copy a process, shared by its workers. Each worker writes its own slices of it, between two
/// meetings of all workers, and reads all of it.
public struct Model: Sendable {
    public let first: Encoder
    public let second: Encoder
    /// All parameters of an encoder, flat, in its layout.
    public let firstParameters: Tensor
    public let secondParameters: Tensor
    /// Whether both modalities have one encoder: `second` is `first` then, and the parameters are the same memory.
    public let isShared: Bool
    /// The encoders that are not trained.
    public let frozen: [Modality]

    /// The model of a configuration, at step 0; what `initialize` takes from another run is still to come.
    /// - Throws: `NetworkError` where an encoder does not fit its modality, `DataError` where modalities cannot share one.
    public init(_ configuration: Configuration, source: any PairSource) throws {
        func encoder(_ specification: EncoderSpecification, _ modality: Modality) throws -> Encoder {
            let description = source.description(of: modality)
            return try Encoder(
                specification, inputShape: description.shape, classes: description.classes,
                embedding: configuration.encoders.embedding,
                initialScale: configuration.encoders.initialScale, shards: configuration.batch.shards)
        }
        first = try encoder(configuration.encoders.first, .first)
        isShared = configuration.encoders.shared
        if isShared {
            let descriptions = Modality.allCases.map(source.description)
            guard descriptions[0] == descriptions[1] else {
                throw DataError(
                    place: "encoders.shared",
                    reason:
                        "the modalities have the shapes \(descriptions[0].shape) and \(descriptions[1].shape), which one encoder cannot take",
                    remedy: "leave out shared and give a second encoder")
            }
        }
        second = isShared ? first : try encoder(configuration.encoders.second, .second)
        frozen = configuration.frozenEncoders
        let philox = Philox(seed: configuration.seed)
        firstParameters = first.initialParameters(philox: philox, encoderNumber: 0)
        secondParameters = isShared ? firstParameters : second.initialParameters(philox: philox, encoderNumber: 1)
    }

    /// The modalities that have an encoder of their own: both, or of a shared one the first.
    var ownEncoders: [Modality] { isShared ? [.first] : Modality.allCases }

    /// The encoders that are trained, each once.
    package var trained: [Encoder] { ownEncoders.filter { !frozen.contains($0) }.map(encoder) }

    /// How many numbers are in both encoders; a shared one's count once.
    package var parameterCount: Int { ownEncoders.reduce(0) { $0 + encoder($1).layout.count } }

    public func encoder(_ modality: Modality) -> Encoder { modality == .first ? first : second }
    public func parameters(_ modality: Modality) -> Tensor { modality == .first ? firstParameters : secondParameters }
}
