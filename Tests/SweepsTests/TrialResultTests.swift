import CoupletSweeps
import TestSupport
import Testing

@Suite struct TrialResultTests {
    /// An incomplete last line is dropped. The later of two results of one trial and step replaces the earlier one.
    @Test func resultsFileSurvivesAKill() throws {
        let folder = TemporaryFolder(), path = folder.file("results.jsonl")
        let one = TrialResult(trial: "001", steps: 5, metric: 0.1 + 0.2, digest: "d", seconds: 1),
            two = TrialResult.failed("002", steps: 5, seconds: 1, reason: "a\nb")
        let again = TrialResult(trial: "002", steps: 5, metric: -3, digest: "e", seconds: 2)
        do {
            let results = try ResultsFile(path: path)
            for result in [one, two, again] { try results.append(result) }
        }
        let whole = try folder.text(of: "results.jsonl")
        try folder.write("results.jsonl", whole + "{\"trial\": \"003\", \"ste")
        #expect(try ResultsFile(path: path).read() == [one, again])
        #expect(try folder.text(of: "results.jsonl") == whole)
    }
}
