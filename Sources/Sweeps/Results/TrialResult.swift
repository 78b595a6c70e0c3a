import CoupletFiles
import CoupletText

/// The result of a trial at its last step, or at a step after which halving compares trials.
package struct TrialResult: Equatable, Sendable {
    package let trial: String
    /// The step up to which the trial was to be trained.
    package let steps: Int
    /// Nil if the trial failed.
    package let metric: Double?
    /// The digest of the checkpoint of that step.
    package let digest: String
    /// Seconds that the last process spent on this part of the trial.
    package let seconds: Double
    /// Why the trial failed; empty otherwise.
    package let reason: String

    package var isFailed: Bool { metric == nil }

    package static func failed(_ trial: String, steps: Int, seconds: Double, reason: String) -> TrialResult {
        let line = reason.split(separator: "\n").map { $0.drop { $0 == " " } }.joined(separator: "; ")
        return TrialResult(
            trial: trial, steps: steps, metric: nil, digest: "", seconds: seconds,
            reason: line.isEmpty ? "it failed" : line)
    }

    package init(trial: String, steps: Int, metric: Double?, digest: String, seconds: Double, reason: String = "") {
        (self.trial, self.steps, self.metric, self.digest) = (trial, steps, metric, digest)
        (self.seconds, self.reason) = (seconds, reason)
    }

    var json: JSONValue {
        .object([
            ("trial", .string(trial)), ("steps", .integer(steps)), ("metric", .number(metric)),
            ("digest", .string(digest)), ("seconds", .number(seconds)), ("reason", .string(reason)),
        ])
    }

    /// Nil if the value is not a result.
    init?(_ json: JSONValue) {
        guard let trial = json["trial"]?.string, let steps = json["steps"]?.integer,
            let digest = json["digest"]?.string, let seconds = json["seconds"]?.number,
            let reason = json["reason"]?.string
        else { return nil }
        self.init(
            trial: trial, steps: steps, metric: json["metric"]?.number, digest: digest, seconds: seconds,
            reason: reason)
    }
}

/// The file `results.jsonl` of a sweep: one line per `TrialResult`, in the order in which they arrive.
///
/// The table of the sweep is computed from these lines, and an interrupted sweep resumes from them.
package struct ResultsFile: Sendable {
    private let file: LineFile

    /// Opens the file and drops lines that a killed process left incomplete.
    /// - Throws: `FileError` if the system refuses.
    package init(path: String) throws {
        file = try LineFile(path)
        try file.truncate { JSONValue(text: $0).flatMap(TrialResult.init) != nil }
    }

    /// Reads the results. The last of several results of one trial and step replaces the others.
    /// - Throws: `FileError` if the system refuses.
    package func read() throws -> [TrialResult] {
        var results: [TrialResult] = [], indices: [String: Int] = [:]
        for line in try FileSystem.text(at: file.path).split(separator: "\n") {
            guard let result = JSONValue(text: line).flatMap(TrialResult.init) else { continue }
            let key = "\(result.steps) \(result.trial)"
            if let index = indices[key] {
                results[index] = result
            } else {
                indices[key] = results.count
                results.append(result)
            }
        }
        return results
    }

    /// Adds a result. The result is durable when this returns.
    package func append(_ result: TrialResult) throws {
        try file.append(result.json.text)
        try file.synchronize()
    }
}
