import CoupletTraining
import Testing

@Suite struct MemoryShortageTests {
    /// A process as it describes itself to the others.
    private func need(_ host: String, _ needed: Int, free: Int, group: Int? = nil, taken: Int = 0) throws
        -> ProcessMemoryNeed
    {
        let bounds =
            ["machine \(free) free on \(host)"] + (group.map { ["controlGroup \($0) left of the limit"] } ?? [])
        let text = ([host, "\(needed)", "\(taken)", "activations", "parts"] + bounds).joined(separator: "\n")
        let need = try #require(ProcessMemoryNeed(text: text))
        #expect(need.text == text)
        return need
    }

    private func error(_ needs: [ProcessMemoryNeed]) -> String {
        do {
            try ProcessMemoryNeed.check(needs)
            return ""
        } catch { return "\(error)" }
    }

    @Test func ranksOfAHostAreAddedUp() throws {
        let gibibyte = 1 << 30
        let a = try need("n1", 6 * gibibyte, free: 10 * gibibyte), b = try need("n2", 6 * gibibyte, free: 10 * gibibyte)
        #expect(error([a, b]) == "")
        let both = error([a, b, a])
        #expect(both.contains("ranks 0, 2 on n1 together") && both.contains("12.0 GiB") && both.contains("10.0 GiB"))
        #expect(both.contains("batch.activations"), "\(both)")
    }

    @Test func whatIsTakenIsNotNeededAgain() throws {
        let a = try need("n1", 6, free: 10, taken: 1)
        #expect(error([a, a]) == "")
        #expect(error([a, a, a]) != "")
    }

    @Test func aLimitOfTheJobCountsAsWell() throws {
        let a = try need("n1", 6, free: 100, group: 11)
        #expect(error([a, a]).contains("left of the limit"))
        #expect(ProcessMemoryNeed(text: "n1\nmany") == nil)
    }
}
