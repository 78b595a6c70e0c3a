/// The first number of a step, in the order in which they are made, that is NaN or infinite.
public struct NotFiniteNumber: Equatable, Sendable {
    /// Its tensor, by its path in a dump: "activations/first/1".
    public let tensor: String
    /// How many of the tensor's numbers are not finite, of how many.
    public let count: Int
    public let of: Int
    /// Where the tensor has a row a sample.
    public let sample: Sample?

    /// A sample of the batch.
    public struct Sample: Equatable, Sendable {
        /// In the batch.
        public let position: Int
        public let draw: UInt64
        /// Among a finite source's training samples.
        public let index: UInt64?
    }

    var text: String {
        let what = "\(tensor): \(count) of \(of) numbers"
        guard let sample else { return what }
        let number = sample.index.map { "sample \($0), draw \(sample.draw)" } ?? "draw \(sample.draw)"
        return "\(what), first at position \(sample.position) of the batch (\(number))"
    }
}
