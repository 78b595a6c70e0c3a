/// Numbers on their way between this worker and a partner, in both directions.
protocol Transfer: AnyObject {
    /// Hands the partner's numbers that have come since the last time to `use`: where they lie, and which of the count they
    /// are. True when
    /// all have come. Does not wait.
    func advance(_ use: (UnsafePointer<Float>, Range<Int>) -> Void) throws -> Bool

    /// Whether the partner has all of this worker's numbers, so that they may be written again. Does not wait.
    func isReclaimed() throws -> Bool
}
