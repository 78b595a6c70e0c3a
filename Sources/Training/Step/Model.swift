import Networks
import Objectives
import Pairs
import Tensors

/// The two encoders and their parameters: one copy a process, shared by its workers. Each worker writes its own slices of it, between two
/// meetings of all workers, and reads all of it.
public struct Model: Sendable {
    public let first: Encoder
    public let second: Encoder
    /// All parameters of an encoder, flat, in its layout.
    public let firstParameters: Tensor
    public let secondParameters: Tensor
    /// The encoders that are not trained.
    public let frozen: [Modality]

    /// The model of a configuration, at step 0; what `initialize` takes from another run is still to come.
    /// - Throws: `NetworkError` where an encoder does not fit its modality.
    public init(_ configuration: Configuration, source: any PairSource) throws {
        func encoder(_ specification: EncoderSpecification, _ modality: Modality) throws -> Encoder {
            let description = source.description(of: modality)
            return try Encoder(
                specification, inputShape: description.shape, classes: description.classes, embedding: configuration.encoders.embedding,
                initialScale: configuration.encoders.initialScale, shards: configuration.batch.shards)
        }
        first = try encoder(configuration.encoders.first, .first)
        second = try encoder(configuration.encoders.second, .second)
        frozen = configuration.frozenEncoders
        let philox = Philox(seed: configuration.seed)
        firstParameters = first.initialParameters(philox: philox, encoderNumber: 0)
        secondParameters = second.initialParameters(philox: philox, encoderNumber: 1)
    }

    /// The encoders that are trained.
    var trained: [Encoder] { Modality.allCases.filter { !frozen.contains($0) }.map(encoder) }

    public func encoder(_ modality: Modality) -> Encoder { modality == .first ? first : second }
    public func parameters(_ modality: Modality) -> Tensor { modality == .first ? firstParameters : secondParameters }
}
