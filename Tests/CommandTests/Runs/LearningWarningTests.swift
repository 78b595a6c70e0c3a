import CoupletStorage
import CoupletTensors
import Foundation
import TestSupport
import Testing

extension ProcessTests {
    /// Runs that cannot learn say so: on standard error, in the log and in the report.
    @Suite struct LearningWarningTests {
        /// Trains and checks what is said everywhere.
        private func expect(
            _ words: String, _ config: String, _ extra: [String] = [],
            prepare: (TrainingFolder) throws -> Void = { _ in }
        ) throws {
            let folder = try TrainingFolder(config)
            try prepare(folder)
            let program = try CoupletInvocation(
                arguments: ["train", folder.config, "--output", "run", "--progress", "none"] + extra,
                in: folder.files.path)
            #expect(program.exitCode == 0 && program.errors.contains(words), "\(program.errors)")
            #expect(try folder.files.text(of: "run/log.txt").contains(words))
            let last = program.errors.split(separator: "\n").last ?? ""
            #expect(last.contains("about what this run learned"), "\(last)")
            let report = try CoupletInvocation("report", "run", "-o", "r.html", in: folder.files.path)
            #expect(report.exitCode == 0, "\(report.errors)")
            let page = try folder.files.text(of: "r.html")
            #expect(page.contains(words.split(separator: "<").first.map(String.init) ?? words))
        }

        private let tiny = TrainingFolder.tinyGaussian(steps: 60)

        @Test func aFixedTemperatureWithoutBounds() throws {
            // Scores of exactly 0: the loss stays at log N, the gradients are 0.
            let words = ["the loss never fell below that of chance", "was exactly zero in"]
            for word in words { try expect(word, tiny, ["--set", "objective.temperature=1e300"]) }
        }

        @Test func inputsOfZeros() throws {
            let config = TrainingFolder.pairs("pairs.h5", steps: 12)
                .replacingOccurrences(of: "{kind: mlp, widths: [16]}", with: "{kind: linear, bias: false}")
                .replacingOccurrences(of: "second: {kind: linear}", with: "second: {kind: linear, bias: false}")
            try expect("the gradient of the first encoder was exactly zero", config) { folder in
                try folder.writePairs("pairs.h5") { first, _ in for i in 0..<first.count { first[i] = 0 } }
            }
        }

        @Test func aLearnedTemperatureThatRunsAway() throws {
            let config = tiny.replacingOccurrences(of: "correlations: [0.8, 0.5]", with: "correlations: [0]")
                .replacingOccurrences(of: "similarity: inner_product", with: "similarity: cosine")
            let temperature = "{initial: 1, learned: true, minimum: 0.01"
            let rate = ["--set", "optimizer={kind: adam, learning_rate: 0.7}"]
            try expect(
                "the learned temperature is", config, ["--set", "objective.temperature=\(temperature)}"] + rate)
            let folder = try TrainingFolder(config)
            let bounded = try CoupletInvocation(
                arguments: [
                    "train", folder.config, "--output", "run", "--progress", "none", "--set",
                    "objective.temperature=\(temperature), maximum: 2.5}",
                ] + rate, in: folder.files.path)
            #expect(bounded.exitCode == 0 && !bounded.errors.contains("the learned temperature is"))
            let metrics = try folder.files.text(of: "run/metrics.jsonl")
            // Lines of evaluations have no temperature of a step.
            let temperatures = try metrics.split(separator: "\n").filter { !$0.contains("\"evaluation\"") }.map {
                try #require(try jsonObject(String($0))["temperature"] as? Double)
            }
            #expect(!temperatures.isEmpty && temperatures.allSatisfy { $0 <= 2.5000001 }, "\(temperatures)")
        }

        @Test func aResumePastTheSchedule() throws {
            let folder = try TrainingFolder(tiny)
            func train(_ extra: [String]) throws -> CoupletInvocation {
                try CoupletInvocation(
                    arguments: [
                        "train", folder.config, "--output", "run", "--progress", "none", "--set",
                        "optimizer={schedule: cosine, learning_rate: 0.01}",
                    ] + extra, in: folder.files.path)
            }
            let first = try train(["--set", "train.steps=20"])
            #expect(first.exitCode == 0 && !first.errors.contains("the learning rate is 0"), "\(first.errors)")
            let resumed = try train(["--resume", "--set", "train.steps=30"])
            #expect(resumed.exitCode == 0)
            #expect(resumed.errors.contains("the learning rate is 0 from step 21 to step 30"), "\(resumed.errors)")
        }

        @Test func nothingHeldOut() throws {
            let config = TrainingFolder.pairs("pairs.h5", steps: 4)
            try expect("no pair of the data is held out", config) { try $0.writePairs("pairs.h5") }
            let folder = try TrainingFolder(config)
            try folder.writePairs("pairs.h5")
            _ = try CoupletInvocation("train", folder.config, "--output", "run", in: folder.files.path)
            let evaluated = try CoupletInvocation("evaluate", "run", in: folder.files.path)
            #expect(evaluated.exitCode == 0 && evaluated.errors.contains("held out"), "\(evaluated.errors)")
        }

        @Test func aRunThatLearnsSaysNothing() throws {
            let folder = try TrainingFolder(tiny)
            let program = try CoupletInvocation(
                "train", folder.config, "--output", "run", "--progress", "none", "--set",
                "optimizer.learning_rate=0.03",
                in: folder.files.path)
            #expect(program.exitCode == 0 && program.errors == "", "\(program.errors)")
        }
    }
}
