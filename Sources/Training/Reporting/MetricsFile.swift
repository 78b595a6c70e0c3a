/// A run's `metrics.jsonl`.
public struct MetricsFile: Sendable {
    private let file: AppendedFile

    /// Opens the file to go on after `step`: records of later steps, which a killed run left behind its last checkpoint, are dropped, for the
    /// same steps come again. So each step stands there once.
    /// - Throws: `StorageError` where the system refuses.
    public init(path: String, after step: Int) throws {
        if FileSystem.exists(path) {
            let text = try FileSystem.text(of: path)
            let kept = text.split(separator: "\n").filter { MetricsRecord.step(ofLine: $0).map { $0 <= step } ?? false }
                .map { $0 + "\n" }.joined()
            if kept != text { try FileSystem.replace(path, with: kept) }
        }
        file = try AppendedFile(path: path)
    }

    /// - Throws: `StorageError` where the system refuses.
    public func append(_ record: MetricsRecord) throws { try file.append(line: record.json) }
}
