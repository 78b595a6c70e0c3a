import CoupletTensors

/// A swap of buffers that is under way.
public protocol PendingExchange: AnyObject {
    /// Gives the network a chance to go on; returns at once.
    func advance() throws

    /// Waits for the partner. `incoming` holds the partner's numbers and, with `spare`, now belongs to this worker; the
    /// outgoing tensor does not any more (it may be `spare`).
    func finish() throws -> (incoming: Tensor, spare: Tensor)
}
