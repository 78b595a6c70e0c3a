import CoupletNetworks
import CoupletSchema
import CoupletTraining
import Testing

/// Configs with kinds of a program of one's own, read with and without its registry.
@Suite struct ConfigurationRegistryTests {
    private static let text = """
        data: {source: noisy, noise: 0.25}
        encoders:
          embedding: 3
          first: {kind: normalised, width: 5}
          second: {kind: linear}
        objective: {loss: margin, margin: 0.2, similarity: cosine, temperature: {initial: 0.1, learned: true}}
        batch: {size: 64}
        optimizer: {kind: lion, beta1: 0.9, learning_rate: 0.01}
        evaluation: {metrics: [alignment, {pair_cosine: {threshold: 0.8}}]}
        train: {steps: 10}

        """

    private func problems(_ text: String, _ registry: Registry) -> [String] {
        do {
            _ = try Configuration.parse(text: text, name: "c.yaml", registry: registry)
            return []
        } catch { return "\(error)".split(separator: "\n").map(String.init) }
    }

    /// One problem a kind. The keys of a kind that the program lacks are no problems of their own.
    @Test func aKindThatTheProgramLacksIsOneProblem() {
        let all = problems(Self.text, .builtIn)
        let expected = [
            ("c.yaml:1:16: data.source: no source is called \"noisy\"", "gaussian, latent"),
            ("c.yaml:4:17: encoders.first.kind: no encoder is called \"normalised\"", "linear, mlp"),
            ("c.yaml:6:19: objective.loss: no loss is called \"margin\"", "conditional"),
            ("c.yaml:8:19: optimizer.kind: no optimizer is called \"lion\"", "sgd, adam, adamw, lars, lamb"),
            ("evaluation.metrics: no metric is called \"pair_cosine\"", "alignment, uniformity"),
        ]
        #expect(all.count == expected.count, "\(all)")
        for (problem, (text, names)) in zip(all, expected) {
            #expect(problem.contains(text) && problem.contains(names), "\(problem)")
        }
        // The registry of the tests has two of them.
        let rest = problems(Self.text, TrainedRuns.registry)
        #expect(rest.count == 3 && rest[0].contains("objective.loss"), "\(rest)")
        // The other keys of the blocks are read: a wrong one is still found.
        let wrong = problems(Self.text.replacing("learning_rate: 0.01", with: "learning_rate: -1"), .builtIn)
        #expect(wrong.count == 6 && wrong.contains { $0.contains("optimizer.learning_rate: wanted") }, "\(wrong)")
    }

    @Test func aKnownKindIsReadAndWritten() throws {
        let text = Self.text
            .replacing("loss: margin, margin: 0.2", with: "loss: conditional")
            .replacing("kind: lion, beta1: 0.9", with: "kind: adam")
            .replacing("alignment, {pair_cosine: {threshold: 0.8}}", with: "alignment")
        let configuration = try Configuration.parse(text: text, name: "c.yaml", registry: TrainedRuns.registry)
        #expect(configuration.encoders.first.architecture.isEqual(to: NormalisedEncoder(width: 5)))
        #expect(configuration.source.kind.isEqual(to: NoisyPairs(noise: 0.25)))
        let again = try Configuration.parse(
            text: configuration.resolvedYAML, name: "resolved", registry: TrainedRuns.registry)
        #expect(again == configuration)
        // A key of another kind.
        let wrong = problems(
            text.replacing("width: 5", with: "widths: [5]"), TrainedRuns.registry)
        #expect(
            wrong.count == 1 && wrong[0].contains("encoders.first.widths") && wrong[0].contains("normalised"),
            "\(wrong)")
    }

    /// An encoder with the name of one of Couplet's.
    private struct SecondLinear: EncoderArchitecture {
        static let name = "linear"
        static let table = ConfigurationTable(SecondLinear(), [])
        func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] { [] }
    }

    @Test func aKindWithTheNameOfABuiltInOneEndsTheProgram() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Registry.builtIn.adding(SecondLinear.self)
        }
        let errors = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(errors.contains("two kinds of encoder are called linear"), "\(errors)")
        // A kind of another category may have the name.
        let kinds = Registry.builtIn.adding(NoisyPairs.self).kinds(of: .source)
        #expect(kinds.last?.name == "noisy")
    }
}
