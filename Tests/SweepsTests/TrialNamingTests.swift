import CoupletSweeps
import Testing

@Suite struct TrialNamingTests {
    @Test func keysKeepTheWordsThatDistinguishThemFromAllKeys() {
        #expect(TrialNaming.shortened(["objective.temperature.initial"]) == ["temperature.initial"])
        #expect(TrialNaming.shortened(["optimizer.learning_rate", "seed"]) == ["learning_rate", "seed"])
        #expect(TrialNaming.shortened(["optimizer.kind", "encoders.first.kind"]) == ["optimizer.kind", "first.kind"])
        #expect(TrialNaming.shortened(["objective.temperature"]) == ["temperature"])
        // A user's key, which no config of Couplet has.
        #expect(TrialNaming.shortened(["objective.margin"]) == ["margin"])
    }
}
