import CoupletEvaluation
import CoupletFiles
import CoupletStorage
import CoupletText
import CoupletTraining

/// The checkpoint by which a trial is measured, and its evaluation: the best one of a trial with `train.best`,
/// otherwise the last one.
struct MeasuredCheckpoint {
    let step: Int
    let evaluation: JSONValue

    /// - Parameters:
    ///   - last: the step of the newest checkpoint.
    ///   - scalars: those of that checkpoint.
    /// - Returns: nil if the run has no evaluation of the checkpoint.
    init?(of run: RunFolder, last: Int, scalars: [(name: String, value: AttributeValue)]) {
        let best = CheckpointStore.bestStep(in: scalars)
        step = best ?? last
        guard let text = try? FileSystem.text(at: best == nil ? run.evaluation : run.bestEvaluation),
            let evaluation = JSONValue(text: text), evaluation["step"]?.integer == step
        else { return nil }
        self.evaluation = evaluation
    }
}

/// The metric of a trial, and the pairs that it is of.
struct TrialFigures: Equatable {
    /// The metric by which trials are compared.
    let metric: Double
    let chosenOn: MetricOrigin
    /// The metric of the test pairs.
    let test: Double?

    /// Takes the metric of the validation pairs if the evaluation has it.
    /// - Returns: nil if the evaluation has no such number.
    init?(_ path: MetricPath, in evaluation: JSONValue) {
        let test = path.value(in: evaluation)
        if let metric = evaluation["validation"].flatMap({ path.value(in: $0) }) {
            (self.metric, chosenOn, self.test) = (metric, .validation, test)
        } else if let test {
            // The closed form of a Gaussian is of the distribution, not of pairs.
            (metric, chosenOn) = (test, path.description.hasPrefix("gaussian.") ? .exact : .test)
            self.test = test
        } else {
            return nil
        }
    }
}

/// The pairs that the metric of a trial is of.
public enum MetricOrigin: String, CaseIterable, Sendable {
    case validation
    case test
    /// No pairs: the metric is of the distribution.
    case exact
}

/// The result of a trial at its last step, or at a step after which halving compares trials.
package struct TrialResult: Equatable, Sendable {
    package let trial: String
    /// The step up to which the trial was to be trained.
    package let steps: Int
    /// Nil if the trial failed.
    package let metric: Double?
    /// The pairs that the metric is of.
    package let chosenOn: MetricOrigin
    /// The metric of the test pairs; nil if it is not known.
    package let test: Double?
    /// The digest of the checkpoint of that step, or of the best one of a trial with `train.best`.
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

    /// - Parameter test: has no effect on a metric that is not of validation pairs.
    package init(
        trial: String, steps: Int, metric: Double?, chosenOn: MetricOrigin = .test, test: Double? = nil, digest: String,
        seconds: Double, reason: String = ""
    ) {
        (self.trial, self.steps, self.metric, self.chosenOn, self.digest) = (trial, steps, metric, chosenOn, digest)
        (self.seconds, self.reason) = (seconds, reason)
        self.test = chosenOn == .validation ? test : metric
    }

    init(trial: String, steps: Int, _ figures: TrialFigures, digest: String, seconds: Double) {
        self.init(
            trial: trial, steps: steps, metric: figures.metric, chosenOn: figures.chosenOn, test: figures.test,
            digest: digest, seconds: seconds)
    }

    var json: JSONValue {
        .object([
            ("trial", .string(trial)), ("steps", .integer(steps)), ("metric", .number(metric)),
            ("chosen_on", .string(chosenOn.rawValue)), ("test", .number(test)),
            ("digest", .string(digest)), ("seconds", .number(seconds)), ("reason", .string(reason)),
        ])
    }

    /// Nil if the value is not a result.
    init?(_ json: JSONValue) {
        guard let trial = json["trial"]?.string, let steps = json["steps"]?.integer,
            let digest = json["digest"]?.string, let seconds = json["seconds"]?.number,
            let reason = json["reason"]?.string
        else { return nil }
        // Results of earlier versions are of the test pairs.
        self.init(
            trial: trial, steps: steps, metric: json["metric"]?.number,
            chosenOn: json["chosen_on"]?.string.flatMap(MetricOrigin.init) ?? .test, test: json["test"]?.number,
            digest: digest, seconds: seconds, reason: reason)
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
    package func read() throws -> [TrialResult] { try Self.results(path: file.path) }

    /// Reads the results of a sweep that may be running, and leaves the file as it is. Lines that are no result, such
    /// as one that is being written, are skipped.
    /// - Throws: `FileError` if the system refuses.
    package static func results(path: String) throws -> [TrialResult] {
        guard FileSystem.exists(path) else { return [] }
        var results: [TrialResult] = [], indices: [String: Int] = [:]
        for line in try FileSystem.text(at: path).split(separator: "\n") {
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
