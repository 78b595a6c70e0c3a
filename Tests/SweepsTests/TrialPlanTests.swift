import CoupletSchema
import CoupletSweeps
import CoupletTraining
import Foundation
import Testing

@Suite struct TrialPlanTests {
    /// Nested loops give the expected order.
    @Test func eachCombinationIsATrialAndTheLastKeyVariesFastest() throws {
        let plan = try SweepFile().plan(
            vary: "optimizer.learning_rate: [0.1, 0.2]\n  seed: {range: [4, 6]}\n  encoders.embedding: [1, 2]")
        var expected: [String] = [], number = 0
        for rate in ["0.1", "0.2"] {
            for seed in 4...6 {
                for embedding in 1...2 {
                    number += 1
                    expected.append(
                        "\(number < 10 ? "00" : "0")\(number)_learning_rate=\(rate)_seed=\(seed)_embedding=\(embedding)"
                    )
                    let configuration = try #require(plan.trials[number - 1].configuration)
                    #expect(configuration.optimizer.learningRate == Double(rate) && configuration.seed == UInt64(seed))
                    #expect(configuration.encoders.embedding == embedding && configuration.train.steps == 900)
                }
            }
        }
        #expect(plan.trials.map(\.name) == expected)
    }

    /// The config of a trial equals the config that `couplet train --set` makes of the same values.
    @Test func aTrialHasTheConfigOfItsOverrides() throws {
        let file = try SweepFile()
        let plan = try file.plan(
            vary: "encoders.first: [{kind: linear}, {kind: mlp, widths: [8, 4], activation: tanh}]\n"
                + "  objective.temperature: [{initial: 0.5, learned: true}]",
            "set: {batch.size: 128}")
        let overrides = [
            ["encoders.first={kind: linear}"], ["encoders.first={kind: mlp, widths: [8, 4], activation: tanh}"],
        ]
        for (trial, override) in zip(plan.trials, overrides) {
            var expected = try Configuration.load(
                path: "\(file.folder.path)/base.yaml",
                overrides: override + ["objective.temperature={initial: 0.5, learned: true}", "batch.size=128"])
            expected.name = trial.name
            #expect(trial.configuration == expected)
        }
    }

    @Test func namesAreValidForFoldersAndDistinguishKeys() throws {
        let plan = try SweepFile().plan(
            vary: "encoders.first: [{kind: linear}, {kind: mlp, widths: [64, 32]}]\n"
                + "  encoders.second.kind: [linear]\n  objective.similarity: [cosine]")
        #expect(
            plan.trials.map(\.name) == [
                "001_encoders.first=linear_second.kind=linear_similarity=cosine",
                "002_encoders.first=mlp-widths-64-32_second.kind=linear_similarity=cosine",
            ])
        #expect(
            TrialNaming.shortened(["encoders.first.kind", "encoders.second.kind", "seed", "a.b", "b"])
                == ["first.kind", "second.kind", "seed", "a.b", "b"])
        let odd = TrialNaming(keys: ["data.path"], count: 2000)
        let long = odd.name(
            7,
            [
                SweepValue(
                    ConfigurationNode(
                        content: .scalar(String(repeating: "ä/x ", count: 80), quoted: true), at: .override("")))
            ])
        #expect(long.hasPrefix("0007_path=") && long.utf8.count <= 120)
        #expect(
            long.utf8.allSatisfy { (48...57).contains($0) || (65...90).contains($0 & ~32) || "._+-=".utf8.contains($0) }
        )
    }

    @Test func invalidCombinationsAreTrialsThatCannotRun() throws {
        let plan = try SweepFile().plan(vary: "optimizer.kind: [adam, sgd]\n  optimizer.beta1: [0.8, 1.5]")
        #expect(plan.trials.map { $0.configuration != nil } == [true, false, false, false])
        #expect(plan.trials[1].problem.contains("optimizer.beta1") && plan.trials[1].problem.contains("below 1"))
        #expect(plan.trials[2].problem.contains("of no use") && plan.trials[2].problem.contains("sgd"))
        // More workers than shards.
        let crowded = try SweepFile().plan(vary: "batch.shards: [1, 4]", "threads_per_trial: 2")
        #expect(crowded.trials.map { $0.configuration != nil } == [false, true])
        #expect(crowded.trials[0].problem.contains("2 threads cannot share 1 shard"))
        #expect(
            plan.listing.contains("4 trials, 3 of them impossible")
                && plan.listing.contains("002_optimizer.kind=adam_beta1=1.5: optimizer.beta1"))
    }
}
