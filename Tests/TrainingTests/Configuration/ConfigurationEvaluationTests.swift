import CoupletEvaluation
import CoupletTraining
import Testing

@Suite struct ConfigurationEvaluationTests {
    static let latent = """
        data: {source: latent, content: 2, style: 1, modality: 1}
        encoders: {embedding: 2, first: {kind: linear}, second: {kind: linear}}
        batch: {size: 64}
        train: {steps: 10}

        """

    private static func identifiability(_ overrides: String..., text: String = latent) throws -> Configuration
        .Identifiability?
    {
        let read = try Configuration.parse(text: text, name: "c.yaml", overrides: overrides)
        let again = try Configuration.parse(text: read.resolvedYAML, name: "resolved")
        #expect(again == read, "\(read.resolvedYAML)")
        return read.evaluation.identifiability
    }

    @Test func identifiabilityIsMeasuredByDefaultForLatentSources() throws {
        let usual = Configuration.Identifiability(samples: 4_096, regressors: [.linear, .kernelRidge])
        #expect(try Self.identifiability() == usual)
        #expect(try Self.identifiability("evaluation.pairs=100") == usual)
        #expect(try Self.identifiability("evaluation.identifiability=null") == nil)
        #expect(
            try Self.identifiability("evaluation={pairs: 7, identifiability: {samples: 20480}}")
                == .init(samples: 20_480))
        // In the order of tables, each once.
        #expect(
            try Self.identifiability("evaluation.identifiability.regressors=[mlp, linear, mlp]")
                == .init(regressors: [.linear, .multilayerPerceptron]))
        #expect(try Self.identifiability(text: ConfigurationExample.text) == nil)
        let text = try Configuration.parse(text: Self.latent, name: "c.yaml").resolvedYAML
        #expect(
            text.contains(
                "evaluation: {pairs: null, during: {pairs: 2048}, parameters: current, identifiability: "
                    + "{samples: 4096, regressors: [linear, kernel_ridge]}}\n"))
    }

    /// A source of a program may have latent factors; a config cannot tell.
    @Test func sourcesOfProgramsMayHaveLatentFactors() throws {
        let text = Self.latent.replacing(
            "{source: latent, content: 2, style: 1, modality: 1}", with: "{source: program, name: own}")
        #expect(try Self.identifiability(text: text) == nil)
        #expect(try Self.identifiability("evaluation.identifiability.samples=100", text: text) == .init(samples: 100))
    }

    @Test(arguments: [
        ("evaluation.identifiability.samples=8", "evaluation.identifiability.samples", "from 16"),
        (
            "evaluation.identifiability.regressors=[kernel_rigde]", "evaluation.identifiability.regressors",
            "did you mean kernel_ridge?"
        ),
        ("evaluation.identifiability.regressors=[]", "evaluation.identifiability.regressors", "at least one"),
        ("evaluation.identifiability.regressors=linear", "evaluation.identifiability.regressors", "wanted a list"),
        (
            "evaluation.identifiability.regressor=[linear]", "evaluation.identifiability.regressor",
            "did you mean regressors?"
        ),
        ("evaluation.identifiability=5", "evaluation.identifiability", "wanted a block"),
        ("evaluation.identifability={samples: 64}", "evaluation.identifability", "did you mean identifiability?"),
    ])
    func reportsOneProblem(_ override: String, _ key: String, _ phrase: String) throws {
        let problems = ConfigurationExample.problems(Self.latent, overrides: [override])
        #expect(problems.count == 1 && problems[0].key == key && problems[0].reason.contains(phrase), "\(problems)")
    }

    @Test func rejectsIdentifiabilityWithoutLatentFactors() {
        let problems = ConfigurationExample.problems(
            ConfigurationExample.text, overrides: ["evaluation.identifiability={samples: 64}"])
        #expect(
            problems.count == 1 && problems[0].key == "evaluation.identifiability"
                && problems[0].reason.contains("does not know"), "\(problems)")
    }

    @Test func theBestCheckpointHasAMetricAndAGoal() throws {
        func train(_ keys: String) throws -> Configuration.Train {
            let text = ConfigurationExample.replacing("  steps: 1500", by: "  steps: 1500\n  \(keys)")
            let configuration = try Configuration.parse(text: text, name: "c.yaml")
            #expect(try Configuration.parse(text: configuration.resolvedYAML, name: "again") == configuration)
            return configuration.train
        }
        let usual = Configuration.Train.Best(metric: "retrieval.mean_reciprocal_rank", goal: .maximize)
        #expect(try train("best: {}").best == usual && train("log_every: 7").best == nil)
        #expect(try train("best: {metric: loss.mean}").best?.goal == .minimize)
        #expect(try train("best: {metric: own, goal: minimize}").best == .init(metric: "own", goal: .minimize))
        let early = try train("stop_early: {patience: 3, minimum_change: 0.5}")
        #expect(early.stopEarly == .init(patience: 3, minimumChange: 0.5) && early.best == usual)
        let both = try train("best: {metric: loss.mean}\n  stop_early: {patience: 3}")
        #expect(both.best?.metric == "loss.mean" && both.stopEarly?.minimumChange == 0)
        for (keys, problem) in [
            ("best: {metric: encodings.norm.first}", "goal: maximize or goal: minimize"),
            ("best: {metric: loss.mean, gaol: minimize}", "did you mean goal?"),
            ("best: {metric: probe.top1}", "evaluations during training have no probe"),
            ("best: {metric: identifiability.first.c.linear}", "OpenBLAS"),
            ("best: {}\n  evaluate_every: null", "train.best needs evaluations during training"),
            ("stop_early: {patience: 2}\n  evaluate_every: 0", "train.stop_early needs evaluations"),
            ("stop_early: {minimum_change: 1}", "is missing"),
            ("stop_early: {patience: 2, minimum_change: -1}", "wanted a number from 0"),
        ] {
            let text = ConfigurationExample.replacing("  steps: 1500", by: "  steps: 1500\n  \(keys)")
            let problems = ConfigurationExample.problems(text)
            #expect(problems.count == 1 && problems[0].description.contains(problem), "\(problems)")
        }
    }
}
