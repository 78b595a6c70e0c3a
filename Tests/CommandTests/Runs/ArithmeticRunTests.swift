import CoupletText
import Foundation
import TestSupport
import Testing

/// Rules of the arithmetic that show in whole runs.
@Suite struct ArithmeticRunTests {
    /// No order comes from a Dictionary or a Set. Each process has another seed for hashing, which orders them; one is
    /// deterministic.
    @Test func nothingDependsOnTheOrderOfHashing() throws {
        let folder = try TrainingFolder(TrainingFolder.mnist("FOLDER", steps: 4))
        try folder.writeDigits()
        var results: Set<[String]> = []
        for (number, environment) in [[:], [:], [:], ["SWIFT_DETERMINISTIC_HASHING": "1"]].enumerated() {
            let run = "run-\(number)"
            let job = try folder.start(run, ["--threads", "2", "--set", "data.per_class=30"], environment: environment)
            #expect(job.end(within: 60) == 0, "\(job.errors)")
            let evaluation = try CoupletInvocation(
                "evaluate", folder.path(run), "--json", "--probe", "--per-class", "3", environment: environment)
            #expect(evaluation.exitCode == 0, "\(evaluation.errors)")
            results.insert([try folder.digest(of: run), evaluation.output.replacing("run-\(number)", with: "run")])
        }
        #expect(results.count == 1, "\(results)")
    }

    /// Loss and temperature are Doubles: a sum in Float would be a Float.
    @Test func scalarsAreDoubles() throws {
        let folder = try TrainingFolder(
            TrainingFolder.tinyGaussian(
                objective: "{similarity: cosine, temperature: {initial: 0.2, learned: true}}", steps: 8
            )
            .replacing("checkpoint_every: 1", with: "checkpoint_every: 1, log_every: 1"))
        _ = try folder.digest("run")
        let lines = try String(contentsOfFile: folder.path("run") + "/metrics.jsonl", encoding: .utf8)
            .split(separator: "\n").map { try jsonObject(String($0)) }
        for key in ["loss", "temperature"] {
            let numbers = lines.compactMap { $0[key] as? Double }
            #expect(numbers.count >= 4)
            #expect(numbers.filter { Double(Float($0)) != $0 }.count > numbers.count / 2, "\(key): \(numbers)")
        }
    }
}
