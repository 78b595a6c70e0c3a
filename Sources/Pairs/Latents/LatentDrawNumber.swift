/// What a `LatentSource` draws once, as numbers of `RandomStream.source`: part of what a seed means.
enum LatentDrawNumber: UInt64 {
    case content = 0, style, perturbation, firstModality, secondModality, styleMean, styleFromContent

    /// The number of a draw of a mixing's matrix.
    static func matrix(_ draw: Int) -> UInt64 { 1 << 32 + UInt64(draw) }
}
