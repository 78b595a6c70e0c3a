import CoupletEvaluation
import CoupletFiles
import CoupletPairs
import CoupletText

/// The metrics of one logged step: a line of `metrics.jsonl`.
public struct MetricsRecord: Equatable, Sendable {
    /// Number of finished steps.
    public var step: Int
    /// Loss of the batch before the update.
    public var loss: Double
    public var learningRate: Double
    /// Norm of the gradient over all parameters before clipping.
    public var gradientNorm: Double
    /// Temperature τ of the loss in the step.
    public var temperature: Double
    /// Pairs per second since the previous record.
    public var pairsPerSecond: Double
    /// Seconds since the start of training in this process.
    public var seconds: Double

    public init(
        step: Int, loss: Double, learningRate: Double, gradientNorm: Double, temperature: Double,
        pairsPerSecond: Double, seconds: Double
    ) {
        self.step = step
        self.loss = loss
        self.learningRate = learningRate
        self.gradientNorm = gradientNorm
        self.temperature = temperature
        self.pairsPerSecond = pairsPerSecond
        self.seconds = seconds
    }

    /// Reads a line that `json` wrote, each number exactly; nil for any other line, such as one that a kill cut short.
    /// A number that was not finite reads as NaN.
    public init?(line: some StringProtocol) {
        guard let values = JSONValue(text: line) else { return nil }
        func number(_ key: String) -> Double? { values[key] == .null ? .nan : values[key]?.number }
        guard let step = values["step"]?.integer, let loss = number("loss"), let learningRate = number("learning_rate"),
            let gradientNorm = number("gradient_norm"), let temperature = number("temperature")
        else { return nil }
        self.init(
            step: step, loss: loss, learningRate: learningRate, gradientNorm: gradientNorm, temperature: temperature,
            pairsPerSecond: number("pairs_per_second") ?? .nan, seconds: number("seconds") ?? .nan)
    }

    /// One JSON object on one line. Every number reads back as the same Double. A number that is not finite is written
    /// as null, because JSON cannot write it.
    public var json: String { value.text }

    var value: JSONValue {
        .object([
            ("step", .integer(step)), ("loss", .number(loss)), ("learning_rate", .number(learningRate)),
            ("gradient_norm", .number(gradientNorm)), ("temperature", .number(temperature)),
            ("pairs_per_second", .number(pairsPerSecond)), ("seconds", .number(seconds)),
        ])
    }

    /// The step of a line that `json` wrote; nil for any other line.
    fileprivate static func step(ofLine line: some StringProtocol) -> Int? {
        guard line.hasPrefix("{\"step\": "), line.hasSuffix("}") else { return nil }
        return Int(line.dropFirst(9).prefix { $0.isNumber })
    }
}

/// An evaluation during training: a line of `metrics.jsonl` with the keys `step`, `split`, `evaluation`, which holds
/// the sections of `couplet evaluate --json`, and `seconds`.
struct EvaluationRecord {
    let result: EvaluationResult
    let split: Split
    /// Seconds since the start of training in this process.
    let seconds: Double

    var value: JSONValue {
        var sections = result.json
        if case .object(let members) = sections { sections = .object(members.filter { $0.0 != "step" }) }
        return .object([
            ("step", .integer(result.step)), ("split", .string(split.rawValue)), ("evaluation", sections),
            ("seconds", .number(seconds)),
        ])
    }
}

/// The file `metrics.jsonl` of a run: a line for each logged step, and one for each evaluation during training; each
/// step at most once of either kind.
public struct MetricsFile: Sendable {
    private let file: LineFile

    /// Opens the file to append records after `step`. Records of later steps, which a killed run wrote after its last
    /// checkpoint, are removed, because the resumed run writes them again.
    /// - Throws: `FileError` if the system refuses.
    public init(path: String, after step: Int) throws {
        file = try LineFile(path)
        try file.truncate { line in MetricsRecord.step(ofLine: line).map { $0 <= step } ?? false }
    }

    /// Appends a record as one line.
    /// - Throws: `FileError` if the system refuses, for example because the disk is full.
    public func append(_ record: MetricsRecord) throws { try file.append(record.json) }

    /// Appends an evaluation as one line.
    /// - Throws: `FileError` as above.
    func append(_ record: EvaluationRecord) throws { try file.append(record.value.text) }

    /// The records of logged steps of a run, in the order of the file; empty if there is no file.
    /// - Throws: `FileError` if the file cannot be read.
    public static func records(path: String) throws -> [MetricsRecord] {
        guard FileSystem.exists(path) else { return [] }
        let bytes = try FileSystem.contents(of: path)
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { MetricsRecord(line: $0) }
    }
}
