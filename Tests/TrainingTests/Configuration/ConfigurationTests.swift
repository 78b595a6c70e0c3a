import CoupletLosses
import CoupletNetworks
import CoupletOptimizers
import CoupletPairs
import CoupletSchema
import CoupletTraining
import Testing

@Suite struct ConfigurationTests {
    @Test func readsTheFileAndFillsInTheDefaults() throws {
        let configuration = try Configuration.parse(text: ConfigurationExample.text, name: "c.yaml")
        #expect(configuration.name == "gaussian")
        #expect(configuration.source == .gaussian(dimensions: [8, 6], correlations: [0.9, 0.75, 0.6, 0.4, 0.25, 0.1]))
        #expect(
            configuration.encoders == .init(embedding: 3, first: .linear(bias: false), second: .linear(bias: false)))
        #expect(configuration.encoders.initialScale == 1)
        #expect(configuration.encoders.initialization == WeightInitialization(law: .pytorch, biases: .uniform))
        #expect(configuration.optimizer.decayedParameters == .weights)
        #expect(configuration.objective.loss.isEqual(to: ConditionalLoss.conditional(first: 0.5, second: 0.5)))
        #expect(configuration.objective.temperature == TemperatureSpecification(initial: 1))
        #expect(configuration.batch.shards == 16)
        #expect(configuration.optimizer.kind.isEqual(to: Adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8)))
        #expect(configuration.optimizer.learningRate == 0.01)
        #expect(configuration.optimizer.schedule == .constant)
        #expect(configuration.optimizer.clipNorm == nil)
        #expect(configuration.evaluation.pairs == nil)
        #expect(configuration.train == .init(steps: 1_500, logEvery: 50))
    }

    @Test func readsEveryKindOfBlock() throws {
        let configuration = try Configuration.parse(
            text: """
                data: {source: hdf5, path: "$~/own data.h5", held_out: 0.25}
                encoders:
                  embedding: 16
                  initial_scale: 0.1
                  first: {kind: mlp, widths: [150, 750], activation: leaky_relu, slope: 0.2, bias: false}
                  second: {kind: cnn, channels: [32, 64], hidden: [128]}
                objective: {similarity: cosine, temperature: {initial: 0.07, learned: true, minimum: 0.02}, loss: joint}
                batch: {size: 1_024}
                optimizer: {kind: sgd, momentum: 0.9, learning_rate: 1e-3, schedule: cosine,
                  warmup_steps: 10, clip_norm: 2, schedule_steps: 90}
                evaluation: {pairs: 500}
                train: {steps: 0, log_every: 1, evaluate_every: 0, checkpoint_every: null, keep_checkpoints: 1,
                  checkpoint_minutes: 2.5, stop_after: 3h55m, on_nonfinite: skip}
                """, name: "c.yaml", defaultName: "c")
        #expect(configuration.name == "c")
        #expect(configuration.source == .hdf5(path: "~/own data.h5", heldOut: 0.25))
        #expect(
            configuration.encoders.first
                == .multilayerPerceptron(widths: [150, 750], activation: .leakyRelu(slope: 0.2), bias: false))
        #expect(configuration.encoders.second == .convolutional(channels: [32, 64], hidden: [128]))
        #expect(configuration.encoders.initialScale == 0.1)
        #expect(configuration.objective.loss.isEqual(to: JointLoss()))
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

    /// The largest power of two ≤ 16 that divides B and leaves at least 128 pairs a shard; otherwise 1.
    @Test(arguments: [
        (2_048, 16), (1_024, 8), (512, 4), (128, 1), (100, 1), (6_144, 16), (1_536, 8), (2_050, 2), (2_049, 1), (2, 1),
    ])
    func defaultShards(size: Int, shards: Int) {
        #expect(Configuration.Batch.defaultShards(size: size) == shards)
    }

    @Test func overridesReplaceValuesOfTheFile() throws {
        let configuration = try Configuration.parse(
            text: ConfigurationExample.text, name: "c.yaml",
            overrides: [
                "optimizer.learning_rate=0.5", "objective.weights=[1, 0]", "encoders.first={kind: labels}",
                "train.log_every=7",
                "evaluation.pairs=100", "name=\"a = b\"",
            ])
        #expect(configuration.optimizer.learningRate == 0.5)
        #expect(configuration.objective.loss.isEqual(to: ConditionalLoss.conditional(first: 1, second: 0)))
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
            #expect(problem.location == .override(override))
            return problem
        }
        #expect(try only("optimizer.learning_rat=3").reason.contains("learning_rate"))
        #expect(try only("optimizer.learning_rate=fast").key == "optimizer.learning_rate")
        #expect(try only("train.steps").reason.contains("key.path=value"))
        #expect(try only("=3").reason.contains("key.path=value"))
        #expect(try only("data..source=mnist").reason.contains("key.path=value"))
        #expect(try only("objective.temperature.initial=0.1").reason.contains("'objective.temperature={initial: …}'"))
        #expect(try only("encoders.first={kind: linear").reason.contains("invalid YAML"))
        #expect(try only("objective.width=1").reason.contains("no such key"))
    }

    @Test func reportsAllProblemsInTheOrderOfTheFile() {
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

    @Test func temperatureFollowsTheSimilarity() throws {
        func temperature(_ objective: String) throws -> TemperatureSpecification {
            try Configuration.parse(
                text: ConfigurationExample.text, name: "c.yaml", overrides: ["objective=\(objective)"]
            ).objective.temperature
        }
        let learned = TemperatureSpecification(initial: 0.07, learned: true, minimum: 0.01)
        #expect(try temperature("{similarity: cosine}") == learned && temperature("{loss: nt_xent}") == learned)
        #expect(try temperature("{similarity: cosine, temperature: 1}") == TemperatureSpecification())
        #expect(try temperature("{similarity: quadratic}") == TemperatureSpecification())
        #expect(try temperature("{loss: lp_simclr}") == TemperatureSpecification())
        #expect(Configuration.Objective(similarity: .cosine).temperature == learned)
    }

    /// The biases follow the law; an encoder has the block of both, or one of its own.
    @Test func readsInitialization() throws {
        func initialization(_ overrides: String...) throws -> Configuration.Encoders {
            try Configuration.parse(text: ConfigurationExample.text, name: "c.yaml", overrides: overrides).encoders
        }
        let both = "encoders.initialization", second = "encoders.second.initialization"
        #expect(try initialization("\(both).law=he_normal").initialization == .init(law: .heNormal, biases: .zero))
        #expect(
            try initialization("\(both)={law: lecun_uniform, gain: 0.5, biases: uniform}").initialization
                == .init(law: .lecunUniform, gain: 0.5, biases: .uniform))
        #expect(try initialization("\(both).biases=zero").initialization == .init(law: .pytorch, biases: .zero))
        let own = try initialization("\(second).law=glorot_normal")
        #expect(own.initialization == .init() && own.first.initialization == nil)
        #expect(own.second.initialization == .init(law: .glorotNormal))
        #expect(
            ConfigurationExample.problems(ConfigurationExample.text, overrides: ["\(both).law=kaiming_uniform"]).map(
                \.key) == ["\(both).law"])
    }

    @Test func resolvedYAMLReadsBackAsTheSameConfiguration() throws {
        var generator = SplitMix64(state: 3)
        var texts = Set<String>()
        for _ in 0..<500 {
            let configuration = randomConfiguration(&generator)
            let text = configuration.resolvedYAML
            let again = try Configuration.parse(text: text, name: "resolved")
            #expect(again == configuration, "\(text)")
            #expect(again.resolvedYAML == text)
            texts.insert(text)
        }
        #expect(texts.count == 500)
    }

    @Test func resolvedYAMLHasEveryKey() throws {
        let text = try Configuration.parse(text: ConfigurationExample.text, name: "c.yaml").resolvedYAML
        for line in [
            "  initial_scale: 1", "  first: {kind: linear, bias: false}", "  weights: [0.5, 0.5]",
            "batch: {size: 2048, shards: 16, activations: keep, tile_memory: 256 MiB, groups: any, "
                + "second_per_first: 1}",
            "  groups: ignore", "  equal_samples: ignore",
            "  beta2: 0.999", "  epsilon: 1.0e-08", "  schedule: constant", "  warmup_steps: 0",
            "  weight_decay_on: weights", "  initialization: {law: pytorch, gain: 1, biases: uniform}",
            "  learning_rate_factors: {first: 1, second: 1}", "  average_decay: null", "  clip_norm: null",
            "evaluation: {pairs: null, during: {pairs: 2048}, parameters: current, identifiability: null}",
            "  log_every: 50",
            "  evaluate_every: 500", "  keep_checkpoints: 3",
            "  checkpoint_minutes: null", "  stop_after: null", "  on_nonfinite: stop",
        ] {
            #expect(text.split(separator: "\n").contains { $0 == line }, "\(line) in\n\(text)")
        }
    }

    private func randomConfiguration(_ generator: inout SplitMix64) -> Configuration {
        var g = generator
        defer { generator = g }
        func pick<T>(_ values: [T]) -> T { values[Int.random(in: 0..<values.count, using: &g)] }
        func real(_ range: ClosedRange<Double>) -> Double {
            pick([Double.random(in: range, using: &g), range.lowerBound, 0.5, 1e-7])
        }
        func positive() -> Double {
            pick([Double.random(in: 1e-12...1e-3, using: &g), Double.random(in: 0.1...1e20, using: &g), 1, 3e17, 0.1])
        }
        func whole(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &g) }
        func wholes(_ count: ClosedRange<Int>) -> [Int] { (0..<whole(count)).map { _ in whole(1...900) } }
        func path() -> String {
            pick([
                "data/mnist", "~/x", "../own pairs.h5", "a: b", "#no comment", "null", "1e5", "\"quoted\" \\ 'so'",
                "größe/数.h5", "tab\t\u{85}\u{2028}\u{7F}", "-x", "yes", "*a", "[b]",
            ])
        }
        func architecture() -> EncoderSpecification {
            switch whole(0...3) {
            case 0: return .linear(bias: Bool.random(using: &g))
            case 1:
                let activation = pick([
                    Activation.identity, .relu, .gelu, .tanh, .leakyRelu(slope: Float.random(in: -1...1, using: &g)),
                    .leakyRelu(slope: 1e-9),
                ])
                return .multilayerPerceptron(
                    widths: wholes(1...4), activation: activation, bias: Bool.random(using: &g))
            case 2: return .convolutional(channels: wholes(1...3), hidden: wholes(0...2))
            default: return .labels
            }
        }
        func initialization() -> WeightInitialization {
            WeightInitialization(
                law: pick(WeightInitialization.Law.allCases), gain: Float.random(in: 1e-3...9, using: &g),
                biases: pick([nil, .zero, .uniform]))
        }
        func encoder() -> EncoderSpecification {
            var encoder = architecture()
            encoder.initialization = pick([nil, initialization()])
            return encoder
        }
        func source() -> SourceSpecification {
            switch whole(0...6) {
            case 6:
                return .latent(
                    .init(
                        content: whole(1...60), style: whole(0...34), modality: whole(0...34), styleChange: real(0...1),
                        statisticalDependence: Bool.random(using: &g), causalDependence: Bool.random(using: &g),
                        mixingLayers: whole(1...9),
                        sharedMixing: Bool.random(using: &g)))
            case 0:
                let dimensions = [whole(1...9), whole(1...9)]
                return .gaussian(
                    dimensions: dimensions,
                    correlations: (0..<whole(1...dimensions.min()!)).map { _ in real(0...0.999) })
            case 1: return .gaussianFromFile(path: path())
            case 2: return .mnist(path: path())
            case 3: return .program(name: path())
            case 4:
                return .fewShot(
                    pick([.mnist(path: path()), .hdf5(path: path(), heldOut: real(0...0.99))]), perClass: whole(1...900)
                )
            default: return .hdf5(path: path(), heldOut: real(0...0.99))
            }
        }
        func kind() -> any Optimizer {
            switch whole(0...4) {
            case 0: .sgd(momentum: real(0...0.99))
            case 3: .lars(momentum: real(0...0.99), trustCoefficient: positive(), epsilon: positive())
            case 4: .lamb(beta1: real(0...0.99), beta2: real(0...0.999), epsilon: positive())
            case 1: .adam(beta1: real(0...0.99), beta2: real(0...0.999), epsilon: positive())
            default: .adamw(beta1: real(0...0.99), beta2: real(0...0.999), epsilon: positive())
            }
        }
        let initial = positive()
        let learned = Bool.random(using: &g)
        let schedule = pick(LearningRateSchedule.Kind.allCases)
        let warmup = whole(0...100)
        let size = whole(1...64) * 32
        let loss: any Loss = pick([
            .joint, .conditional(first: positive(), second: real(0...1)), .ntXent,
            .lpSimCLR(
                distance: pick([LpDistance(), LpDistance(power: false), LpDistance(order: .one)]),
                negatives: pick(LpSimCLRLoss.Negatives.allCases)),
        ])
        // This loss has a distance instead of a similarity.
        let similarity = loss.usesSimilarity ? pick(Similarity.allCases) : loss.defaultSimilarity
        let isShared = Bool.random(using: &g), first = encoder(), averageDecay = pick([nil, real(0...0.99)])
        return Configuration(
            name: pick(["gaussian", "a b", "true", "7", "x: y", "größe", "-"]),
            seed: UInt64.random(in: 0...UInt64.max, using: &g), source: source(),
            encoders: .init(
                embedding: whole(1...512), initialScale: Float.random(in: 1e-6...2, using: &g),
                initialization: initialization(), first: first, second: isShared ? first : encoder(), shared: isShared),
            initialization: isShared
                ? nil
                : pick([
                    nil, .init(from: path()), .init(from: path(), encoders: [.first], freeze: [.first]),
                    .init(from: path(), freeze: [.second]),
                    .init(from: path(), encoders: [.first, .second]),
                ]),
            objective: .init(
                similarity: similarity, loss: loss,
                temperature: learned
                    ? .init(initial: initial, learned: true, minimum: initial * 0.3) : .init(initial: initial),
                groups: pick(GroupTreatment.allCases.filter { loss.problem(of: $0) == nil }),
                equalSamples: pick(
                    EqualSampleTreatment.allCases.filter { loss.problem(ofEqualSamples: $0) == nil })),
            batch: pick([
                .init(size: size), .init(size: size, shards: 32),
                .init(size: size, activations: .recompute, tileMemory: whole(0...1 << 40)),
                .init(size: size, groups: .distinct), .init(size: 96, shards: 8, secondPerFirst: isShared ? 1 : 4),
            ]),
            optimizer: .init(
                kind: kind(), learningRate: positive(), schedule: schedule, warmupSteps: warmup,
                weightDecay: real(0...1),
                clipNorm: pick([nil, positive()]),
                scheduleSteps: schedule == .constant ? nil : pick([nil, warmup + 5]),
                decayedParameters: pick(OptimizerSpecification.DecayedParameters.allCases),
                learningRateFactors: isShared ? .init() : .init(first: positive(), second: positive()),
                averageDecay: averageDecay),
            evaluation: .init(
                pairs: pick([nil, whole(1...9_999)]), parameters: averageDecay == nil ? .current : .average,
                metrics: pick([[], [.alignment], [.uniformity(exponent: positive()), .alignment]])),
            train: .init(
                steps: whole(0...100_000), logEvery: whole(1...100), evaluateEvery: pick([nil, whole(1...900)]),
                checkpointEvery: pick([nil, whole(1...900)]), checkpointMinutes: pick([nil, min(positive(), 1e8)]),
                keepCheckpoints: whole(1...9),
                stopAfter: pick([nil, .seconds(whole(1...1_000_000))]), onNonFinite: pick([.stop, .skip])))
    }
}

/// SplitMix64 with a fixed seed: the same random numbers in every test run.
private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
