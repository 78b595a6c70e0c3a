import CoupletSchema
import CoupletSweeps
import CoupletTraining
import TestSupport
import Testing

/// Keys of `vary` that only some trials have, and choices.
@Suite struct ConditionalKeyTests {
    private static func plan(_ vary: String, _ more: String = "", base: String = SweepFile.base) throws -> TrialPlan {
        try SweepFile(base: base).plan(vary: vary, more)
    }

    private static func values(_ plan: TrialPlan) -> [[String]] {
        plan.trials.map { $0.values.map { $0?.description ?? "-" } }
    }

    @Test func aKeyStandsOnlyWhereItApplies() throws {
        let plan = try Self.plan(
            """
            optimizer.kind: [adam, sgd]
              optimizer.momentum: {values: [0, 0.9], when: {optimizer.kind: sgd}}
              seed: [1, 2]
            """)
        #expect(
            Self.values(plan) == [
                ["adam", "-", "1"], ["adam", "-", "2"], ["sgd", "0", "1"], ["sgd", "0", "2"], ["sgd", "0.9", "1"],
                ["sgd", "0.9", "2"],
            ])
        #expect(plan.runnableTrials.count == 6)
        #expect(
            plan.trials.prefix(3).map(\.name) == [
                "001_optimizer.kind=adam_seed=1", "002_optimizer.kind=adam_seed=2",
                "003_optimizer.kind=sgd_optimizer.momentum=0_seed=1",
            ])
    }

    /// A naive twin: every combination of all values, keys that do not apply blanked, repetitions removed.
    @Test func noTrialIsRepeated() throws {
        let plan = try Self.plan(
            """
            optimizer.kind: [adam, sgd, lars]
              optimizer.momentum: {values: [0, 0.5, 0.9], when: {optimizer.kind: [sgd, lars]}}
              optimizer.trust_coefficient:
                values: [0.001, 0.01]
                when: {optimizer.kind: lars, optimizer.momentum: 0.9}
            """)
        var twin: [[String]] = []
        for kind in ["adam", "sgd", "lars"] {
            for momentum in ["0", "0.5", "0.9"] {
                for trust in ["0.001", "0.01"] {
                    let row = [
                        kind, kind == "adam" ? "-" : momentum, kind == "lars" && momentum == "0.9" ? trust : "-",
                    ]
                    if !twin.contains(row) { twin.append(row) }
                }
            }
        }
        #expect(Self.values(plan) == twin && twin.count == 8)
        #expect(plan.runnableTrials.count == 8, "\(plan.trials.map(\.problem))")
    }

    /// The condition is about the value, not about how it is written, and a key that does not apply makes those that
    /// depend on it not apply.
    @Test func conditionsFollowEachOther() throws {
        let plan = try Self.plan(
            """
            optimizer.kind: [adam, sgd]
              optimizer.momentum: {values: [0, 0.9], when: {optimizer.kind: "sgd"}}
              optimizer.warmup_steps: {range: [1, 2], when: {optimizer.momentum: 0}}
            """)
        #expect(
            Self.values(plan) == [["adam", "-", "-"], ["sgd", "0", "1"], ["sgd", "0", "2"], ["sgd", "0.9", "-"]])
    }

    /// The base's value would apply to trials that the condition leaves out.
    @Test func theBaseHasNoSayWhereAKeyDoesNotApply() throws {
        let base = SweepFile.base.replacing(
            "optimizer: {kind: adam,", with: "optimizer: {kind: sgd, momentum: 0.5, warmup_steps: 7,")
        let plan = try Self.plan(
            """
            optimizer.kind: [adam, sgd]
              optimizer.momentum: {values: [0.9], when: {optimizer.kind: sgd}}
              optimizer.warmup_steps: {values: [3], when: {optimizer.kind: sgd}}
            """, base: base)
        let configurations = plan.trials.map(\.configuration)
        #expect(configurations.map { $0?.optimizer.warmupSteps } == [0, 3], "\(plan.trials.map(\.problem))")
    }

    /// A kind that the sweep chooses leaves out the base's keys of another kind.
    @Test func keysOfTheBasesKindAreLeftOut() throws {
        let base = SweepFile.base.replacing("kind: adam,", with: "kind: adam, beta1: 0.8,")
        let plan = try Self.plan("optimizer.kind: [adam, sgd]", base: base)
        #expect(plan.runnableTrials.count == 2, "\(plan.trials.map(\.problem))")
        #expect(plan.trials[0].configuration?.resolvedYAML.contains("beta1: 0.8") == true)
    }

    @Test func choicesAreDrawnFromAnyValues() throws {
        let values = "[adam, {kind: sgd, momentum: 0.9}, 3, [4, 5]]"
        let keys = try SweepFile().specification(
            """
            base: base.yaml
            vary: {optimizer: {draw: choice, values: \(values)}, seed: {draw: choice, values: [1, 2]}}
            draws: {count: 400, seed: 3}
            metric: m
            goal: minimize

            """)
        let drawn = (0..<400).map { keys.varied[0].value(ofDraw: $0, seed: 3).description }
        let counts = Dictionary(drawn.map { ($0, 1) }, uniquingKeysWith: +)
        #expect(Set(counts.keys) == ["adam", "{kind: sgd, momentum: 0.9}", "3", "[4, 5]"])
        // 100 each, with a standard deviation of 8.7.
        #expect(counts.values.allSatisfy { abs($0 - 100) < 44 }, "\(counts)")
        // Another key draws on its own: each pair of values occurs.
        let pairs = Set((0..<400).map { "\(drawn[$0]) \(keys.varied[1].value(ofDraw: $0, seed: 3))" })
        #expect(pairs.count == 8)
    }

    /// A choice that comes twice with all other values equal is one trial, and names read well.
    @Test func equalDrawsAreOneTrial() throws {
        let plan = try Self.plan(
            "encoders.first: {draw: choice, values: [{kind: linear}, {kind: mlp, widths: [8, 4]}]}", "draws: 30")
        #expect(
            Set(plan.trials.map { String($0.name.dropFirst(4)) })
                == ["encoders.first=linear", "encoders.first=mlp-widths-8-4"])
        #expect(plan.listing.contains("2 trials; 28 further combinations have the values of one of them"))
    }

    @Test func gridsUnderADrawnKindAreNotRepeated() throws {
        let plan = try Self.plan(
            """
            optimizer.kind: {draw: choice, values: [adam, sgd]}
              optimizer.momentum: {values: [0, 0.9], when: {optimizer.kind: sgd}}
              optimizer.learning_rate: {draw: log_uniform, between: [0.001, 0.1]}
            """, "draws: 12")
        let rows = Self.values(plan)
        let adam = rows.filter { $0[0] == "adam" }, sgd = rows.filter { $0[0] == "sgd" }
        #expect(adam.count + sgd.count / 2 == 12 && !adam.isEmpty && !sgd.isEmpty)
        #expect(adam.allSatisfy { $0[1] == "-" } && Set(rows).count == rows.count)
    }

    @Test(arguments: [
        (
            "optimizer.momentum: {values: [0], when: {optimizer.kind: sgd}}\n  optimizer.kind: [adam, sgd]",
            "vary.optimizer.momentum.when.optimizer.kind: is no key of vary that stands above; move it above "
                + "optimizer.momentum"
        ),
        (
            "optimizer.kind: [adam, sgd]\n  optimizer.momentum: {values: [0], when: {optimizer.knd: sgd}}",
            "is no key of vary that stands above; did you mean optimizer.kind?"
        ),
        (
            "optimizer.kind: [adam, sgd]\n  optimizer.momentum: {values: [0], when: {optimizer.kind: sdg}}",
            "sweep.yaml:4:60: vary.optimizer.momentum.when.optimizer.kind: optimizer.kind never has the value sdg; did "
                + "you mean sgd? Its values are adam, sgd"
        ),
        (
            "optimizer.learning_rate: {draw: uniform, between: [1, 2]}\n"
                + "  seed: {values: [1], when: {optimizer.learning_rate: 1}}",
            "a condition needs a key with a list of values"
        ),
        ("seed: {values: [1], when: sgd}", "vary.seed.when: wanted keys of vary with their values"),
        ("seed: {values: []}", "vary.seed.values: no values"),
        ("seed: {values: [1, 1]}", "vary.seed.values: 1 is given twice"),
        ("seed: {draw: choice, between: [1, 2]}", "between: is of no use here: a choice has values: [32, 64]"),
        ("seed: {draw: uniform, values: [1, 2]}", "values: is of no use here: uniform draws numbers between"),
        ("seed: {draw: choise, values: [1, 2]}", "no distribution is called \"choise\"; did you mean choice?"),
    ])
    func wrongConditionsAndChoices(_ vary: String, message: String) throws {
        let error = try #require(throws: ConfigurationError.self) {
            _ = try Self.plan(vary, vary.contains("draw") ? "draws: 2" : "")
        }
        #expect(error.description.contains(message), "\(error)")
    }

    @Test func aStoredSweepReadsBack() throws {
        let file = try SweepFile()
        let specification = try file.specification(
            """
            base: base.yaml
            vary:
              optimizer.kind: {draw: choice, values: [adam, sgd]}
              optimizer.momentum: {values: [0, 0.9], when: {optimizer.kind: [sgd]}}
            draws: 3
            metric: m
            goal: minimize

            """)
        let path = try file.folder.write("again.yaml", specification.resolvedYAML(base: "base.yaml"))
        let stored = try SweepSpecification.load(path: path)
        #expect(stored.differences(from: specification).isEmpty)
        #expect(try TrialPlan(stored).trials.map(\.name) == TrialPlan(specification).trials.map(\.name))
    }
}
