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
                "evaluation: {pairs: null, parameters: current, identifiability: "
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
}
