import CoupletFiles
import CoupletText
import Foundation

extension MetricsRecord {
    /// The record of a line that `json` wrote, each number the very one that was written; nil for any other line, such as one cut short by a
    /// kill. A number that was not finite reads as NaN.
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
}

extension MetricsFile {
    /// The records of a run, in the order of the file; none where nothing was logged yet.
    /// - Throws: `FileError` where the file is there and cannot be read.
    public static func records(path: String) throws -> [MetricsRecord] {
        guard FileSystem.exists(path) else { return [] }
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw FileSystem.refused("read the metrics", path)
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { MetricsRecord(line: $0) }
    }
}
