/// A trial in a sweep's table.
public struct SweepRow: Equatable, Sendable {
    public let trial: String
    public let status: TrialStatus
    /// The varied values, in the order of the table's keys: as a config has them, texts without quotes.
    public let values: [String]
    /// Nil where there is none yet, or the trial failed.
    public let metric: Double?
    /// Of the last checkpoint that was evaluated; empty where there is none.
    public let digest: String
    /// The steps of that checkpoint; nil where there is none.
    public let steps: Int?
    /// Of work on the trial; nil where there was none.
    public let seconds: Double?
    /// Why it failed; empty where it did not.
    public let reason: String

    package init(
        trial: String, status: TrialStatus, values: [String], metric: Double?, digest: String, steps: Int?,
        seconds: Double?, reason: String
    ) {
        (self.trial, self.status, self.values, self.metric) = (trial, status, values, metric)
        (self.digest, self.steps, self.seconds, self.reason) = (digest, steps, seconds, reason)
    }
}
