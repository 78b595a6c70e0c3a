/// What a worker, or a process, waits in.
struct BlockedCall: Sendable {
    /// The worker's number in its process; nil: the process itself.
    let thread: Int?
    /// The call: "barrier".
    let call: String
    /// For whom; nil where for several or for all.
    let partner: WorkerID?
    /// Since when, in nanoseconds of the monotonic clock.
    let since: UInt64
}
