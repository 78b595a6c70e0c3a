/// A point of a series.
public struct PlotPoint: Equatable, Sendable {
    public var x: Double
    public var y: Double
    /// Half the length of the error bar; 0 for none.
    public var deviation: Double
    /// The part of the tooltip before the values.
    public var label: String

    public init(_ x: Double, _ y: Double, deviation: Double = 0, label: String = "") {
        self.x = x
        self.y = y
        self.deviation = deviation
        self.label = label
    }
}

/// The lower and the upper edge of a band at one x.
public struct EnvelopePoint: Equatable, Sendable {
    public var x: Double
    public var low: Double
    public var high: Double

    public init(_ x: Double, low: Double, high: Double) {
        self.x = x
        self.low = low
        self.high = high
    }
}

/// Points that share a colour and an entry of the legend.
public struct Series: Sendable {
    public enum Style: Sendable {
        case line
        case markers
        case markedLine
        /// Small pale dots, such as the single values behind a mean.
        case dots
        /// Bars from zero, on linear axes.
        case bars
    }

    /// The colour, dash pattern and mark of a series.
    public enum Appearance: Equatable, Sendable {
        /// The colour, dash and mark with this index.
        case numbered(Int)
        /// The colour and the mark with these indices, and half the extent of the mark in units of the drawing.
        case marked(hue: Int, shape: Int, radius: Double)
        /// Grey.
        case neutral
        /// Thin and grey, behind the other series and without an entry in the legend: for one of many.
        case quiet
        /// Thin, in the colour with this index, behind the other series and without an entry in the legend: for one of
        /// the seeds whose mean is drawn in the same colour.
        case member(Int)
    }

    public var name: String
    /// The points in the order in which a line connects them. The line breaks at a point that is not finite.
    public var points: [PlotPoint]
    public var style: Style
    public var appearance: Appearance
    /// Whether a long noisy line is drawn pale, with its moving average on top.
    public var smooths: Bool
    /// A power law through the points. It is drawn over their range, and the legend gives its slope.
    public var fit: PowerLawFit?
    /// The band behind the line, such as from the lowest to the highest of several seeds; empty for none.
    public var envelope: [EnvelopePoint]
    /// Whether the legend has an entry of the series.
    public var isInLegend = true

    public init(
        _ name: String, _ points: [PlotPoint], style: Style = .markedLine, appearance: Appearance = .numbered(0),
        smooths: Bool = false, fit: PowerLawFit? = nil, envelope: [EnvelopePoint] = []
    ) {
        self.name = name
        self.points = points
        self.style = style
        self.appearance = appearance
        self.smooths = smooths
        self.fit = fit
        self.envelope = envelope
    }

    /// Returns the series with a `PowerLawFit` of its points.
    public func fitted() -> Series {
        var result = self
        result.fit = PowerLawFit(points.map { ($0.x, $0.y) })
        return result
    }

    /// Half the smallest distance of two points in x; 0.5 for a single point.
    var halfBarWidth: Double {
        let sorted = points.map(\.x).filter(\.isFinite).sorted()
        return (zip(sorted, sorted.dropFirst()).map { $1 - $0 }.filter { $0 > 0 }.min() ?? 1) / 2
    }

    var entry: LegendEntry? {
        if appearance.isBackground || !isInLegend { return nil }
        let text = fit.map { name.isEmpty ? $0.text : "\(name), \($0.text)" } ?? name
        return text.isEmpty ? nil : LegendEntry(text, appearance: appearance, style: style)
    }
}

extension Series.Appearance {
    /// The CSS class of the colour.
    var colorClass: String {
        switch self {
        case .numbered(let index), .marked(let index, _, _), .member(let index): "hue\(index % Theme.hueCount + 1)"
        case .neutral, .quiet: "neutral"
        }
    }

    var dashClass: String {
        if case .numbered(let index) = self, index / Theme.hueCount % 2 == 1 { return " dashed" }
        return isBackground ? " quiet" : ""
    }

    /// Whether the series lies behind the others, as one of many.
    var isBackground: Bool {
        switch self {
        case .quiet, .member: true
        case .numbered, .marked, .neutral: false
        }
    }

    var shape: Int {
        switch self {
        case .numbered(let index), .marked(_, let index, _), .member(let index): index
        case .neutral, .quiet: 0
        }
    }
}

/// A line that does not come from data, such as a theoretical value or a bound.
public struct ReferenceLine: Sendable {
    public enum Shape: Equatable, Sendable {
        case horizontal(Double)
        case vertical(Double)
        /// y = factor · x^slope, a straight line on two logarithmic axes.
        case power(slope: Double, factor: Double)
        /// y = x.
        case diagonal
    }

    public var shape: Shape
    public var name: String

    public init(_ shape: Shape, name: String) {
        self.shape = shape
        self.name = name
    }
}

/// An area that does not come from data, such as the values that chance explains.
public struct Band: Equatable, Sendable {
    public var name: String
    public var yRange: ClosedRange<Double>
    /// Nil for the whole axis.
    public var xRange: ClosedRange<Double>?

    public init(_ name: String, y yRange: ClosedRange<Double>, x xRange: ClosedRange<Double>? = nil) {
        self.name = name
        self.yRange = yRange
        self.xRange = xRange
    }
}
