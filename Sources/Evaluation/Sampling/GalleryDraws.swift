/// What resampling a gallery gives for one query.
public struct GalleryDraws: Equatable, Sendable {
    /// The gallery's rows that were drawn, in random order.
    public let rows: [Int]
    /// w_k of all rows of the gallery; their sum is 1.
    public let weights: [Double]
    /// 1/Σ w²: how many independent draws of the conditional the gallery is worth (Kong, Liu, Wong 1994).
    public let effectiveSampleSize: Double
    /// The row of the highest weight, the first of equals: the conditional's mode on the gallery.
    public let mode: Int
}
