import CoupletSchema
import CoupletSweeps
import CoupletTraining
import TestSupport
import Testing

/// Sweeps that extend other sweeps, and sweeps of configs that extend others.
@Suite struct SweepExtensionTests {
    private let folder = TemporaryFolder()

    private func specification(_ text: String, _ overrides: [String] = []) throws -> SweepSpecification {
        try SweepSpecification.load(path: folder.write("mine/sweep.yaml", text), overrides: overrides)
    }

    private func writeOther() throws {
        try folder.write("other/base.yaml", SweepFile.base)
        try folder.write(
            "other/sweep.yaml",
            """
            name: theirs
            base: base.yaml
            set: {train.steps: 40, optimizer: {kind: adam, beta1: 0.7}}
            vary: {optimizer.learning_rate: {draw: uniform, between: [0.1, 0.2]}, seed: {range: [1, 3]}}
            draws: 2
            metric: m
            goal: minimize
            halving: {first_steps: 10, factor: 2}

            """)
    }

    /// `base` is relative to the file that gives it, and a value of `set` or `vary` is replaced as a whole.
    @Test func aSweepExtendsAnother() throws {
        try writeOther()
        let sweep = try specification(
            """
            extends: ../other/sweep.yaml
            set: {optimizer: {learning_rate: 0.5}}
            vary: {optimizer.learning_rate: {log_range: [0.1, 1], count: 2}}
            draws: null
            metric: other
            median_pruning: {every: 10}

            """)
        #expect(sweep.name == "sweep" && sweep.metric.description == "other" && sweep.goal == .minimize)
        #expect(sweep.base == folder.file("mine/../other/base.yaml"))
        #expect(sweep.fixed.map { "\($0.key) \($0.value)" } == ["train.steps 40", "optimizer {learning_rate: 0.5}"])
        #expect(sweep.varied.map(\.key) == ["optimizer.learning_rate", "seed"] && sweep.draws == nil)
        #expect(sweep.halving == nil && sweep.medianPruning != nil)
        #expect(try TrialPlan(sweep).trials.map { $0.values.map { $0?.description ?? "" } }.first == ["0.1", "1"])
    }

    /// The folder of the sweep holds one base config, from which the same trials follow.
    @Test func theBaseOfASweepMayExtendAnother() throws {
        try folder.write("base.yaml", SweepFile.base.replacing("kind: adam,", with: "kind: adam, beta1: 0.7,"))
        try folder.write(
            "mine/tuned.yaml", "extends: ../base.yaml\noptimizer: {kind: sgd, momentum: 0.5}\ntrain: {steps: 30}\n")
        let text = "base: tuned.yaml\nvary: {seed: [1, 2]}\nmetric: m\ngoal: minimize\n"
        let sweep = try specification(text)
        let configurations = try TrialPlan(sweep).trials.map(\.configuration)
        let alone = try Configuration.load(path: folder.file("mine/tuned.yaml"), overrides: ["seed=2"])
        #expect(configurations[1]?.differences(from: alone).isEmpty == true && configurations[1]?.train.steps == 30)
        // As the sweep's folder stores it.
        try folder.write("stored/base.yaml", sweep.baseText)
        let path = try folder.write("stored/sweep.yaml", sweep.resolvedYAML(base: "base.yaml"))
        let stored = try SweepSpecification.load(path: path)
        #expect(sweep.differences(from: stored).isEmpty)
        #expect(try TrialPlan(stored).trials.map(\.configuration) == configurations)
    }

    @Test func errorsNameTheExtendedFile() throws {
        try writeOther()
        try folder.write("other/base.yaml", SweepFile.base.replacing("steps: 900", with: "step: 900"))
        let error = try #require(throws: ConfigurationError.self) {
            _ = try TrialPlan(specification("extends: ../other/sweep.yaml\nset: {seed: 1}\nvary: {batch.size: [64]}\n"))
        }
        #expect(error.description.contains("mine/sweep.yaml") || error.description.contains("other/"), "\(error)")
        let missing = try #require(throws: ConfigurationError.self) { _ = try specification("extends: ../no.yaml\n") }
        #expect(missing.description.contains("mine/sweep.yaml:1:10: extends: "), "\(missing)")
    }
}
