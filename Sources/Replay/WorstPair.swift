/// One of the pairs of a batch with the largest losses.
public struct WorstPair: Equatable, Sendable {
    /// The place of the positive among the scores of a row or column.
    public struct Standing: Equatable, Sendable {
        /// 1: no other score is greater.
        public let rank: Int
        /// How many other scores equal it, as labels that come several times do.
        public let ties: Int
        /// The position in the batch of the greatest other, and its score.
        public let rival: Int
        public let rivalScore: Double
    }

    /// In the batch.
    public let position: Int
    /// n = (step - 1) B + position: what the source's noise is a function of.
    public let draw: UInt64
    /// The number of the sample in a finite source's training samples.
    public let index: UInt64?
    /// Its class, where the source knows classes.
    public let label: Int?
    /// What it adds to the loss, times B.
    public let loss: Double
    /// S_ii.
    public let score: Double
    /// Among the second encodings, for its first one.
    public let row: Standing
    /// Among the first encodings, for its second one.
    public let column: Standing
}
