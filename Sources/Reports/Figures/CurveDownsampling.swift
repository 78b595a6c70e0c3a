/// Long curves made short without a change that can be seen.
package enum CurveDownsampling {
    /// Of all points that share a column of the drawing, the lowest and the highest, in their order; the first and the last of the
    /// curve stay too. Curves of at most two points a column stay as they are.
    /// - Parameters:
    ///   - points: with x ascending, in units of the drawing.
    ///   - width: of a column.
    package static func thinned(_ points: [(x: Double, y: Double)], columnWidth width: Double = 1) -> [(
        x: Double, y: Double
    )] {
        guard let first = points.first, let last = points.last,
            Double(points.count) > 2 * (abs(last.x - first.x) / width + 2)
        else {
            return points
        }
        var kept = [0]
        var start = 0
        while start < points.count {
            let column = (points[start].x / width).rounded(.down)
            var end = start, low = start, high = start
            while end < points.count, (points[end].x / width).rounded(.down) == column {
                if points[end].y < points[low].y { low = end }
                if points[end].y > points[high].y { high = end }
                end += 1
            }
            for index in low < high ? [low, high] : [high, low] where index != kept.last { kept.append(index) }
            start = end
        }
        if kept.last != points.count - 1 { kept.append(points.count - 1) }
        return kept.map { points[$0] }
    }

    /// At each of `indices` the mean over `window` neighbours, itself in their midst; towards the ends over as many as there are on both
    /// sides. What is not finite counts in no mean.
    package static func movingMean(_ values: [Double], window: Int, at indices: [Int]) -> [Double] {
        indices.map { i in
            let half = min(window / 2, i, values.count - 1 - i)
            let near = values[(i - half)...(i + half)].filter(\.isFinite)
            return near.isEmpty ? .nan : near.reduce(0, +) / Double(near.count)
        }
    }

    /// Over how many points a noisy curve is best averaged; 1 where it is short or smooth enough as it is: where the steps from point to
    /// point add up to little more than the way the curve makes.
    package static func window(for values: [Double]) -> Int {
        let finite = values.filter(\.isFinite)
        guard finite.count >= 60, let low = finite.min(), let high = finite.max(), high > low else { return 1 }
        let travelled = zip(finite, finite.dropFirst()).reduce(0) { $0 + abs($1.1 - $1.0) }
        let window = max(5, finite.count / 40) | 1
        return travelled > 6 * (high - low) ? window : 1
    }
}
