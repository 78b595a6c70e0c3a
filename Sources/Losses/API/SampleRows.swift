/// Which samples of some pairs are equal: a number for the content of each sample, such as its row in a file that
/// stores equal pictures once. Negative: equal to no other.
public struct SampleRows: Equatable, Sendable {
    /// One number a pair, for its first and for its second sample.
    public var first: [Int], second: [Int]

    public init(first: [Int], second: [Int]) {
        self.first = first
        self.second = second
    }
}

/// What a loss does with two pairs that have an equal first or second sample, and are not of one group: the text "face"
/// of many pictures.
public enum EqualSampleTreatment: String, CaseIterable, Sendable {
    /// They are negatives, like all others.
    case ignore
    /// The sums over negatives leave out (i, j) if u_i = u_j or v_i = v_j: the score S_ij is then that of a pair. Pairs
    /// of one group are treated as `GroupTreatment` says.
    case excluded
}
