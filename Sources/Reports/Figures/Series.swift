/// A point of a series.
public struct PlotPoint: Equatable, Sendable {
    public var x: Double
    public var y: Double
    /// How far y may be off, up and down: drawn as an error bar where positive.
    public var deviation: Double
    /// What shows under the pointer before the values.
    public var label: String

    public init(_ x: Double, _ y: Double, deviation: Double = 0, label: String = "") {
        self.x = x
        self.y = y
        self.deviation = deviation
        self.label = label
    }
}

/// Points that belong together: one colour, one entry of the legend.
public struct Series: Sendable {
    public enum Style: Sendable {
        case line
        case markers
        case markedLine
        /// Small and pale: the single values behind a mean.
        case dots
    }

    /// Which colour, dash and mark.
    public enum Look: Equatable, Sendable {
        /// The i-th of those that are told apart.
        case numbered(Int)
        /// In grey.
        case neutral
        /// Thin, grey and behind the others, without an entry in the legend: one of many.
        case quiet
    }

    public var name: String
    /// In the order in which a line connects them; where x or y is not finite, the line breaks.
    public var points: [PlotPoint]
    public var style: Style
    public var look: Look
    /// Draws a noisy long line pale, and its moving mean over it.
    public var smooths: Bool
    /// A power law through these points, drawn over their range and told in the legend.
    public var fit: PowerLawFit?

    public init(
        _ name: String, _ points: [PlotPoint], style: Style = .markedLine, look: Look = .numbered(0),
        smooths: Bool = false, fit: PowerLawFit? = nil
    ) {
        self.name = name
        self.points = points
        self.style = style
        self.look = look
        self.smooths = smooths
        self.fit = fit
    }

    /// The power law that fits the points best, by least squares of the logarithms.
    public func fitted() -> Series {
        var result = self
        result.fit = PowerLawFit(points.map { ($0.x, $0.y) })
        return result
    }

    var entry: LegendEntry? {
        if look == .quiet { return nil }
        let text = fit.map { name.isEmpty ? $0.text : "\(name), \($0.text)" } ?? name
        return text.isEmpty ? nil : LegendEntry(text, look: look, style: style)
    }
}

extension Series.Look {
    /// The classes of its colour.
    var colorClass: String {
        switch self {
        case .numbered(let index): "hue\(index % Theme.hueCount + 1)"
        case .neutral, .quiet: "neutral"
        }
    }

    var dashClass: String {
        if case .numbered(let index) = self, index / Theme.hueCount % 2 == 1 { return " dashed" }
        return self == .quiet ? " quiet" : ""
    }

    var shape: Int {
        if case .numbered(let index) = self { return index }
        return 0
    }
}

/// A line that no data made: what theory says, a bound, a value to be compared with.
public struct ReferenceLine: Sendable {
    public enum Course: Equatable, Sendable {
        case horizontal(Double)
        case vertical(Double)
        /// y = factor · x^slope: straight on two logarithmic axes.
        case power(slope: Double, factor: Double)
    }

    public var course: Course
    public var name: String

    public init(_ course: Course, name: String) {
        self.course = course
        self.name = name
    }
}
