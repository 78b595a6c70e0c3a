import CoupletFiles
import CoupletText

/// A sweep's `results.jsonl`: a line each time a trial ends or comes to a step after which halving compares. The table is made from it, and a sweep
/// that was interrupted goes on from it.
package struct ResultsFile: Sendable {
    private let file: LineFile

    /// Opens it; lines that a kill cut short are dropped.
    /// - Throws: `FileError` where the system refuses.
    package init(path: String) throws {
        file = try LineFile(path)
        try file.truncate { JSONValue(text: $0).flatMap(TrialResult.init) != nil }
    }

    /// The results in it; of several of one trial and step the last.
    /// - Throws: `FileError` where the system refuses.
    package func read() throws -> [TrialResult] {
        var results: [TrialResult] = [], places: [String: Int] = [:]
        for line in try FileSystem.text(at: file.path).split(separator: "\n") {
            guard let result = JSONValue(text: line).flatMap(TrialResult.init) else { continue }
            let key = "\(result.steps) \(result.trial)"
            if let place = places[key] {
                results[place] = result
            } else {
                places[key] = results.count
                results.append(result)
            }
        }
        return results
    }

    /// Adds a result; it survives a power cut when this returns.
    package func append(_ result: TrialResult) throws {
        try file.append(result.json.text)
        try file.synchronize()
    }
}
