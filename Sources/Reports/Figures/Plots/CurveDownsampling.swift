/// Downsampling and smoothing of long curves.
package enum CurveDownsampling {
    /// Keeps the lowest and the highest point of each column of the drawing, and the first and the last point of the
    /// curve. The drawing looks the same. A curve with at most two points per column is returned unchanged.
    /// - Parameters:
    ///   - points: Points with ascending x, in units of the drawing.
    ///   - width: The width of a column.
    package static func downsampled(_ points: [(x: Double, y: Double)], columnWidth width: Double = 1) -> [(
        x: Double, y: Double
    )] {
        guard let first = points.first, let last = points.last,
            Double(points.count) > 2 * (abs(last.x - first.x) / width + 2)
        else {
            return points
        }
        var indices = [0]
        var start = 0
        while start < points.count {
            let column = (points[start].x / width).rounded(.down)
            var end = start, low = start, high = start
            while end < points.count, (points[end].x / width).rounded(.down) == column {
                if points[end].y < points[low].y { low = end }
                if points[end].y > points[high].y { high = end }
                end += 1
            }
            for index in low < high ? [low, high] : [high, low] where index != indices.last { indices.append(index) }
            start = end
        }
        if indices.last != points.count - 1 { indices.append(points.count - 1) }
        return indices.map { points[$0] }
    }

    /// The centred moving average of the finite values over `window` values, at each of `indices`. Near the ends the
    /// window shrinks to the values that exist on both sides.
    package static func movingAverage(_ values: [Double], window: Int, at indices: [Int]) -> [Double] {
        indices.map { i in
            let half = min(window / 2, i, values.count - 1 - i)
            let near = values[(i - half)...(i + half)].filter(\.isFinite)
            return near.isEmpty ? .nan : near.reduce(0, +) / Double(near.count)
        }
    }

    /// The window of the moving average for a noisy curve; 1 for a short or smooth curve.
    ///
    /// A curve is noisy if its total variation exceeds six times its range.
    package static func smoothingWindow(for values: [Double]) -> Int {
        let finite = values.filter(\.isFinite)
        guard finite.count >= 60, let low = finite.min(), let high = finite.max(), high > low else { return 1 }
        let totalVariation = zip(finite, finite.dropFirst()).reduce(0) { $0 + abs($1.1 - $1.0) }
        let window = max(5, finite.count / 40) | 1
        return totalVariation > 6 * (high - low) ? window : 1
    }
}
