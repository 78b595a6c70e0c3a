import CoupletLosses
import CoupletNetworks
import CoupletOptimizers
import CoupletPairs
import CoupletTraining
import Testing

/// Random numbers that are the same in every test run (SplitMix64).
struct FixedGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct ConfigurationRoundTripTests {
    @Test func theResolvedTextReadsBackAsTheSameConfiguration() throws {
        var generator = FixedGenerator(state: 3)
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

    @Test func theResolvedTextHasEveryKey() throws {
        let text = try Configuration.parse(text: ConfigurationExample.text, name: "c.yaml").resolvedYAML
        for line in [
            "  initial_scale: 1", "  first: {kind: linear, bias: false}", "  weights: [0.5, 0.5]",
            "batch: {size: 2048, shards: 16, activations: keep, tile_memory: 256 MiB}",
            "  beta2: 0.999", "  epsilon: 1.0e-08", "  schedule: constant", "  warmup_steps: 0", "  clip_norm: null",
            "evaluation: {pairs: null}", "  log_every: 50", "  evaluate_every: 500", "  keep_checkpoints: 3",
            "  checkpoint_minutes: null", "  stop_after: null", "  on_nonfinite: stop",
        ] {
            #expect(text.split(separator: "\n").contains { $0 == line }, "\(line) in\n\(text)")
        }
    }

    @Test func whatMayChangeOnResuming() throws {
        let start = try Configuration.parse(
            text: ConfigurationExample.text, name: "c.yaml", overrides: ["optimizer.schedule=cosine"])
        let stored = start.resolvingScheduleSteps()
        #expect(stored.optimizer.scheduleSteps == 1_500)
        func differences(_ overrides: String...) throws -> [String] {
            try Configuration.parse(
                text: ConfigurationExample.text, name: "c.yaml", overrides: ["optimizer.schedule=cosine"] + overrides
            ).differences(from: stored)
        }
        #expect(try differences() == [])
        #expect(
            try differences(
                "name=other", "train.steps=3000", "train.log_every=1", "train.evaluate_every=7",
                "train.checkpoint_every=9",
                "train.keep_checkpoints=1", "evaluation.pairs=10", "train.checkpoint_minutes=0.5",
                "train.stop_after=3h55m", "train.on_nonfinite=skip") == [])
        #expect(try differences("seed=2") == ["seed: 1 in the run, 2 now"])
        #expect(
            try differences("optimizer.learning_rate=0.02") == ["optimizer.learning_rate: 0.01 in the run, 0.02 now"])
        #expect(
            try differences("optimizer.schedule_steps=3000") == ["optimizer.schedule_steps: 1500 in the run, 3000 now"])
        #expect(try differences("batch.shards=8") == ["batch.shards: 16 in the run, 8 now"])
        #expect(try differences("batch.activations=recompute", "batch.tile_memory=1 GiB") == [])
        #expect(try differences("data.dimensions=[8, 7]") == ["data.dimensions: [8, 6] in the run, [8, 7] now"])
        #expect(try differences("encoders.embedding=4") == ["encoders.embedding: 3 in the run, 4 now"])
        #expect(
            try differences("objective.loss=joint") == [
                "objective.loss: conditional in the run, joint now",
                "objective.weights: [0.5, 0.5] in the run, absent now",
            ])
        // A start that ends within its warm-up can be read back.
        var short = start
        (short.train.steps, short.optimizer.warmupSteps) = (3, 40)
        #expect(
            try Configuration.parse(text: short.resolvingScheduleSteps().resolvedYAML, name: "c.yaml").optimizer
                .scheduleSteps == 40)
        #expect(
            try differences("initialize={from: runs/a, freeze: [first]}") == [
                "initialize.from: absent in the run, runs/a now", "initialize.encoders: absent in the run, null now",
                "initialize.freeze: absent in the run, [first] now",
            ])
        var longer = start
        longer.train.steps = 3_000
        #expect(longer.resuming(stored).optimizer.scheduleSteps == 1_500)
        #expect(longer.resuming(stored).train.steps == 3_000)
    }

    private func randomConfiguration(_ generator: inout FixedGenerator) -> Configuration {
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
        func encoder() -> EncoderSpecification {
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
        func kind() -> Configuration.Optimizer.Kind {
            switch whole(0...2) {
            case 0: .sgd(momentum: real(0...0.99))
            case 1: .adam(beta1: real(0...0.99), beta2: real(0...0.999), epsilon: positive())
            default: .adamw(beta1: real(0...0.99), beta2: real(0...0.999), epsilon: positive())
            }
        }
        let initial = positive()
        let learned = Bool.random(using: &g)
        let schedule = pick(Configuration.Optimizer.Schedule.allCases)
        let warmup = whole(0...100)
        let size = whole(1...64) * 32
        let loss: Loss = pick([
            .joint, .conditional(first: positive(), second: real(0...1)), .ntXent,
            .lpSimCLR(
                distance: pick([LpDistance(), LpDistance(power: false), LpDistance(order: .one)]),
                negatives: pick(Loss.Negatives.allCases)),
        ])
        // Such a loss has a distance in place of a similarity.
        let similarity = if case .lpSimCLR = loss { Similarity.quadratic } else { pick(Similarity.allCases) }
        let isShared = Bool.random(using: &g), first = encoder()
        return Configuration(
            name: pick(["gaussian", "a b", "true", "7", "x: y", "größe", "-"]),
            seed: UInt64.random(in: 0...UInt64.max, using: &g), source: source(),
            encoders: .init(
                embedding: whole(1...512), initialScale: Float.random(in: 1e-6...2, using: &g), first: first,
                second: isShared ? first : encoder(), shared: isShared),
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
                    ? .init(initial: initial, learned: true, minimum: initial * 0.3) : .init(initial: initial)),
            batch: pick([
                .init(size: size), .init(size: size, shards: 32),
                .init(size: size, activations: .recompute, tileMemory: whole(0...1 << 40)),
            ]),
            optimizer: .init(
                kind: kind(), learningRate: positive(), schedule: schedule, warmupSteps: warmup,
                weightDecay: real(0...1),
                clipNorm: pick([nil, positive()]), scheduleSteps: schedule == .constant ? nil : pick([nil, warmup + 5])),
            evaluation: .init(pairs: pick([nil, whole(1...9_999)])),
            train: .init(
                steps: whole(0...100_000), logEvery: whole(1...100), evaluateEvery: pick([nil, whole(1...900)]),
                checkpointEvery: pick([nil, whole(1...900)]), checkpointMinutes: pick([nil, positive()]),
                keepCheckpoints: whole(1...9),
                stopAfter: pick([nil, .seconds(whole(1...1_000_000))]), onNonFinite: pick([.stop, .skip])))
    }
}
