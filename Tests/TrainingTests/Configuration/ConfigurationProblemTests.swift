import CoupletSchema
import CoupletTraining
import Testing

/// The example with one piece of text replaced, and the expected problem.
struct InvalidConfiguration: Sendable, CustomTestStringConvertible {
    let old: String, new: String
    let line: Int, column: Int
    let key: String
    /// Phrases that the reason must contain.
    let phrases: [String]

    init(_ old: String, _ new: String, _ line: Int, _ column: Int, _ key: String, _ phrases: String...) {
        (self.old, self.new, self.line, self.column, self.key, self.phrases) = (old, new, line, column, key, phrases)
    }

    var testDescription: String { new }
}

@Suite struct ConfigurationProblemTests {
    @Test(arguments: [
        // Unknown keys, and the nearest known one.
        InvalidConfiguration(
            "learning_rate", "learning_rat", 18, 3, "optimizer.learning_rat", "did you mean learning_rate?"),
        .init("seed", "sede", 2, 1, "sede", "did you mean seed?"),
        .init("embedding: 3", "embedding: 3\n  frist: 1", 9, 3, "encoders.frist", "did you mean first?"),
        .init("bias: false", "bais: false", 9, 25, "encoders.first.bais", "did you mean bias?"),
        .init(
            "temperature: 1", "temperature: 1\n  margin: 1", 14, 3, "objective.margin", "no such key",
            "loss, weights, similarity, temperature"),
        .init(
            "temperature: 1", "temperature: 1\n  bandwidth: 1", 14, 3, "objective.bandwidth", "of no use here",
            "only mmd"),
        .init(
            "temperature: 1", "temperature: 1\n  bias: -3", 14, 3, "objective.bias", "of no use here", "only sigmoid"),
        .init(
            "temperature: 1", "temperature: {initial: 1, lerned: true}", 13, 29, "objective.temperature.lerned",
            "learned?"),
        .init("optimizer:", "optimiser:", 16, 1, "optimiser", "did you mean optimizer?"),
        // Keys that belong to another choice.
        .init("kind: adam", "kind: adam\n  momentum: 0.9", 18, 3, "optimizer.momentum", "of no use", "adam"),
        .init("kind: adam", "kind: sgd\n  beta1: 0.9", 18, 3, "optimizer.beta1", "of no use", "sgd"),
        .init("loss: conditional", "loss: joint\n  weights: [1, 0]", 15, 3, "objective.weights", "of no use", "joint"),
        .init("dimensions: [8, 6]", "dimensions: [8, 6]\n  path: x", 6, 3, "data.path", "of no use", "gaussian"),
        .init("dimensions: [8, 6]", "dimensions: [8, 6]\n  held_out: 0.1", 6, 3, "data.held_out", "of no use", "hdf5"),
        .init("bias: false", "widths: [3]", 9, 25, "encoders.first.widths", "of no use", "linear"),
        .init(
            "kind: adam", "kind: adam\n  schedule_steps: 100", 18, 3, "optimizer.schedule_steps", "of no use",
            "constant"),
        .init(
            "temperature: 1", "temperature: {initial: 1, minimum: 0.1}", 13, 29, "objective.temperature.minimum",
            "learned"),
        .init(
            "{kind: linear, bias: false}", "{kind: mlp, widths: [3], slope: 1}", 9, 35, "encoders.first.slope",
            "leaky_relu", "relu"),
        .init("dimensions: [8, 6]", "dimensions: [8, 6]\n  per_class: 5", 6, 3, "data.per_class", "of no use", "mnist"),
        .init(
            "seed: 1", "seed: 1\ninitialize: {from: a, freeze: [frist]}", 3, 32, "initialize.freeze",
            "did you mean first?"),
        .init(
            "seed: 1", "seed: 1\ninitialize: {from: a, freze: [first]}", 3, 23, "initialize.freze",
            "did you mean freeze?"),
        .init("seed: 1", "seed: 1\ninitialize: {freeze: [first]}", 3, 1, "initialize.from", "is missing"),
        .init("seed: 1", "seed: 1\ninitialize: {from: a, freeze: first}", 3, 31, "initialize.freeze", "wanted a list"),
        .init("seed: 1", "seed: 1\ninitialize: {from: a, encoders: []}", 3, 33, "initialize.encoders", "at least one"),
        .init(
            "seed: 1", "seed: 1\ninitialize: {from: a, encoders: [second], freeze: [first]}", 3, 51,
            "initialize.freeze", "random parameters"),
        .init(
            "seed: 1", "seed: 1\ninitialize: {from: a, freeze: [second, first]}", 3, 31, "initialize.freeze",
            "nothing to train"),
        .init(
            "dimensions: [8, 6]", "dimensions: [8, 6]\n  mixing_layers: 3", 6, 3, "data.mixing_layers", "of no use",
            "latent"),
        .init(
            "loss: conditional", "loss: lp_simclr", 12, 3, "objective.similarity", "of no use", "distance of its own"),
        .init(
            "loss: conditional", "loss: nt_xent\n  weights: [1, 0]", 15, 3, "objective.weights", "of no use",
            "conditional, decoupled, mmd"),
        .init("loss: conditional", "loss: conditional\n  p: 2", 15, 3, "objective.p", "of no use", "lp_simclr"),
        .init(
            "similarity: inner_product\n  temperature: 1\n  loss: conditional", "loss: lp_simclr\n  p: 3", 13, 6,
            "objective.p", "from 1 to 2"),
        .init("embedding: 3", "embedding: 3\n  shared: true", 11, 3, "encoders.second", "of no use", "shared: true"),
        // Unknown names.
        .init("loss: conditional", "loss: conditonal", 14, 9, "objective.loss", "conditional", "joint"),
        .init(
            "loss: conditional", "loss: clip", 14, 9, "objective.loss",
            "there are conditional, joint, sigmoid, decoupled, mmd"),
        .init("loss: conditional", "loss: sigmoyd", 14, 9, "objective.loss", "did you mean sigmoid?"),
        .init("inner_product", "euclidean", 12, 15, "objective.similarity", "inner_product, cosine, quadratic"),
        .init("source: gaussian", "source: gausian", 4, 11, "data.source", "did you mean gaussian?"),
        .init("kind: adam", "kind: adma", 17, 9, "optimizer.kind", "did you mean adam?"),
        .init("kind: adam", "kind: adam\n  schedule: cosin", 18, 13, "optimizer.schedule", "did you mean cosine?"),
        .init("kind: linear", "kind: resnet", 9, 17, "encoders.first.kind", "linear, mlp, cnn, labels"),
        // Wrong types.
        .init("steps: 1500", "steps: many", 20, 10, "train.steps", "whole number", "the text \"many\"", "1500"),
        .init("steps: 1500", "steps: 1.5", 20, 10, "train.steps", "whole number", "found 1.5"),
        .init("steps: 1500", "steps: 1e-3", 20, 10, "train.steps", "whole number", "found 1e-3"),
        .init("steps: 1500", "steps: \"1500\"", 20, 10, "train.steps", "whole number", "the text \"1500\""),
        .init("steps: 1500", "steps:", 20, 9, "train.steps", "found nothing"),
        .init("steps: 1500", "steps: [1500]", 20, 10, "train.steps", "found a list"),
        .init("seed: 1", "seed: -1", 2, 7, "seed", "from 0"),
        .init("seed: 1", "seed: 18446744073709551616", 2, 7, "seed", "18446744073709551615"),
        .init("bias: false", "bias: no", 9, 31, "encoders.first.bias", "true or false", "\"no\""),
        .init("{kind: linear, bias: false}", "linear", 9, 10, "encoders.first", "block", "kind", "\"linear\""),
        .init("[8, 6]", "8", 5, 15, "data.dimensions", "a list", "[8, 6]", "found 8"),
        .init("learning_rate: 0.01", "learning_rate: fast", 18, 18, "optimizer.learning_rate", "above 0", "\"fast\""),
        .init("name: gaussian", "name: true", 1, 7, "name", "quotes"),
        .init("name: gaussian", "name: a/b", 1, 7, "name", "folder"),
        .init("name: gaussian", "name: ''", 1, 7, "name", "a text"),
        .init("batch: {size: 2048, shards: 16}", "batch: 2048", 15, 8, "batch", "{size: 2048}", "found 2048"),
        // Impossible values.
        .init("steps: 1500", "steps: -1", 20, 10, "train.steps", "from 0", "found -1"),
        .init("steps: 1500", "steps: 99999999999999999999", 20, 10, "train.steps", "from 0"),
        .init("steps: 1500", "steps: 15\n  log_every: 0", 21, 14, "train.log_every", "from 1"),
        .init("steps: 1500", "steps: 15\n  keep_checkpoints: 0", 21, 21, "train.keep_checkpoints", "from 1"),
        .init("steps: 1500", "steps: 15\n  checkpoint_minutes: 0", 21, 23, "train.checkpoint_minutes", "above 0"),
        .init("steps: 1500", "steps: 15\n  stop_after: 90", 21, 15, "train.stop_after", "such as 90s", "found 90"),
        .init("steps: 1500", "steps: 15\n  stop_after: 0s", 21, 15, "train.stop_after", "above 0"),
        .init("steps: 1500", "steps: 15\n  on_nonfinite: skp", 21, 17, "train.on_nonfinite", "did you mean skip?"),
        .init("shards: 16", "shards: 12", 15, 29, "batch.shards", "8 and 16", "2048"),
        .init("shards: 16", "shards: 4096", 15, 29, "batch.shards", "nearest valid number is 2048"),
        .init(
            "size: 2048, shards: 16", "size: 2050, shards: 4", 15, 29, "batch.shards",
            "nearest valid numbers are 2 and 5"),
        .init("shards: 16", "activations: recomptue", 15, 34, "batch.activations", "did you mean recompute?"),
        .init(
            "shards: 16", "second_per_first: 3", 15, 39, "batch.second_per_first", "divides the 128 pairs", "found 3"),
        .init("shards: 16", "tile_memory: 3 MB", 15, 34, "batch.tile_memory", "such as 256 MiB", "3 MB"),
        .init("shards: 16", "tile_memory: -1", 15, 34, "batch.tile_memory", "such as 256 MiB"),
        .init("size: 2048, shards: 16", "size: 1", 15, 15, "batch.size", "from 2"),
        .init("learning_rate: 0.01", "learning_rate: 0", 18, 18, "optimizer.learning_rate", "above 0", "found 0"),
        .init("learning_rate: 0.01", "learning_rate: .inf", 18, 18, "optimizer.learning_rate", "above 0", ".inf"),
        .init("learning_rate: 0.01", "learning_rate: nan", 18, 18, "optimizer.learning_rate", "above 0", "nan"),
        .init("learning_rate: 0.01", "learning_rate: 1e999", 18, 18, "optimizer.learning_rate", "above 0"),
        .init("kind: adam", "kind: adam\n  beta1: 1", 18, 10, "optimizer.beta1", "below 1"),
        .init("kind: adam", "kind: adam\n  weight_decay: -0.1", 18, 17, "optimizer.weight_decay", "from 0"),
        .init("kind: adam", "kind: adam\n  clip_norm: 0", 18, 14, "optimizer.clip_norm", "above 0"),
        .init(
            "kind: adam", "schedule: linear\n  warmup_steps: 9\n  schedule_steps: 5", 19, 19,
            "optimizer.schedule_steps", "step 5", "9"),
        .init("temperature: 1", "temperature: -1", 13, 16, "objective.temperature", "above 0"),
        .init("temperature: 1", "temperature:", 13, 15, "objective.temperature", "above 0", "nothing"),
        .init(
            "temperature: 1", "temperature: {initial: 0.05, learned: true, minimum: 0.1}", 13, 56,
            "objective.temperature.minimum",
            "0.1", "0.05"),
        .init(
            "temperature: 1", "temperature: {initial: 0.005, learned: true}", 13, 26, "objective.temperature.initial",
            "by default", "0.005"),
        .init("loss: conditional", "loss: conditional\n  weights: [0, 0]", 15, 12, "objective.weights", "not both 0"),
        .init(
            "loss: conditional", "loss: conditional\n  weights: [1, -1]", 15, 16, "objective.weights", "from 0", "-1"),
        .init("loss: conditional", "loss: conditional\n  weights: [1]", 15, 12, "objective.weights", "two numbers"),
        .init("correlations: [0.9,", "correlations: [1.0,", 6, 18, "data.correlations", "below 1", "found 1.0"),
        .init("correlations: [0.9,", "correlations: [0.9, 0.8,", 6, 17, "data.correlations", "1 to 6", "found 7"),
        .init("[8, 6]", "[8, 6, 4]", 5, 15, "data.dimensions", "two", "found 3"),
        .init("[8, 6]", "[8, 0]", 5, 19, "data.dimensions", "from 1", "found 0"),
        .init("dimensions: [8, 6]", "covariance: c.h5", 6, 3, "data.correlations", "covariance"),
        .init("embedding: 3", "embedding: 3\n  initial_scale: 1e-60", 9, 18, "encoders.initial_scale", "Float32"),
        .init("embedding: 3", "embedding: 99999999", 8, 14, "encoders.embedding", "1000000"),
        // Problems of missing keys have the location of their block.
        .init("  dimensions: [8, 6]\n", "", 3, 1, "data.dimensions", "missing", "[8, 6]"),
        .init(
            "  kind: adam\n  learning_rate: 0.01\ntrain:\n  steps: 1500", "  kind: adam", 1, 1, "train", "missing",
            "{steps: 1500}"),
        .init("{kind: linear, bias: false}", "{kind: mlp}", 9, 3, "encoders.first.widths", "missing"),
        .init("{kind: linear, bias: false}", "{bias: false}", 9, 3, "encoders.first.kind", "missing"),
        // Invalid YAML.
        .init("seed: 1", "seed: 1\nseed: 2", 3, 1, "", "\"seed\" is given twice", "line 2"),
        .init("  kind: adam", "  kind: adam\n  kind: sgd", 18, 3, "", "\"kind\" is given twice", "line 17"),
        .init("bias: false", "bias: false, bias: true", 9, 25, "", "\"bias\" is given twice"),
        .init("  kind: adam", "\tkind: adam", 17, 1, "", "a tab"),
        .init("[8, 6]", "[8, 6", 6, 15, "", "invalid YAML", "line 5"),
        .init("name: gaussian", "*anchor : x", 1, 1, "", "alias"),
        .init("name: gaussian", "? [a, b]\n: 1", 1, 3, "", "a word"),
    ])
    func reportsOneProblem(_ invalid: InvalidConfiguration) throws {
        let problems = ConfigurationExample.problems(ConfigurationExample.replacing(invalid.old, by: invalid.new))
        #expect(problems.count == 1, "\(problems)")
        let problem = try #require(problems.first)
        #expect(problem.location == .file(name: "c.yaml", line: invalid.line, column: invalid.column))
        #expect(problem.key == invalid.key)
        for phrase in invalid.phrases { #expect(problem.reason.contains(phrase), "\(problem.reason)") }
    }

    @Test(arguments: ["", "# only a comment\n", "just words", "[1, 2]", "---\n"])
    func rejectsTextThatIsNotAConfig(text: String) throws {
        let problem = try #require(ConfigurationExample.problems(text).first)
        #expect(problem.reason.contains("data, encoders, batch and train"))
    }

    @Test func rejectsTwoDocumentsControlCharactersAndDeepNesting() {
        #expect(ConfigurationExample.problems(ConfigurationExample.text + "---\nname: x\n").count == 1)
        #expect(ConfigurationExample.problems("name: \u{1}").count == 1)
        #expect(ConfigurationExample.problems(String(repeating: "[", count: 100_000)).count == 1)
    }

    @Test func reportsWhyAFileCannotBeRead() throws {
        func reason(_ path: String) -> String {
            do {
                _ = try Configuration.load(path: path)
                return ""
            } catch { return "\(error)" }
        }
        #expect(reason("/nowhere/c.yaml").contains("/nowhere/c.yaml: cannot read the config: No such file"))
        #expect(reason("/").contains("is a folder, not a config"))
    }

    @Test func descriptionHasOneLinePerProblem() {
        let error = ConfigurationError([
            .init(at: .file(name: "c.yaml", line: 3, column: 5), key: "batch.size", reason: "is missing"),
            .init(at: .override("a=1"), key: "a", reason: "no such key"),
        ])
        #expect(error.description == "c.yaml:3:5: batch.size: is missing\n--set a=1: a: no such key")
    }
}
