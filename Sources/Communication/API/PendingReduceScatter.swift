/// The first half of a tree sum, under way.
public protocol PendingReduceScatter: AnyObject {
    /// Gives the network a chance to go on; returns at once.
    func advance() throws

    /// Returns when this worker's owned range holds the sum.
    func finish() throws
}
