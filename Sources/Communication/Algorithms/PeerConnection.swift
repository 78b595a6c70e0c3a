import CoupletTensors

/// The connection of one worker to one partner: over shared memory (`SharedMemoryConnection`) or over MPI
/// (`MPIConnection`). The collective operations are written once, over this protocol.
///
/// A sent tensor is not copied. The partner may read it until `completeSend` returns or `Transfer.isSendComplete` is
/// true; until then this worker must not write it.
protocol PeerConnection: AnyObject {
    /// Whether the partner is in another process.
    var isRemote: Bool { get }

    /// Sends bytes, after the previous message of this channel has been sent. `header.count` is the number of bytes.
    func send(_ header: MessageHeader, bytes: [UInt8], channel: Int) throws

    /// Sends a tensor, after the previous message of this channel has been sent. `header.count` is its number of
    /// elements.
    func send(_ header: MessageHeader, tensor: Tensor, channel: Int) throws

    /// Waits until the last message of this channel no longer needs this worker's memory.
    func completeSend(channel: Int) throws

    /// Waits for bytes from the partner. The message must belong to the call of `expected`; the sender decides its
    /// length.
    func receive(_ expected: MessageHeader, channel: Int) throws -> (header: MessageHeader, bytes: [UInt8])

    /// Waits for a tensor from the partner and copies it into `tensor`, which has the same number of elements.
    func receive(_ expected: MessageHeader, into tensor: Tensor, channel: Int) throws

    /// Starts to exchange equally many numbers with the partner.
    ///
    /// Numbers from another process are received into `destination`, or, if it is nil, in pieces into memory of the
    /// transfer. Numbers from the same process are not copied.
    func beginTransfer(_ header: MessageHeader, channel: Int, outgoing: Tensor, destination: Tensor?) throws
        -> any Transfer

    /// Starts to send parts of this worker's memory, after the previous message of this channel has been sent. Within a
    /// process the partner reads them where they lie. To another process they go as one message.
    func beginPartSend(_ header: MessageHeader, parts: [Tensor], channel: Int) throws -> any PartSend

    /// Starts to receive what the partner sends by `beginPartSend`.
    ///
    /// - Parameters:
    ///   - count: number of elements of all parts.
    ///   - destination: receives the parts from another process; nil takes other memory.
    func beginPartReceive(_ header: MessageHeader, count: Int, channel: Int, destination: Tensor?) throws
        -> any PartReceive

    /// Starts to send tensors; see `Communicator.beginSend`.
    func beginSend(_ tensors: [Tensor], channel: Int) throws -> any PendingSend

    /// Starts to receive tensors; see `Communicator.beginReceive`.
    func beginReceive(counts: [Int], channel: Int, into landing: () -> [Tensor]) throws -> any PendingReceive
}

/// A running transfer of numbers between this worker and a partner, in both directions.
protocol Transfer: AnyObject {
    /// Calls `use` with the partner's numbers that have arrived since the last call, and their range in the transferred
    /// buffer. Returns whether all have arrived. Does not wait.
    func advance(_ use: (UnsafePointer<Float>, Range<Int>) -> Void) throws -> Bool

    /// Whether the partner has received all of this worker's numbers, so that they may be overwritten. Does not wait.
    func isSendComplete() throws -> Bool
}

/// A running send of parts.
protocol PartSend: AnyObject {
    /// Whether the partner no longer needs the parts, so that they may be overwritten. Does not wait.
    func isComplete() throws -> Bool
}

/// A running receive of parts.
protocol PartReceive: AnyObject {
    /// Whether the parts have arrived. Does not wait.
    func hasArrived() throws -> Bool
    /// After they have arrived: the partner's parts, or one tensor with all of them. Valid until `giveBack`.
    var parts: [Tensor] { get }
    /// Ends the use of `parts`. The partner may then overwrite them.
    func giveBack()
}

/// Numbers of the message channels between two workers. Messages of one channel arrive in order; channels do not wait
/// for each other.
package enum Channel {
    /// Calls that return when they are complete.
    static let blocking = 0
    /// First channel of the streams of `beginSend`.
    static let firstStream = 1
    /// First channel of the tree sums. Sum number s uses channel `firstSum + s % concurrentSums` and starts when sum
    /// s - `concurrentSums` is complete.
    static let firstSum = firstStream + MessageStream.allCases.count
    /// Number of tree sums that may run at the same time.
    static let concurrentSums = 8
    package static let count = firstSum + concurrentSums
}
