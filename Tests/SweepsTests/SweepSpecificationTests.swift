import CoupletSchema
import CoupletSweeps
import Foundation
import Testing

@Suite struct SweepSpecificationTests {
    static let whole = """
        name: rates
        base: base.yaml
        set: {train.steps: 200, encoders.first: {kind: mlp, widths: [8]}}
        vary:
          optimizer.learning_rate: [0.003, 0.01]
          seed: {range: [1, 7], step: 2}
          objective.temperature: {log_range: [0.05, 0.5], count: 3}
          objective.similarity: [cosine, "inner_product"]
          optimizer.weight_decay: {draw: log_uniform, between: [1.0e-5, 1.0e-2]}
        draws: {count: 5, seed: 3}
        metric: retrieval.first_to_second.recall_at_1
        goal: maximize
        threads_per_trial: 2
        ranks_per_trial: 2
        halving: {first_steps: 20, factor: 2}

        """

    @Test func everyKeyIsRead() throws {
        let specification = try SweepFile().specification(Self.whole)
        #expect(specification.name == "rates" && specification.goal == .maximize)
        #expect(specification.threadsPerTrial == 2 && specification.ranksPerTrial == 2)
        #expect(specification.halving == SuccessiveHalving(firstSteps: 20, factor: 2))
        #expect(specification.draws == .init(count: 5, seed: 3))
        #expect(specification.fixed.map(\.key) == ["train.steps", "encoders.first"])
        #expect(specification.fixed[1].value.yaml == "{kind: mlp, widths: [8]}")
        let values = specification.varied.map { key -> [String] in
            if case .grid(let values) = key.values { values.map(\.description) } else { [] }
        }
        #expect(
            values[0] == ["0.003", "0.01"] && values[1] == ["1", "3", "5", "7"]
                && values[3] == ["cosine", "inner_product"])
        // The middle of a log-range is the geometric mean of its ends, to six digits.
        #expect(values[2].first == "0.05" && values[2].last == "0.5")
        #expect(try abs(#require(Double(values[2][1])) - (0.05 * 0.5).squareRoot()) < 1e-6)
    }

    /// The YAML that a sweep folder stores reads back as the same sweep.
    @Test func storedSpecificationsReadBackUnchanged() throws {
        let file = try SweepFile(), specification = try file.specification(Self.whole)
        let stored = try file.specification(specification.resolvedYAML(base: "base.yaml"))
        #expect(stored.differences(from: specification).isEmpty && specification.differences(from: stored).isEmpty)
        #expect(try TrialPlan(stored).trials.map(\.name) == TrialPlan(specification).trials.map(\.name))
    }

    @Test(arguments: [
        (
            "0.003, 0.01", "0.003, 0.02",
            ["vary.optimizer.learning_rate", "0.003, 0.01 in the sweep", "0.003, 0.02 now"]
        ),
        ("minimize", "maximize", ["goal: minimize in the sweep, maximize now"]),
        ("set: {train.steps: 9}", "set: {train.steps: 8}", ["set.train.steps: 9 in the sweep, 8 now"]),
        ("set: {train.steps: 9}\n", "", ["set.train.steps: 9 in the sweep, absent now"]),
    ]) func differencesAreNamed(_ old: String, _ new: String, _ fragments: [String]) throws {
        let file = try SweepFile()
        let text =
            "base: base.yaml\nset: {train.steps: 9}\nvary: {optimizer.learning_rate: [0.003, 0.01]}\n"
            + "metric: a\ngoal: minimize\n"
        let stored = try file.specification(text)
        let now = try file.specification(text.replacingOccurrences(of: old, with: new))
        let differences = now.differences(from: stored).joined(separator: "\n")
        for fragment in fragments { #expect(differences.contains(fragment), "\(differences)") }
    }

    /// The sweep's name, the notation of values and the workers are no differences. Values of the base config are.
    @Test func onlySettingsThatChangeResultsAreDifferences() throws {
        let file = try SweepFile(), end = "metric: a\ngoal: minimize\n"
        let stored = try file.specification("base: base.yaml\nvary: {seed: [1, 2, 3]}\n" + end)
        let now = try file.specification(
            "name: x\nbase: base.yaml\nvary: {seed: {range: [1, 3]}}\nthreads_per_trial: 2\n" + end)
        #expect(now.differences(from: stored).isEmpty)
        let other = try SweepFile(base: SweepFile.base.replacingOccurrences(of: "0.01", with: "0.02"))
            .specification("base: base.yaml\nvary: {seed: [1, 2, 3]}\n" + end)
        #expect(other.differences(from: stored) == ["optimizer.learning_rate of the base: 0.01 in the sweep, 0.02 now"])
    }

    @Test func overridesReachTheSweepOrItsBase() throws {
        let file = try SweepFile()
        let text = "base: base.yaml\nvary: {optimizer.learning_rate: [0.003]}\nmetric: a\ngoal: minimize\n"
        let specification = try file.specification(
            text,
            [
                "vary.optimizer.learning_rate=[0.1, 0.2]", "train.steps=7", "threads_per_trial=2", "goal=maximize",
                "seed=5",
            ])
        #expect(specification.threadsPerTrial == 2 && specification.goal == .maximize)
        let trials = try TrialPlan(specification).trials
        #expect(trials.map { $0.configuration?.optimizer.learningRate } == [0.1, 0.2])
        #expect(trials.allSatisfy { $0.configuration?.train.steps == 7 && $0.configuration?.seed == 5 })
    }

    struct InvalidSweep: Sendable, CustomTestStringConvertible {
        let text: String, line: Int, column: Int, key: String, fragments: [String]
        init(_ text: String, _ line: Int, _ column: Int, _ key: String, _ fragments: String...) {
            (self.text, self.line, self.column, self.key, self.fragments) = (text, line, column, key, fragments)
        }
        var testDescription: String { text }
    }

    private static func sweep(_ vary: String, _ more: String = "") -> String {
        "base: base.yaml\nvary:\n  \(vary)\nmetric: gaussian.coupling_error\ngoal: minimize\n\(more)"
    }

    @Test(arguments: [
        // Keys of the sweep, and the nearest valid keys.
        InvalidSweep(sweep("seed: [1]", "goall: 1"), 6, 1, "goall", "did you mean goal?"),
        InvalidSweep(sweep("seed: [1]", "halving: {first_step: 3}"), 6, 11, "halving.first_step", "first_steps?"),
        InvalidSweep(sweep("seed: [1]", "threads_per_trial: 0"), 6, 20, "threads_per_trial", "from 1", "found 0"),
        InvalidSweep(sweep("seed: [1]", "draws: 3"), 6, 8, "draws", "no key is drawn"),
        InvalidSweep(sweep("seed: [1]", "set: {seed: 3}"), 3, 3, "vary.seed", "fixed by set"),
        InvalidSweep(sweep("seed: [1]", "base2: 1"), 6, 1, "base2", "base"),
        InvalidSweep(
            "base: bse.yaml\nvary: {seed: [1]}\nmetric: a\ngoal: minimize\n", 1, 7, "base",
            "bse.yaml, beside the sweep", "working folder"),
        InvalidSweep("base: base.yaml\nmetric: a\ngoal: minimize\n", 1, 1, "vary", "is missing"),
        InvalidSweep(
            "base: base.yaml\nvary: {seed: [1]}\nmetric: a\ngoal: least\n", 4, 7, "goal", "minimize, maximize"),
        // Values.
        InvalidSweep(sweep("seed: 1"), 3, 9, "vary.seed", "a list", "belongs in set"),
        InvalidSweep(sweep("seed: []"), 3, 9, "vary.seed", "no values"),
        InvalidSweep(sweep("seed: [1, 2, 1]"), 3, 16, "vary.seed", "1 is given twice"),
        InvalidSweep(sweep("seed: {range: [4, 1]}"), 3, 17, "vary.seed.range", "the lower first"),
        InvalidSweep(sweep("seed: {range: [1, 4], stp: 1}"), 3, 25, "vary.seed.stp", "did you mean step?"),
        InvalidSweep(sweep("seed: {rnge: [1, 4]}"), 3, 9, "vary.seed", "range, log_range or draw"),
        InvalidSweep(sweep("optimizer: {learning_rate: [1, 4]}"), 3, 14, "vary.optimizer", "optimizer.learning_rate"),
        InvalidSweep(
            sweep("objective.temperature: {log_range: [0, 1], count: 3}"), 3, 39,
            "vary.objective.temperature.log_range", "above 0", "found 0"),
        InvalidSweep(
            sweep("objective.temperature: {log_range: [0.1, 1]}"), 3, 3, "vary.objective.temperature.count",
            "is missing"),
        InvalidSweep(
            sweep("objective.temperature: {draw: normal, between: [0.1, 1]}", "draws: 2"), 3, 33,
            "vary.objective.temperature.draw", "uniform, log_uniform"),
        InvalidSweep(sweep("objective.temperature: {draw: uniform, between: [0.1, 1]}"), 1, 1, "draws", "is missing"),
        InvalidSweep(sweep("name: [a, b]"), 3, 3, "vary.name", "a name of its own"),
        InvalidSweep(sweep("train.steps: [1, 2]", "halving: {first_steps: 1}"), 3, 3, "vary.train.steps", "same steps"),
        // Keys of the base config: the location lies in the sweep file.
        InvalidSweep(
            sweep("optimizer.learning_rat: [1]"), 3, 3, "optimizer.learning_rat", "did you mean learning_rate?"),
        InvalidSweep(sweep("optimiser.learning_rate: [1]"), 3, 3, "optimiser", "did you mean optimizer?"),
        InvalidSweep(sweep("optimizer.learning_rate: [-1]"), 3, 29, "optimizer.learning_rate", "above 0", "found -1"),
        InvalidSweep(sweep("seed.a: [1]"), 3, 3, "seed", "found a block of keys"),
        InvalidSweep(sweep("seed: [1]", "set: {train.stps: 3}"), 6, 7, "train.stps", "did you mean steps?"),
        InvalidSweep(
            sweep("seed: [1]", "halving: {first_steps: 900}"), 1, 1, "halving.first_steps",
            "not below train.steps, which is 900"),
        InvalidSweep(
            sweep("seed: {range: [1, 400]}\n  optimizer.learning_rate: {range: [1, 400]}"), 1, 1, "vary",
            "160000 trials"),
    ]) func problemsAreLocatedAndExplained(_ invalid: InvalidSweep) throws {
        let file = try SweepFile()
        let error = #expect(throws: ConfigurationError.self) { try TrialPlan(file.specification(invalid.text)) }
        let problems = error?.problems ?? []
        let problem = try #require(problems.first { $0.key == invalid.key }, "\(problems)")
        guard case .file(let name, let line, let column) = problem.location else {
            return #expect(Bool(false), "\(problem)")
        }
        #expect(name.hasSuffix("sweep.yaml") && line == invalid.line && column == invalid.column, "\(problem)")
        for fragment in invalid.fragments { #expect(problem.reason.contains(fragment), "\(problem)") }
    }

    @Test func aBaseThatIsNotAConfigIsAnError() throws {
        let file = try SweepFile(base: "train: {steps: 3\n")
        let error = #expect(throws: ConfigurationError.self) {
            try file.specification("base: base.yaml\nvary: {seed: [1]}\nmetric: a\ngoal: minimize\n")
        }
        #expect("\(try #require(error))".contains("base.yaml:"))
    }
}
