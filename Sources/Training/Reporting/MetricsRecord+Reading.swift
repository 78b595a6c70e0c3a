import Foundation
import Storage

extension MetricsRecord {
    /// The record of a line that `json` wrote; nil for any other, such as one cut short by a kill. A number that was not finite reads as NaN.
    ///
    /// Foundation's JSON gives Doubles that are off by a last bit; here each is the very one that was written.
    public init?(line: some StringProtocol) {
        guard line.hasPrefix("{"), line.hasSuffix("}") else { return nil }
        func number(_ key: String) -> Double? {
            guard let found = line.range(of: "\"\(key)\":") else { return nil }
            let text = line[found.upperBound...].drop { $0 == " " }.prefix { $0 != "," && $0 != "}" && $0 != " " }
            return text == "null" ? .nan : Double(text)
        }
        guard let step = number("step").flatMap({ Int(exactly: $0) }), let loss = number("loss"), let learningRate = number("learning_rate"),
            let gradientNorm = number("gradient_norm"), let temperature = number("temperature")
        else { return nil }
        self.init(
            step: step, loss: loss, learningRate: learningRate, gradientNorm: gradientNorm, temperature: temperature,
            pairsPerSecond: number("pairs_per_second") ?? .nan, seconds: number("seconds") ?? .nan)
    }
}

extension MetricsFile {
    /// The records of a run, in the order of the file; none where nothing was logged yet.
    /// - Throws: `StorageError` where the file is there and cannot be read.
    public static func records(path: String) throws -> [MetricsRecord] {
        guard FileSystem.exists(path) else { return [] }
        guard let bytes = FileManager.default.contents(atPath: path) else { throw FileSystem.refused("read the metrics", path) }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { MetricsRecord(line: $0) }
    }
}
