import CoupletText
import Testing

@Suite struct NearestNamesTests {
    @Test func distanceCountsEdits() {
        #expect(NearestNames.distance("first", "frist") == 1)
        #expect(NearestNames.distance("kitten", "Sitting") == 3)
        #expect(NearestNames.distance("", "abc") == 3)
    }

    @Test func guessesSimilarNamesOnly() {
        let names = ["learning_rate", "weight_decay", "log_every"]
        #expect(NearestNames.guess("learning_rte", among: names) == "learning_rate")
        #expect(NearestNames.guess("log_evry", among: names) == "log_every")
        #expect(NearestNames.guess("margin", among: names) == nil)
    }

    @Test func sortsByDistanceThenName() {
        #expect(NearestNames.sorted(["b", "second", "a", "first"], nearest: "frst") == ["first", "a", "b", "second"])
    }
}
