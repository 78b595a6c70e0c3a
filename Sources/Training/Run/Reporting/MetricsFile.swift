import CoupletFiles

/// A run's `metrics.jsonl`.
public struct MetricsFile: Sendable {
    private let file: LineFile

    /// Opens the file to go on after `step`: records of later steps, which a killed run left behind its last checkpoint, are dropped, for the
    /// same steps come again. So each step stands there once.
    /// - Throws: `FileError` where the system refuses.
    public init(path: String, after step: Int) throws {
        file = try LineFile(path)
        try file.truncate { line in MetricsRecord.step(ofLine: line).map { $0 <= step } ?? false }
    }

    /// - Throws: `FileError` where the system refuses, such as on a full disk.
    public func append(_ record: MetricsRecord) throws { try file.append(record.json) }
}
