import CoupletText
import Testing

@Suite struct MemorySizeTests {
    @Test(arguments: [
        ("0", 0), ("4096", 4_096), ("1_000", 1_000), ("7 B", 7), ("1 KiB", 1_024), ("256 MiB", 268_435_456),
        ("256MiB", 268_435_456),
        ("1.5 GiB", 1_610_612_736), ("0.5 KiB", 512),
    ])
    func parsesSizes(text: String, bytes: Int) { #expect(MemorySize.bytes(text) == bytes) }

    @Test(arguments: [
        "", "MiB", "-1", "-1 MiB", "1 MB", "1 mib", "one GiB", "1e3 KiB", "1.5", "9999999999999 GiB", "1 2 MiB",
        "1125899906842625", "1048577 GiB", "9223372036854775807",
    ])
    func refusesOtherTexts(text: String) { #expect(MemorySize.bytes(text) == nil) }

    @Test(arguments: [0, 1, 1_023, 1_024, 1_025, 3 << 20, 5 << 30, (1 << 40) + 1])
    func writtenTextReadsBack(bytes: Int) { #expect(MemorySize.bytes(MemorySize.text(bytes)) == bytes) }

    /// 10 times such a size does not fit an Int.
    @Test func hugeSizesAreRounded() {
        #expect(MemorySize.rounded(.max) == "8589934592 GiB")
        #expect(MemorySize.rounded(1 << 60) == "1073741824 GiB")
    }

    @Test func roundedToThreeDigits() {
        #expect(
            [5, 1_536, 300 << 20, 105_000_000].map(MemorySize.rounded) == ["5 B", "1.5 KiB", "300 MiB", "100 MiB"])
    }
}
