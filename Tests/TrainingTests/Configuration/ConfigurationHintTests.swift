import CoupletTraining
import Testing

@Suite struct ConfigurationHintTests {
    private static func hints(_ overrides: String...) throws -> [String] {
        try Configuration.parse(text: ConfigurationExample.text, name: "c.yaml", overrides: overrides).hints
    }

    private static func keys(_ hints: [String]) -> [String] { hints.map { String($0.prefix { $0 != ":" }) } }

    @Test func aConfigOfDefaultsHasNone() throws {
        #expect(try Self.hints() == [])
        #expect(try Self.hints("objective={similarity: cosine}", "optimizer={kind: adamw, weight_decay: 0.1}") == [])
    }

    /// 1 / (1 + 2047 e⁻²) = 0.36 %
    @Test func flatCosines() throws {
        let fixed = try Self.hints("objective={similarity: cosine, temperature: 1}")
        #expect(
            Self.keys(fixed) == ["objective.temperature"] && fixed[0].contains("at 1 no pair can have more than 0.4 %"))
        #expect(try Self.hints("objective={similarity: cosine, temperature: 0.2}") == [])
    }

    /// Encoders of one layer have no hidden features, so their law is not remarked on.
    @Test func largeWeights() throws {
        let law = "initialization={law: he_uniform}", deep = "encoders.second={kind: mlp, widths: [5]}"
        #expect(try Self.hints("encoders.\(law)") == [])
        #expect(Self.keys(try Self.hints("encoders.\(law)", deep)) == ["encoders.initialization"])
        #expect(Self.keys(try Self.hints(deep, "encoders.second.\(law)")) == ["encoders.second.initialization"])
        #expect(try Self.hints(deep, "encoders.initialization={law: he_uniform, gain: 0.4}") == [])
    }

    @Test func weightDecay() throws {
        #expect(
            Self.keys(try Self.hints("optimizer={weight_decay: 0.1, weight_decay_on: all}")) == [
                "optimizer.weight_decay", "optimizer.weight_decay_on",
            ])
        #expect(try Self.hints("optimizer={weight_decay_on: all}") == [])
    }

    /// Captions of one picture in one batch that count as wrong answers to one another.
    @Test func captionsAsNegatives() throws {
        #expect(Self.keys(try Self.hints("batch.second_per_first=4")) == ["batch.second_per_first"])
        #expect(try Self.hints("batch.second_per_first=4", "objective.groups=positives") == [])
        #expect(try Self.hints("batch.second_per_first=1") == [])
    }
}
