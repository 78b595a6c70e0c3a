import CoupletOptimizers
import CoupletSchema
import Testing

/// Reads and writes the block `optimizer` of a config.
enum OptimizerBlockText {
    static func read(
        _ text: String, _ registry: Registry = Registry(optimizerKinds)
    ) throws -> (specification: OptimizerSpecification, problems: [String]) {
        let node = try ConfigurationNode(yaml: text) { .file(name: "c", line: $0, column: $1) }
        let problems = ConfigurationBlock.Problems()
        let specification = OptimizerSpecification.table.read(
            ConfigurationBlock(
                node, path: "optimizer", location: .file(name: "c", line: 1, column: 1), problems: problems,
                registry: registry))
        return (specification, problems.all.map(\.description))
    }

    static func write(_ specification: OptimizerSpecification) -> String {
        YAMLValue.text(of: OptimizerSpecification.table.entries(of: specification))
    }
}

@Suite struct OptimizerSpecificationTests {
    static let examples: [OptimizerSpecification] = [
        .init(), .init(kind: .sgd()), .init(kind: .sgd(momentum: 0.9), clipNorm: 2.5),
        .init(kind: .adam(beta1: 0.5, beta2: 0.25, epsilon: 1e-3), learningRate: 3, warmupSteps: 7),
        .init(kind: .adamw(epsilon: 1e-7), schedule: .cosine, weightDecay: 0.1, decayedParameters: .all),
        .init(kind: .lars(momentum: 0.5, trustCoefficient: 0.02), schedule: .linear, scheduleSteps: 9),
        .init(kind: .lamb(beta1: 0.8), learningRateFactors: .init(first: 1, second: 0.1), averageDecay: 0.999),
    ]

    @Test(arguments: examples) func writtenBlocksAreReadBack(_ specification: OptimizerSpecification) throws {
        let read = try OptimizerBlockText.read(OptimizerBlockText.write(specification))
        #expect(read.problems.isEmpty && read.specification == specification)
    }

    @Test func specificationsDifferInEveryProperty() {
        for (i, a) in Self.examples.enumerated() {
            for (j, b) in Self.examples.enumerated() { #expect((a == b) == (i == j)) }
        }
        let changes: [(inout OptimizerSpecification) -> Void] = [
            { $0.kind = .sgd() }, { $0.kind = .adam(beta1: 0.8) }, { $0.learningRate = 2 }, { $0.schedule = .linear },
            { $0.warmupSteps = 1 }, { $0.weightDecay = 1 }, { $0.decayedParameters = .all }, { $0.clipNorm = 1 },
            { $0.scheduleSteps = 1 }, { $0.learningRateFactors.second = 2 }, { $0.averageDecay = 0.5 },
        ]
        for change in changes {
            var changed = OptimizerSpecification()
            change(&changed)
            #expect(changed != OptimizerSpecification())
        }
    }

    @Test func writtenBlock() {
        #expect(
            OptimizerBlockText.write(.init(kind: .adamw(), schedule: .cosine, weightDecay: 0.1)) == """
                kind: adamw
                beta1: 0.9
                beta2: 0.999
                epsilon: 1.0e-08
                learning_rate: 0.001
                schedule: cosine
                warmup_steps: 0
                weight_decay: 0.1
                weight_decay_on: weights
                clip_norm: null
                schedule_steps: null
                learning_rate_factors: {first: 1, second: 1}
                average_decay: null

                """)
        #expect(!OptimizerBlockText.write(.init()).contains("schedule_steps"))
    }

    @Test func problems() throws {
        func problems(_ text: String) throws -> [String] { try OptimizerBlockText.read(text).problems }
        #expect(
            try problems("kind: adm\n") == [
                "c:1:7: optimizer.kind: no optimizer is called \"adm\"; "
                    + "did you mean adam? There are sgd, adam, adamw, lars, lamb"
            ])
        #expect(
            try problems("kind: lamb\ntrust_coefficient: 1\n") == [
                "c:2:1: optimizer.trust_coefficient: is of no use here: "
                    + "the optimizer lamb does not have it; only lars has it"
            ])
        #expect(
            try problems("schedule_steps: 10\n") == [
                "c:1:1: optimizer.schedule_steps: is of no use here: "
                    + "the schedule is constant, so its rate never decays"
            ])
        #expect(
            try problems("schedule: linear\nwarmup_steps: 20\nschedule_steps: 10\n") == [
                "c:3:17: optimizer.schedule_steps: "
                    + "the schedule ends at step 10, before its warm-up of 20 steps ends"
            ])
        #expect(
            try problems("weight_decay_on: biases\naverage_decay: 1\nlearning_rate_factors: {first: 0}\n") == [
                "c:1:18: optimizer.weight_decay_on: no set of parameters is called \"biases\"; "
                    + "there are all, weights",
                "c:3:32: optimizer.learning_rate_factors.first: wanted a number above 0, such as 1; found 0",
                "c:2:16: optimizer.average_decay: wanted a number from 0 to below 1, such as 0.999; found 1",
            ])
    }
}
