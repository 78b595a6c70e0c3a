import CoupletReports
import Testing

@Suite struct PolygonalPathTests {
    @Test func aPathIsCutWhereItLeavesTheSquare() throws {
        // From (0.8, 0.5) by (0.6, 0.3): it leaves at x = 1, where y = 0.6.
        let pieces = PolygonalPath.wrapped([(0.5, 0.5), (0.8, 0.5), (1.4, 0.8)])
        try #require(pieces.count == 2)
        #expect(pieces[0].map(\.x) == [0.5, 0.8, 1] && pieces[1].count == 2)
        #expect(abs(pieces[0][2].y - 0.6) <= 1e-12)
        #expect(abs(pieces[1][0].x) <= 1e-12 && abs(pieces[1][0].y - 0.6) <= 1e-12)
        #expect(abs(pieces[1][1].x - 0.4) <= 1e-12 && abs(pieces[1][1].y - 0.8) <= 1e-12)
    }

    /// Points along wrapped pieces are those along the path, moved by whole numbers.
    @Test func piecesLieInTheSquareAndHaveTheLengthOfThePath() {
        let path: [PolygonalPath.Point] = [(0.1, 0.9), (-1.35, 1.2), (2.6, -0.7), (2.6, -3.1), (2.6, -3.1), (3, -3)]
        let pieces = PolygonalPath.wrapped(path)
        func length(_ points: [PolygonalPath.Point]) -> Double {
            zip(points, points.dropFirst()).reduce(0) {
                $0 + (($1.1.x - $1.0.x) * ($1.1.x - $1.0.x) + ($1.1.y - $1.0.y) * ($1.1.y - $1.0.y)).squareRoot()
            }
        }
        #expect(abs(pieces.reduce(0) { $0 + length($1) } - length(path)) <= 1e-9)
        for point in pieces.joined() {
            #expect(point.x >= -1e-9 && point.x <= 1 + 1e-9 && point.y >= -1e-9 && point.y <= 1 + 1e-9)
        }
        #expect(PolygonalPath.wrapped((-0.25, 3.5)) == (0.75, 0.5))
        #expect(PolygonalPath.wrapped([(x: 0.5, y: 0.5)]).isEmpty)
    }

    @Test func pointsNearALineAreLeftOut() {
        let wave = (0...200).map { k -> PolygonalPath.Point in
            let x = Double(k) / 200
            return (x, x * (1 - x))
        }
        let short = PolygonalPath.simplified(wave, tolerance: 0.001)
        #expect(short.count < 30 && short.first! == wave.first! && short.last! == wave.last!)
        // Each point of the path is within the tolerance of the polygon.
        for point in wave {
            let distance = zip(short, short.dropFirst()).map { start, end -> Double in
                let (dx, dy) = (end.x - start.x, end.y - start.y)
                let along = ((point.x - start.x) * dx + (point.y - start.y) * dy) / (dx * dx + dy * dy)
                let fraction = min(1, max(0, along))
                let (x, y) = (point.x - start.x - fraction * dx, point.y - start.y - fraction * dy)
                return (x * x + y * y).squareRoot()
            }.min()
            #expect((distance ?? 1) <= 0.001 + 1e-12)
        }
        let straight = (0...9).map { (x: Double($0), y: 2.0 * Double($0)) }
        #expect(PolygonalPath.simplified(straight, tolerance: 1e-9).count == 2)
        // A closed path keeps its farthest point.
        let triangle: [PolygonalPath.Point] = [(0, 0), (1, 0), (1, 1), (0, 0)]
        #expect(PolygonalPath.simplified(triangle, tolerance: 0.01).count == 4)
    }
}
