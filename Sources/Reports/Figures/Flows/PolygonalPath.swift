/// Operations on paths of straight segments.
package enum PolygonalPath {
    package typealias Point = (x: Double, y: Double)

    /// Cuts a path at the sides of the squares [i, i + 1] × [j, j + 1], and moves each piece into the unit square:
    /// the way of a drifter on a periodic domain.
    package static func wrapped(_ path: [Point]) -> [[Point]] {
        var pieces: [[Point]] = []
        for (start, end) in zip(path, path.dropFirst()) {
            // The fractions of the segment at which it crosses a side, with both ends.
            let fractions =
                ([0, 1] + crossings(from: start.x, to: end.x) + crossings(from: start.y, to: end.y)).sorted()
            for (low, high) in zip(fractions, fractions.dropFirst()) where high > low {
                let a = point(start, end, low), b = point(start, end, high)
                let (column, row) = (((a.x + b.x) / 2).rounded(.down), ((a.y + b.y) / 2).rounded(.down))
                let piece = [(x: a.x - column, y: a.y - row), (x: b.x - column, y: b.y - row)]
                if let last = pieces.last?.last, abs(last.x - piece[0].x) + abs(last.y - piece[0].y) < 1e-9 {
                    pieces[pieces.count - 1].append(piece[1])
                } else {
                    pieces.append(piece)
                }
            }
        }
        return pieces
    }

    /// Moves a point into the unit square.
    package static func wrapped(_ point: Point) -> Point {
        (point.x - point.x.rounded(.down), point.y - point.y.rounded(.down))
    }

    private static func crossings(from start: Double, to end: Double) -> [Double] {
        guard start != end else { return [] }
        let first = min(start, end).rounded(.down) + 1, last = max(start, end).rounded(.up) - 1
        return stride(from: first, through: last, by: 1).map { ($0 - start) / (end - start) }
    }

    private static func point(_ start: Point, _ end: Point, _ fraction: Double) -> Point {
        if fraction == 0 { return start }
        if fraction == 1 { return end }
        return (start.x + fraction * (end.x - start.x), start.y + fraction * (end.y - start.y))
    }

    /// Leaves out points that lie within a distance of the line through those that stay (Douglas and Peucker,
    /// *Algorithms for the Reduction of the Number of Points*, Cartographica 1973).
    package static func simplified(_ path: [Point], tolerance: Double) -> [Point] {
        guard path.count > 2 else { return path }
        var isKept = [Bool](repeating: false, count: path.count)
        (isKept[0], isKept[path.count - 1]) = (true, true)
        var open = [(0, path.count - 1)]
        while let (first, last) = open.popLast() {
            var farthest = first, distance = tolerance
            for index in first + 1..<max(last, first + 1) {
                let own = Self.distance(path[index], from: path[first], path[last])
                if own > distance { (farthest, distance) = (index, own) }
            }
            guard farthest > first else { continue }
            isKept[farthest] = true
            open += [(first, farthest), (farthest, last)]
        }
        return path.indices.filter { isKept[$0] }.map { path[$0] }
    }

    /// The distance of a point from a segment.
    private static func distance(_ point: Point, from start: Point, _ end: Point) -> Double {
        let (dx, dy) = (end.x - start.x, end.y - start.y), length = dx * dx + dy * dy
        let along = length == 0 ? 0 : ((point.x - start.x) * dx + (point.y - start.y) * dy) / length
        let fraction = min(1, max(0, along))
        let (x, y) = (point.x - start.x - fraction * dx, point.y - start.y - fraction * dy)
        return (x * x + y * y).squareRoot()
    }
}
