import CoupletPairs
import CoupletTraining
import Testing

@Suite struct ConfigurationDataTests {
    static func config(_ data: String) -> String {
        """
        data: \(data)
        encoders: {embedding: 5, first: {kind: mlp, widths: [8]}, second: {kind: mlp, widths: [8]}}
        batch: {size: 64}
        train: {steps: 1}

        """
    }

    private func source(_ data: String) throws -> SourceSpecification {
        try Configuration.parse(text: Self.config(data), name: "c.yaml").source
    }

    @Test func readsTheKeysOfLatentSources() throws {
        #expect(try source("{source: latent}") == .latent(.init()))
        #expect(
            try source("{source: latent}")
                == source(
                    "{source: latent, content: 5, style: 5, modality: 5, style_change: 1.0, "
                        + "statistical_dependence: false, causal_dependence: false, "
                        + "mixing_layers: 3, shared_mixing: false}"
                ))
        #expect(
            try source(
                "{source: latent, content: 4, style: 0, modality: 2, style_change: 0.75, "
                    + "statistical_dependence: true, causal_dependence: true, "
                    + "mixing_layers: 2, shared_mixing: true}"
            )
                == .latent(
                    .init(
                        content: 4, style: 0, modality: 2, styleChange: 0.75, statisticalDependence: true,
                        causalDependence: true, mixingLayers: 2,
                        sharedMixing: true)))
    }

    @Test(arguments: [
        ("content: 0", "data.content", "whole number from 1 to 128"), ("style: -1", "data.style", "from 0"),
        ("modality: 2.5", "data.modality", "whole number"),
        ("style_change: 1.01", "data.style_change", "a number from 0 to 1"),
        ("style_change: -0.1", "data.style_change", "a number from 0 to 1"),
        ("style_change: often", "data.style_change", "\"often\""), ("mixing_layers: 0", "data.mixing_layers", "from 1"),
        ("shared_mixing: 1", "data.shared_mixing", "true or false"),
        ("causal_dependence: yes", "data.causal_dependence", "true or false"),
        ("content: 122, style: 4, modality: 3", "data.content", "at most 128 components"),
        ("stile: 4", "data.stile", "did you mean style?"),
        ("statistical_dependance: true", "data.statistical_dependance", "did you mean statistical_dependence?"),
        ("dimensions: [3, 3]", "data.dimensions", "the source latent does not have it; only gaussian has it"),
        ("per_class: 3", "data.per_class", "of no use"),
    ]) func reportsOneProblem(keys: String, key: String, phrase: String) throws {
        let problems = ConfigurationExample.problems(Self.config("{source: latent, \(keys)}"))
        #expect(
            problems.count == 1 && problems.first?.key == key && problems.first?.reason.contains(phrase) == true,
            "\(problems)")
    }
}
