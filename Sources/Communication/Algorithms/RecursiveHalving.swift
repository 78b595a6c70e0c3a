/// The ranges of recursive halving: at level l the range that a worker holds is cut in two; bit l of its number says which half it
/// keeps (0: the lower), the other goes to the partner with distance 2^l.
struct RecursiveHalving {
    /// The range held after 0, 1, … halvings; the last is `Communicator.ownedRange`.
    private let held: [Range<Int>]
    private let rank: Int

    init(count: Int, rank: Int, size: Int) {
        self.rank = rank
        var held = [0..<count], distance = 1
        while distance < size {
            let range = held[held.count - 1], middle = range.lowerBound + range.count / 2
            held.append(rank & distance == 0 ? range.lowerBound..<middle : middle..<range.upperBound)
            distance *= 2
        }
        self.held = held
    }

    var levels: Range<Int> { 0..<(held.count - 1) }

    func kept(_ level: Int) -> Range<Int> { held[level + 1] }

    func given(_ level: Int) -> Range<Int> {
        let whole = held[level], kept = held[level + 1]
        return rank & (1 << level) == 0 ? kept.upperBound..<whole.upperBound : whole.lowerBound..<kept.lowerBound
    }
}
