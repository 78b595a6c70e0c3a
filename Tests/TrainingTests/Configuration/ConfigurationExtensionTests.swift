import CoupletFiles
import CoupletSchema
import CoupletTraining
import Foundation
import TestSupport
import Testing

/// Configs that extend others by `extends`.
@Suite struct ConfigurationExtensionTests {
    private let folder = TemporaryFolder()

    private static let base = """
        name: theirs
        data: {source: gaussian, dimensions: [4, 3], correlations: [0.8, 0.5]}
        encoders:
          embedding: 2
          first: {kind: mlp, widths: [8, 9], activation: leaky_relu, slope: 0.1}
          second: {kind: linear, bias: false}
        objective: {similarity: cosine, weights: [0.2, 0.8], temperature: {initial: 0.1, learned: true, minimum: 0.02}}
        batch: {size: 64, shards: 4}
        optimizer: {kind: adam, beta1: 0.8, learning_rate: 0.02, schedule: cosine, schedule_steps: 100}
        train: {steps: 90}

        """

    private func load(
        _ text: String, base: String = ConfigurationExtensionTests.base, overrides: [String] = []
    ) throws -> Configuration {
        try folder.write("shared/base.yaml", base)
        return try Configuration.load(
            path: folder.write("mine.yaml", "extends: shared/base.yaml\n" + text), overrides: overrides)
    }

    private func problems(_ text: String, overrides: [String] = []) throws -> [String] {
        try #require(throws: ConfigurationError.self) { _ = try load(text, overrides: overrides) }.problems
            .map { $0.description.replacingOccurrences(of: "\(folder.path)/", with: "") }
    }

    /// The merged config is the one that a single file with all its values describes.
    @Test func blocksAreMergedAndListsAreReplaced() throws {
        let merged = try load("encoders: {first: {widths: [5]}}\nobjective: {temperature: {initial: 0.2}}\n")
        let whole = Self.base.replacingOccurrences(of: "[8, 9]", with: "[5]")
            .replacingOccurrences(of: "initial: 0.1", with: "initial: 0.2")
        var single = try Configuration.parse(text: whole, name: "c.yaml")
        // A file does not inherit the name of the run, which is that of its folder.
        #expect(merged.name == "mine" && single.name == "theirs")
        single.name = "mine"
        #expect(merged == single)
        #expect(try Configuration.parse(text: merged.resolvedYAML, name: "c.yaml") == merged)
    }

    @Test func aScalarReplacesABlockAndABlockAScalar() throws {
        #expect(try load("objective: {temperature: 0.3}\n").objective.temperature.initial == 0.3)
        let base = Self.base.replacingOccurrences(of: "{initial: 0.1, learned: true, minimum: 0.02}", with: "0.4")
        let block = try load("objective: {temperature: {initial: 0.5, learned: true}}\n", base: base)
        #expect(block.objective.temperature.initial == 0.5 && block.objective.temperature.learned)
    }

    /// Without the rule, the base's keys of another kind would be errors about keys that the file does not have.
    @Test func anotherKindLeavesTheKeysOfTheFormerKindBehind() throws {
        let merged = try load(
            """
            encoders: {first: {kind: linear}, second: {kind: mlp, widths: [3]}}
            objective: {loss: joint}
            optimizer: {kind: sgd, momentum: 0.9}

            """)
        #expect(merged.resolvedYAML.contains("first: {kind: linear, bias: true}"))
        #expect(merged.resolvedYAML.contains("second: {kind: mlp, widths: [3], activation: relu, bias: true}"))
        #expect(merged.objective.loss.kindName == "joint" && merged.objective.similarity == .cosine)
        #expect(merged.optimizer.kind.kindName == "sgd" && merged.optimizer.learningRate == 0.02)
        #expect(merged.optimizer.schedule == .cosine)
        // Two kinds may have a key of one name: `widths` of another kind is not taken over.
        #expect(
            try problems("encoders: {first: {kind: set, element_widths: [4]}}\noptimizer: {kind: sgd, beta1: 0.9}\n")
                == [
                    "mine.yaml:3:24: optimizer.beta1: is of no use here: the optimizer sgd does not have it; adam, "
                        + "adamw, lamb have it"
                ])
        // The same kind, and the default kind by name, keep the base's keys.
        let named = try load(
            "optimizer: {kind: adam}\n", base: Self.base.replacingOccurrences(of: "kind: adam, ", with: ""))
        #expect(named.resolvedYAML.contains("beta1: 0.8"))
    }

    /// `minimum` belongs to a learned temperature, and `schedule_steps` to a schedule.
    @Test func inheritedKeysThatNoLongerApplyAreIgnored() throws {
        let merged = try load("objective: {temperature: {learned: false}}\noptimizer: {schedule: constant}\n")
        #expect(merged.objective.temperature.initial == 0.1 && !merged.objective.temperature.learned)
        #expect(merged.optimizer.scheduleSteps == nil)
        #expect(
            try problems("objective: {temperature: {learned: false, minimum: 0.02}}\n")[0].hasPrefix(
                "mine.yaml:2:43: objective.temperature.minimum: is of no use here"))
        #expect(try load("train: {epochs: 3}\n").train.epochs == 3)
    }

    @Test func overridesWin() throws {
        let merged = try load("optimizer: {learning_rate: 0.3}\n", overrides: ["optimizer.learning_rate=0.4"])
        #expect(merged.optimizer.learningRate == 0.4)
        let steps = try load("train: {epochs: 3}\n", overrides: ["train.steps=7"])
        #expect(steps.train.steps == 7 && steps.train.epochs == nil)
        #expect(
            try problems("", overrides: ["extends=a.yaml"])[0].hasPrefix("--set extends=a.yaml: extends: stands at"))
    }

    /// A chain of files, each relative to its own folder; the nearest value counts.
    @Test func filesExtendFilesThatExtendOthers() throws {
        try folder.write("a/b/root.yaml", Self.base)
        try folder.write("a/middle.yaml", "extends: b/root.yaml\nseed: 5\noptimizer: {learning_rate: 0.5}\n")
        let path = try folder.write("top.yaml", "extends: a/middle.yaml\noptimizer: {learning_rate: 0.7}\n")
        let merged = try Configuration.load(path: path)
        #expect(merged.seed == 5 && merged.optimizer.learningRate == 0.7 && merged.train.steps == 90)
    }

    @Test func errorsNameTheFileAndLineOfTheKey() throws {
        #expect(
            try problems("batch: {size: 65}\noptimizer: {learning_rte: 1}\n") == [
                "mine.yaml:3:13: optimizer.learning_rte: no such key; did you mean learning_rate?",
                "shared/base.yaml:8:27: batch.shards: wanted a number that divides the batch of 65; found 4; the "
                    + "nearest valid numbers are 1 and 5",
            ])
    }

    @Test func missingFilesAndCirclesAreErrors() throws {
        try folder.write("base.yaml", Self.base)
        func problem(_ text: String) throws -> String {
            let path = try folder.write("mine.yaml", text)
            let error = try #require(throws: ConfigurationError.self) { _ = try Configuration.load(path: path) }
            return error.description.replacingOccurrences(of: "\(folder.path)/", with: "")
        }
        #expect(
            try problem("seed: 1\nextends: bas.yaml\n")
                == "mine.yaml:2:10: extends: bas.yaml: cannot read the config: No such file or directory (open); did "
                + "you mean base.yaml?")
        #expect(try problem("extends: [a, b]\n").hasPrefix("mine.yaml:1:10: extends: wanted a text"))
        try folder.write("empty.yaml", "")
        #expect(
            try problem("extends: empty.yaml\n").contains("empty.yaml: wanted a config, a block of keys; found nothing")
        )
        try folder.write("other.yaml", "\nextends: ./mine.yaml\n")
        #expect(
            try problem("extends: other.yaml\n")
                == "other.yaml:2:10: extends: a file cannot extend itself: mine.yaml, which extends other.yaml, which "
                + "extends ./mine.yaml")
        try folder.write("other.yaml", "a: [\n")
        #expect(try problem("extends: other.yaml\n").hasPrefix("other.yaml:2:1: invalid YAML"))
    }

    /// A run needs no base file later.
    @Test func aRunStoresTheMergedConfig() throws {
        let merged = try load("seed: 9\n")
        let run = RunFolder(path: folder.file("run"))
        try FileManager.default.createDirectory(atPath: run.path, withIntermediateDirectories: true)
        try run.store(merged)
        try FileManager.default.removeItem(atPath: folder.file("shared"))
        var stored = try run.storedConfiguration(registry: .builtIn)
        stored.name = merged.name
        #expect(stored == merged)
        #expect(try !folder.text(of: "run/config.yaml").contains("extends"))
    }
}
