import CoupletLosses
import CoupletSchema
import CoupletTraining
import Testing

@Suite struct ConfigurationReadingTests {
    @Test func readsWhatTheFileSaysAndFillsInTheDefaults() throws {
        let configuration = try Configuration.parse(text: ConfigurationExample.text, name: "c.yaml")
        #expect(configuration.name == "gaussian")
        #expect(configuration.source == .gaussian(dimensions: [8, 6], correlations: [0.9, 0.75, 0.6, 0.4, 0.25, 0.1]))
        #expect(
            configuration.encoders == .init(embedding: 3, first: .linear(bias: false), second: .linear(bias: false)))
        #expect(configuration.encoders.initialScale == 1)
        #expect(configuration.objective.loss == .conditional(first: 0.5, second: 0.5))
        #expect(configuration.objective.temperature == TemperatureSpecification(initial: 1))
        #expect(configuration.batch.shards == 16)
        #expect(configuration.optimizer.kind == .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8))
        #expect(configuration.optimizer.learningRate == 0.01)
        #expect(configuration.optimizer.schedule == .constant)
        #expect(configuration.optimizer.clipNorm == nil)
        #expect(configuration.evaluation.pairs == nil)
        #expect(configuration.train == .init(steps: 1_500, logEvery: 50))
    }

    @Test func readsEveryKindOfBlock() throws {
        let configuration = try Configuration.parse(
            text: """
                data: {source: hdf5, path: "~/own data.h5", held_out: 0.25}
                encoders:
                  embedding: 16
                  initial_scale: 0.1
                  first: {kind: mlp, widths: [150, 750], activation: leaky_relu, slope: 0.2, bias: false}
                  second: {kind: cnn, channels: [32, 64], hidden: [128]}
                objective: {similarity: cosine, temperature: {initial: 0.07, learned: true, minimum: 0.02}, loss: joint}
                batch: {size: 1_024}
                optimizer: {kind: sgd, momentum: 0.9, learning_rate: 1e-3, schedule: cosine, warmup_steps: 10, clip_norm: 2, schedule_steps: 90}
                evaluation: {pairs: 500}
                train: {steps: 0, log_every: 1, evaluate_every: 0, checkpoint_every: null, keep_checkpoints: 1, checkpoint_minutes: 2.5,
                  stop_after: 3h55m, on_nonfinite: skip}
                """, name: "c.yaml", defaultName: "c")
        #expect(configuration.name == "c")
        #expect(configuration.source == .hdf5(path: "~/own data.h5", heldOut: 0.25))
        #expect(
            configuration.encoders.first
                == .multilayerPerceptron(widths: [150, 750], activation: .leakyRelu(slope: 0.2), bias: false))
        #expect(configuration.encoders.second == .convolutional(channels: [32, 64], hidden: [128]))
        #expect(configuration.encoders.initialScale == 0.1)
        #expect(configuration.objective.loss == .joint)
        #expect(configuration.objective.temperature == .init(initial: 0.07, learned: true, minimum: 0.02))
        #expect(configuration.batch == .init(size: 1_024, shards: 8))
        #expect(
            configuration.optimizer
                == .init(
                    kind: .sgd(momentum: 0.9), learningRate: 0.001, schedule: .cosine, warmupSteps: 10, clipNorm: 2,
                    scheduleSteps: 90))
        #expect(configuration.evaluation.pairs == 500)
        #expect(
            configuration.train
                == .init(
                    steps: 0, logEvery: 1, evaluateEvery: nil, checkpointEvery: nil, checkpointMinutes: 2.5,
                    keepCheckpoints: 1, stopAfter: .seconds(14_100), onNonFinite: .skip))
    }

    /// The largest power of two ≤ 16 that divides B and leaves at least 128 pairs a shard, at least 1.
    @Test(arguments: [
        (2_048, 16), (1_024, 8), (512, 4), (128, 1), (100, 1), (6_144, 16), (1_536, 8), (2_050, 2), (2_049, 1), (2, 1),
    ])
    func choosesTheShards(size: Int, shards: Int) {
        #expect(Configuration.Batch.defaultShards(size: size) == shards)
    }

    @Test func overridesComeLast() throws {
        let configuration = try Configuration.parse(
            text: ConfigurationExample.text, name: "c.yaml",
            overrides: [
                "optimizer.learning_rate=0.5", "objective.weights=[1, 0]", "encoders.first={kind: labels}",
                "train.log_every=7",
                "evaluation.pairs=100", "name=\"a = b\"",
            ])
        #expect(configuration.optimizer.learningRate == 0.5)
        #expect(configuration.objective.loss == .conditional(first: 1, second: 0))
        #expect(configuration.encoders.first == .labels)
        #expect(configuration.train.logEvery == 7)
        #expect(configuration.evaluation.pairs == 100)
        #expect(configuration.name == "a = b")
    }

    @Test func errorsOfOverridesNameTheArgument() throws {
        func only(_ override: String) throws -> ConfigurationError.Problem {
            let problems = ConfigurationExample.problems(ConfigurationExample.text, overrides: [override])
            #expect(problems.count == 1, "\(problems)")
            let problem = try #require(problems.first)
            #expect(problem.place == .override(override))
            return problem
        }
        #expect(try only("optimizer.learning_rat=3").reason.contains("learning_rate"))
        #expect(try only("optimizer.learning_rate=fast").key == "optimizer.learning_rate")
        #expect(try only("train.steps").reason.contains("key.path=value"))
        #expect(try only("=3").reason.contains("key.path=value"))
        #expect(try only("data..source=mnist").reason.contains("key.path=value"))
        #expect(try only("objective.temperature.initial=0.1").reason.contains("'objective.temperature={initial: …}'"))
        #expect(try only("encoders.first={kind: linear").reason.contains("no YAML"))
        #expect(try only("objective.width=1").reason.contains("no such key"))
    }

    @Test func allProblemsComeAtOnceInTheOrderOfTheFile() {
        let problems = ConfigurationExample.problems(
            """
            nmae: x
            data: {source: mnist}
            encoders: {embedding: 0, first: {kind: liner}, second: {kind: labels, bias: true}}
            batch: {size: 100, shards: 3}
            train: {steps: -1, log_evry: 5}
            """, overrides: ["optimizer.kind=rmsprop"])
        #expect(
            problems.map(\.key) == [
                "nmae", "data.path", "encoders.embedding", "encoders.first.kind", "encoders.second.bias",
                "batch.shards",
                "train.steps", "train.log_evry", "optimizer.kind",
            ])
    }
}
