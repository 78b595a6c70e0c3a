import CoupletTensors

/// The number of valid positions in each row of a shard of sequences. Positions from there on are padding.
///
/// The encoder's first layer counts them in its input (`Layer.countPositions`), in every pass anew. Layers that mix
/// positions, such as attention and pooling, leave the padding out.
public struct SequenceLengths: Sendable {
    /// The number of valid positions of each row in the encoder's input, as whole numbers.
    let counts: Tensor
    /// Positions that earlier layers have put in front of every sequence.
    let added: Int

    /// - Parameters:
    ///   - counts: one whole number a row.
    ///   - added: positions in front of every sequence that `counts` leaves out.
    public init(counts: Tensor, added: Int = 0) {
        self.counts = counts
        self.added = added
    }

    /// The number of valid positions of a row of the shard.
    public subscript(row: Int) -> Int { added + Int(counts.pointer[row]) }

    /// The lengths after a layer that puts further positions in front.
    func adding(_ positions: Int) -> SequenceLengths { SequenceLengths(counts: counts, added: added + positions) }
}
