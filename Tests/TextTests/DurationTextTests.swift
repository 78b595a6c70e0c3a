import CoupletText
import Testing

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("90s", 90), ("45m", 2_700), ("3h55m", 14_100), ("1d2h", 93_600), ("0s", 0), ("1d2h3m4s", 93_784),
        ("2d1s", 172_801),
    ])
    func whatIsADuration(text: String, seconds: Int) { #expect(DurationText.seconds(text) == seconds) }

    @Test(arguments: [
        "", "90", "s", "-1s", "1.5h", "3h 55m", "55m3h", "1h1h", "1H", "1w", "99999999999999999999s", "9999999999d",
        "1h30", "３h",
    ])
    func whatIsNone(text: String) { #expect(DurationText.seconds(text) == nil) }

    @Test(arguments: [0, 1, 59, 60, 61, 3_599, 3_600, 86_399, 86_400, 14_100, 1_000_000])
    func whatIsWrittenIsReadBack(seconds: Int) { #expect(DurationText.seconds(DurationText.text(seconds)) == seconds) }

    @Test func isWrittenInTheLargestUnits() {
        #expect([14_100, 90, 93_600].map { DurationText.text($0) } == ["3h55m", "1m30s", "1d2h"])
        #expect(DurationText.text(.milliseconds(1)) == "1s")
        #expect(DurationText.text(.milliseconds(2_500)) == "3s")
    }
}
