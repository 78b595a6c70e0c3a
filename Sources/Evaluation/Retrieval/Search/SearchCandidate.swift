/// A gallery row that is among a query's best.
struct SearchCandidate {
    /// In units of a power of two, in single precision: what the sums over the gallery took it for.
    let score: Float
    let row: Int
    /// κ in Double.
    let similarity: Double

    /// The order by which the best are kept: higher scores first, of equal ones the lower row.
    func isBefore(_ other: SearchCandidate) -> Bool { score > other.score || (score == other.score && row < other.row) }
}
