import CoupletReports
import Foundation
import Testing

@Suite struct ContourLinesTests {
    private static func lines(
        _ count: Int, level: Double, of function: (Double, Double) -> Double
    ) -> [[(x: Double, y: Double)]] {
        let values = (0...count).flatMap { row in
            (0...count).map { function(Double($0) / Double(count), Double(row) / Double(count)) }
        }
        return ContourLines(values, rows: count + 1, columns: count + 1, level: level).lines.map { line in
            line.map { ($0.x / Double(count), $0.y / Double(count)) }
        }
    }

    /// Linear interpolation is exact for a linear function.
    @Test func aPlaneHasAStraightLine() throws {
        let lines = Self.lines(10, level: 0.43) { 0.8 * $0 + 0.3 * $1 }
        try #require(lines.count == 1)
        #expect(lines[0].allSatisfy { abs(0.8 * $0.x + 0.3 * $0.y - 0.43) <= 1e-12 })
        let ends = [lines[0][0], lines[0][lines[0].count - 1]].sorted { $0.y < $1.y }
        #expect(abs(ends[0].x - 0.43 / 0.8) <= 1e-12 && ends[0].y == 0)
        #expect(abs(ends[1].x - 0.13 / 0.8) <= 1e-12 && ends[1].y == 1)
    }

    /// The error of a circle's points is that of linear interpolation, at most h²/8 · 2 in the function.
    @Test func aCircleIsOneClosedLine() throws {
        let lines = Self.lines(40, level: 0.09) { ($0 - 0.5) * ($0 - 0.5) + ($1 - 0.5) * ($1 - 0.5) }
        try #require(lines.count == 1)
        let circle = lines[0]
        #expect(circle.first?.x == circle.last?.x && circle.first?.y == circle.last?.y)
        for point in circle {
            let square = (point.x - 0.5) * (point.x - 0.5) + (point.y - 0.5) * (point.y - 0.5)
            #expect(square <= 0.09 + 1e-12 && square >= 0.09 - 0.25 / 1600 - 1e-12)
        }
        let length = zip(circle, circle.dropFirst()).reduce(0) { $0 + hypot($1.1.x - $1.0.x, $1.1.y - $1.0.y) }
        #expect(abs(length - 2 * Double.pi * 0.3) <= 0.002)
    }

    @Test func wavesHaveALineForEachCrossing() {
        // sin(2πx) = ½ at x = 1/12 and 5/12.
        let lines = Self.lines(60, level: 0.5) { x, _ in sin(2 * Double.pi * x) }
        #expect(lines.count == 2)
        let places = lines.map { $0[0].x }.sorted()
        #expect(abs(places[0] - 1.0 / 12) <= 2e-4 && abs(places[1] - 5.0 / 12) <= 2e-4)
        #expect(lines.allSatisfy { line in line.count == 61 && line.allSatisfy { abs($0.x - line[0].x) <= 1e-12 } })
    }

    /// In the middle of a saddle the mean of the corners decides which corners are connected.
    @Test func aSaddleHasTwoLinesThatDoNotCross() throws {
        for (corner, level) in [(1.0, 0.4), (1.0, 0.6)] {
            let lines = ContourLines([corner, 0, 0, corner], rows: 2, columns: 2, level: level).lines
            try #require(lines.count == 2 && lines.allSatisfy { $0.count == 2 })
            // Below the mean, ½, the high corners (0, 0) and (1, 1) are connected, so the lines cut off the others.
            let cutsOffHighCorners = lines.contains { line in line.allSatisfy { $0.x + $0.y < 0.999 } }
            #expect(cutsOffHighCorners == (level > 0.5))
        }
    }

    @Test func everyCrossedEdgeIsOnOneLine() {
        // Values without order. Each edge with ends on two sides of the level has one point, and closed lines one more.
        let count = 13
        var state: UInt64 = 7
        let values = (0..<count * count).map { _ -> Double in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 40) / Double(1 << 24)
        }
        let lines = ContourLines(values, rows: count, columns: count, level: 0.5).lines
        var crossed = 0
        for row in 0..<count {
            for column in 0..<count {
                let isAbove = values[row * count + column] >= 0.5
                if column + 1 < count, isAbove != (values[row * count + column + 1] >= 0.5) { crossed += 1 }
                if row + 1 < count, isAbove != (values[(row + 1) * count + column] >= 0.5) { crossed += 1 }
            }
        }
        let closed = lines.count { $0.count > 2 && $0[0].x == $0[$0.count - 1].x && $0[0].y == $0[$0.count - 1].y }
        #expect(lines.reduce(0) { $0 + $1.count } - closed == crossed && crossed > 100)
        // The other lines begin and end at the border.
        let open = lines.filter { $0[0].x != $0[$0.count - 1].x || $0[0].y != $0[$0.count - 1].y }
        let border = Double(count - 1)
        for line in open {
            for end in [line[0], line[line.count - 1]] {
                #expect(end.x == 0 || end.y == 0 || end.x == border || end.y == border)
            }
        }
    }
}
