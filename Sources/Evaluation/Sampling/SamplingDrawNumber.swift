/// Which number of the stream `.evaluation` a draw of sampling is: a function of the query and its place in the work, so that samples
/// depend neither on who makes them nor on what else is asked for.
public enum SamplingDrawNumber {
    /// The most that the numbers of steps have room for.
    public static let queryLimit = 1 << 20, chainLimit = 1 << 11, stepLimit = 1 << 31

    /// Step `step` (0: the start) of a chain of a query.
    static func step(query: Int, chain: Int, step: Int) -> UInt64 {
        precondition((0..<queryLimit).contains(query), "query \(query)")
        precondition((0..<chainLimit).contains(chain), "chain \(chain)")
        precondition((0..<stepLimit).contains(step), "step \(step)")
        return UInt64(query) << 42 | UInt64(chain) << 31 | UInt64(step)
    }

    /// The resampling of a query.
    static func resampling(query: Int) -> UInt64 { 1 << 63 | UInt64(query) }

    /// The choice of a gallery from a finite source.
    public static let gallery: UInt64 = 1 << 62
}
