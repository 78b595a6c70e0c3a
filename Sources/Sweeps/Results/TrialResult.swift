import CoupletText

/// What a trial came to: at its last step, or at one after which halving compares.
package struct TrialResult: Equatable, Sendable {
    package let trial: String
    /// The steps it was to be trained to.
    package let steps: Int
    /// Nil where the trial failed.
    package let metric: Double?
    /// Of the checkpoint of that step.
    package let digest: String
    /// Of work on this part of the trial, by the last process that did it.
    package let seconds: Double
    /// Why it failed; empty where it did not.
    package let reason: String

    package var isFailed: Bool { metric == nil }

    package static func failed(_ trial: String, steps: Int, seconds: Double, reason: String) -> TrialResult {
        let line = reason.split(separator: "\n").map { $0.drop { $0 == " " } }.joined(separator: "; ")
        return TrialResult(
            trial: trial, steps: steps, metric: nil, digest: "", seconds: seconds,
            reason: line.isEmpty ? "it failed" : line)
    }

    package init(trial: String, steps: Int, metric: Double?, digest: String, seconds: Double, reason: String = "") {
        (self.trial, self.steps, self.metric, self.digest, self.seconds, self.reason) = (
            trial, steps, metric, digest, seconds, reason
        )
    }

    package var json: JSONValue {
        .object([
            ("trial", .string(trial)), ("steps", .integer(steps)), ("metric", .number(metric)),
            ("digest", .string(digest)),
            ("seconds", .number(seconds)), ("reason", .string(reason)),
        ])
    }

    /// Nil where a line is none, such as one cut short by a kill.
    package init?(_ json: JSONValue) {
        guard let trial = json["trial"]?.string, let steps = json["steps"]?.integer,
            let digest = json["digest"]?.string,
            let seconds = json["seconds"]?.number, let reason = json["reason"]?.string
        else { return nil }
        self.init(
            trial: trial, steps: steps, metric: json["metric"]?.number, digest: digest, seconds: seconds, reason: reason
        )
    }
}
