import CoupletReports
import TestSupport
import Testing

@Suite struct ParallelCoordinatesTests {
    @Test func linesAreRankedByFifths() {
        let axes = [Axis("rate", scale: .logarithmic), Axis("loss", categories: ["a", "b"]), Axis("error")]
        let lines = (0..<10).map { (index: Int) -> ParallelCoordinates.Line in
            let values: [Double] = [0.01 * Double(index + 1), Double(index % 2), Double((index * 3) % 10)]
            return ParallelCoordinates.Line("trial \(index)", values)
        }
        let figure = ParallelCoordinates(
            "all", axes: axes, lines: lines + [.init("broken", [0.1, 0, .nan])], lowIsBetter: true)
        // Each fifth has two lines. The metrics are 0, 3, 6, 9, 2, 5, 8, 1, 4, 7.
        #expect(figure.ranks == [4, 3, 1, 0, 3, 2, 0, 4, 2, 1, nil])
        let markup = ParsedMarkup(figure.svg)
        #expect(markup.problem == nil && markup.all("path", class: "path").count == 10 + 5)
    }

    /// A key that does not apply to a trial leaves a gap.
    @Test func lineBreaksWhereAValueIsMissing() throws {
        let axes = ["a", "b", "c", "d"].map { Axis($0) }
        let figure = ParallelCoordinates(
            "all", axes: axes, lines: [.init("whole", [1, 2, 3, 4]), .init("gap", [1, .nan, 3, 5])], lowIsBetter: true)
        let paths = ParsedMarkup(figure.svg).all("path", class: "path").compactMap { $0.attributes["d"] }
        #expect(paths.filter { $0.count { $0 == "M" } == 1 }.count >= 1)
        let gap = try #require(paths.first { $0.count { $0 == "M" } == 2 })
        #expect(gap.contains("h0"), "the value before the gap has no mark: \(gap)")
    }
}
