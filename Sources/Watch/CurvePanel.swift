import CoupletText
import Foundation

/// A curve in a rectangle of a terminal: the name and the last value above it, the largest and the smallest value at
/// the left, the first and the last step below.
struct CurvePanel {
    /// A named sequence of values over steps.
    struct Curve {
        let name: String
        let steps: [Double]
        /// One a step; those that are not finite leave a gap.
        let values: [Double]

        /// Whether there is something to draw.
        var isEmpty: Bool { !values.contains(where: \.isFinite) }
    }

    static let smallestHeight = 5
    static let smallestWidth = 24
    private static let labelWidth = 9

    let curve: Curve
    let width: Int, height: Int
    let style: DotCanvas.Style

    /// `height` lines of `width` columns.
    var lines: [String] {
        let finite = curve.values.filter(\.isFinite)
        guard let low = finite.min(), let high = finite.max(), let first = curve.steps.first,
            let last = curve.steps.last
        else { return (0..<height).map { _ in Self.fitted("", width) } }
        let plotWidth = width - Self.labelWidth - 1, plotHeight = height - 2
        var canvas = DotCanvas(columns: plotWidth, rows: plotHeight, style: style)
        draw(on: &canvas, x: (first, last), y: (low, high))
        let title = "\(curve.name)  \(Self.label(finite.last ?? .nan))"
        let edge = style == .braille ? "│" : "|"
        let plot = canvas.rows.enumerated().map { row, dots in
            let label =
                row == 0 ? Self.label(high) : row == plotHeight - 1 && high > low ? Self.label(low) : ""
            return Self.right(label, Self.labelWidth) + edge + dots
        }
        let ends = (String(Int(first)), String(Int(last)))
        let dash = style == .braille ? "─" : "-", corner = style == .braille ? "└" : "+"
        let gap = plotWidth - ends.0.count - ends.1.count - 2
        let axis = gap > 0 ? " \(ends.0)\(String(repeating: dash, count: gap))\(ends.1)" : " \(ends.1)"
        let bottom = Self.right("step", Self.labelWidth) + corner + axis
        return ([title] + plot + [bottom]).map { Self.fitted($0, width) }
    }

    private func draw(
        on canvas: inout DotCanvas, x: (low: Double, high: Double), y: (low: Double, high: Double)
    ) {
        func position(_ value: Double, _ range: (low: Double, high: Double), _ count: Int) -> Int {
            // A curve without any change runs through the middle.
            let share = range.high > range.low ? (value - range.low) / (range.high - range.low) : 0.5
            return share.isFinite ? Int((share * Double(count - 1)).rounded()) : 0
        }
        var previous: (x: Int, y: Int)?
        for (step, value) in zip(curve.steps, curve.values) {
            guard value.isFinite else {
                previous = nil
                continue
            }
            let dot = (
                x: position(step, x, canvas.width), y: canvas.height - 1 - position(value, y, canvas.height)
            )
            canvas.line(from: previous ?? dot, to: dot)
            previous = dot
        }
    }

    /// A number in at most nine columns: "6.781", "1.044e+06".
    static func label(_ value: Double) -> String {
        abs(value) < 1e6 && value == value.rounded() ? String(Int(value)) : String(format: "%.4g", value)
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    /// The text cut or filled to the width.
    static func fitted(_ text: String, _ width: Int) -> String {
        text.count > width ? String(text.prefix(width)) : text + String(repeating: " ", count: width - text.count)
    }
}
