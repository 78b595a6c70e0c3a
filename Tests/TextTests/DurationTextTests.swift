import CoupletText
import Testing

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("90s", 90), ("45m", 2_700), ("3h55m", 14_100), ("1d2h", 93_600), ("0s", 0), ("1d2h3m4s", 93_784),
        ("2d1s", 172_801),
    ])
    func parsesDurations(text: String, seconds: Int) { #expect(DurationText.seconds(text) == seconds) }

    @Test(arguments: [
        "", "90", "s", "-1s", "1.5h", "3h 55m", "55m3h", "1h1h", "1H", "1w", "99999999999999999999s", "9999999999d",
        "1h30", "３h",
    ])
    func refusesOtherTexts(text: String) { #expect(DurationText.seconds(text) == nil) }

    @Test(arguments: [0, 1, 59, 60, 61, 3_599, 3_600, 86_399, 86_400, 14_100, 1_000_000])
    func writtenTextReadsBack(seconds: Int) { #expect(DurationText.seconds(DurationText.text(seconds)) == seconds) }

    @Test func usesTheLargestUnits() {
        #expect([14_100, 90, 93_600].map { DurationText.text($0) } == ["3h55m", "1m30s", "1d2h"])
        #expect(DurationText.text(.milliseconds(1)) == "1s")
        #expect(DurationText.text(.milliseconds(2_500)) == "3s")
    }

    @Test func clock() {
        #expect(
            [7, 59.6, 760, 3_599, 11_100, 187_200].map(DurationText.clock) == [
                "0:07", "1:00", "12:40", "59:59", "3:05:00", "2 d 4 h",
            ])
        #expect([-1, .nan, .infinity].map(DurationText.clock) == ["?", "?", "?"])
    }

    @Test func words() {
        #expect(
            [0.25, 7, 760, 11_100, 187_200].map(DurationText.words) == [
                "0.25 s", "7 s", "12 min 40 s", "3 h 5 min", "2 d 4 h",
            ])
        #expect([nil, -1, .nan].map(DurationText.words) == ["–", "–", "–"])
    }

    @Test func measured() {
        #expect([1.23456, 0.0123456, 0.0000123456].map(DurationText.measured) == ["1.235 s", "12.346 ms", "12.35 µs"])
    }
}
