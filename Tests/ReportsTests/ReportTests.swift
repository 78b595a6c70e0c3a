import Reports
import Testing

@Test func aReportKeepsTheOrderOfItsFolders() {
    #expect(Report(folders: ["b", "a"]).folders == ["b", "a"])
}
