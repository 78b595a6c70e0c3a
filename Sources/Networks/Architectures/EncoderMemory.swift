/// The memory of an encoder's workspace in one worker, in bytes, by kind.
public struct EncoderMemory: Equatable, Sendable {
    /// Outputs of the layers, and what else forward leaves to backward, of all kept shards.
    public let activations: Int
    /// Gradients of the activations, of the shard in work.
    public let activationGradients: Int
    /// What layers use within a call.
    public let scratch: Int

    public var total: Int { activations + activationGradients + scratch }
}
