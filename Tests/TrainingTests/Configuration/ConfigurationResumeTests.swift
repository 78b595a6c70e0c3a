import CoupletTraining
import Testing

@Suite struct ConfigurationResumeTests {
    @Test func differencesPreventResuming() throws {
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
        // A start that ends during its warm-up can be read back.
        var short = start
        (short.train.steps, short.optimizer.warmupSteps) = (3, 40)
        #expect(
            try Configuration.parse(text: short.resolvingScheduleSteps().resolvedYAML, name: "c.yaml").optimizer
                .scheduleSteps == 40)
        #expect(
            try differences("initialize={from: runs/a, freeze: [first]}") == [
                "initialize.from: absent in the run, runs/a now",
                "initialize.checkpoint: absent in the run, latest now",
                "initialize.encoders: absent in the run, null now",
                "initialize.freeze: absent in the run, [first] now",
                "initialize.objective: absent in the run, false now",
            ])
        var longer = start
        longer.train.steps = 3_000
        #expect(longer.inheritingScheduleSteps(from: stored).optimizer.scheduleSteps == 1_500)
        #expect(longer.inheritingScheduleSteps(from: stored).train.steps == 3_000)
    }

    /// A run of a version without `encoders.initialization` has its law and its weight decay, also when the config that
    /// resumes it leaves both out.
    @Test func runsBeforeTheKeysKeepTheirRules() throws {
        let now = try Configuration.parse(text: ConfigurationExample.text, name: "c.yaml")
        let lines = now.resolvedYAML.split(separator: "\n").filter { !$0.contains("initialization:") }
        let text = lines.joined(separator: "\n").replacing("weight_decay_on: weights", with: "weight_decay_on: all")
        let stored = try Configuration.stored(text: text, name: "run", registry: .builtIn)
        #expect(stored.encoders.initialization == .init(law: .byActivation))
        #expect(stored.optimizer.decayedParameters == .all)
        #expect(now.differences(from: stored) == [])
        func differences(_ override: String) throws -> [String] {
            try Configuration.parse(text: ConfigurationExample.text, name: "c.yaml", overrides: [override])
                .differences(from: stored)
        }
        #expect(try differences("optimizer.weight_decay_on=all") == [])
        #expect(
            try differences("optimizer.weight_decay_on=weights") == [
                "optimizer.weight_decay_on: all in the run, weights now"
            ])
        #expect(
            try differences("encoders.initialization.law=pytorch").contains(
                "encoders.initialization.law: by_activation in the run, pytorch now"))
        // A run of this version keeps what its config says.
        let stated = try Configuration.stored(text: now.resolvedYAML, name: "run", registry: .builtIn)
        #expect(stated.encoders.initialization == .init() && now.differences(from: stated) == [])
    }

    @Test func evaluationMayChange() throws {
        let stored = try Configuration.parse(text: ConfigurationEvaluationTests.latent, name: "c.yaml")
            .resolvingScheduleSteps()
        let now = try Configuration.parse(
            text: ConfigurationEvaluationTests.latent, name: "c.yaml",
            overrides: ["evaluation.identifiability.samples=20480"])
        #expect(now.differences(from: stored) == [])
    }

    @Test func latentFactorsMayNotChange() throws {
        let stored = try Configuration.parse(text: ConfigurationDataTests.config("{source: latent}"), name: "c.yaml")
            .resolvingScheduleSteps()
        let other = try Configuration.parse(
            text: ConfigurationDataTests.config("{source: latent, style_change: 0.75, shared_mixing: true}"),
            name: "c.yaml")
        #expect(
            other.differences(from: stored) == [
                "data.style_change: 1 in the run, 0.75 now", "data.shared_mixing: false in the run, true now",
            ])
    }
}
