import CoupletText

/// The horizontal axis of curves: what it measures, and its scale.
struct AxisChoice: Equatable, Sendable {
    enum Quantity: String, CaseIterable, Sendable {
        case step
        case time
    }

    var quantity: Quantity
    var isLogarithmic: Bool

    /// The axis of a page before the reader chooses another, and without a script.
    static let standard = AxisChoice(quantity: .step, isLogarithmic: false)

    /// The choice in the attributes of a page: "step", "step-log", "time", "time-log".
    var name: String { quantity.rawValue + (isLogarithmic ? "-log" : "") }
}

/// Curves of training: values over the step or over the wall time, linear or logarithmic. An SVG file shows them over
/// the step; a page lets the reader choose.
struct CurveFigure: Figure {
    /// A curve, with a value for each step.
    struct Curve: Sendable {
        var name: String
        var steps: [Double]
        /// Seconds of training at each step; NaN where they are not known.
        var times: [Double]
        var values: [Double]
        /// The lowest and the highest of the values whose mean is drawn; empty for a curve of single values.
        var lowest: [Double] = []
        var highest: [Double] = []
        var style = Series.Style.line
        var appearance: Series.Appearance
        var smooths = false
        /// Whether the legend has an entry of the curve.
        var isInLegend = true
    }

    var title: String
    var caption: String
    var y: Axis
    var curves: [Curve]

    var legend: [LegendEntry] { plot(.standard).legend }
    var summary: String { plot(.standard).summary }

    func draw(into drawing: inout Drawing, top: Double) -> Double { plot(.standard).draw(into: &drawing, top: top) }

    var alternatives: [AlternativeFigure] {
        let hasTimes = curves.contains { $0.times.contains(where: \.isFinite) }
        let quantities = hasTimes ? AxisChoice.Quantity.allCases : [.step]
        return quantities.flatMap { quantity in
            [false, true].map { AxisChoice(quantity: quantity, isLogarithmic: $0) }
        }.filter { $0 != .standard }.map { AlternativeFigure(choice: $0, figure: plot($0)) }
    }

    /// The plot over one of the axes.
    func plot(_ choice: AxisChoice) -> Plot {
        let unit = timeUnit
        let label = choice.quantity == .step ? "step" : "wall time of training, \(unit.name)"
        let series = curves.map { curve in
            let xs = choice.quantity == .step ? curve.steps : curve.times.map { $0 / unit.seconds }
            let envelope = zip(xs, zip(curve.lowest, curve.highest)).filter { $0.isFinite && $1.0.isFinite }
                .map { EnvelopePoint($0, low: $1.0, high: $1.1) }
            var series = Series(
                curve.name, zip(xs, curve.values).map { PlotPoint($0, $1) }, style: curve.style,
                appearance: curve.appearance, smooths: curve.smooths, envelope: envelope)
            series.isInLegend = curve.isInLegend
            return series
        }
        return Plot(
            title, caption: caption,
            x: Axis(label, scale: choice.isLogarithmic ? .logarithmic : .linear, includesZero: true), y: y,
            series: series)
    }

    /// The unit of the wall time: the largest of which the longest curve has at least two.
    private var timeUnit: (name: String, seconds: Double) {
        let longest = curves.flatMap(\.times).filter(\.isFinite).max() ?? 0
        return longest >= 7_200 ? ("hours", 3_600) : longest >= 120 ? ("minutes", 60) : ("seconds", 1)
    }
}
