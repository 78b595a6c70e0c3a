import CoupletTensors

/// One worker's connection to one partner, over shared memory or over MPI. The collectives are written once over this.
///
/// The one rule of memory: a tensor that is posted or transferred stays where it is, and the partner may read it there until
/// `reclaim` (`Transfer.isReclaimed`) has said that it is done.
protocol Link: AnyObject {
    /// Whether the partner is in another process.
    var isRemote: Bool { get }

    /// Sends bytes; returns at once (or when the partner has taken the message before). `envelope.count` is their number.
    func post(_ envelope: MessageHeader, bytes: [UInt8], lane: Int) throws

    /// Lends a tensor to the partner; returns as `post(_:bytes:lane:)` does. `envelope.count` is its count.
    func post(_ envelope: MessageHeader, tensor: Tensor, lane: Int) throws

    /// Waits until what was posted last on this lane needs this worker no more.
    func reclaim(lane: Int) throws

    /// Waits for the partner's bytes. `expected` says of which call; their number is the partner's business.
    func receive(_ expected: MessageHeader, lane: Int) throws -> (envelope: MessageHeader, bytes: [UInt8])

    /// Waits for the partner's tensor and copies it into `tensor`, whose count is known to be right.
    func receive(_ expected: MessageHeader, into tensor: Tensor, lane: Int) throws

    /// Begins to swap equally many numbers. The partner's come into `destination` if they come from another process (in
    /// pieces, into
    /// memory of the transfer, where that is nil).
    func beginTransfer(_ envelope: MessageHeader, lane: Int, outgoing: Tensor, destination: Tensor?) throws
        -> any Transfer

    func beginExchange(_ outgoing: Tensor, spare: Tensor) throws -> any PendingExchange
}
