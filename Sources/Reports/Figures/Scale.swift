import Glibc

/// How an axis turns values into places: linear, or by the logarithm.
public enum AxisScale: Sendable {
    /// Logarithmic where the values are positive and span decades, otherwise linear.
    case automatic
    case linear
    case logarithmic
}

/// An axis of a figure, before its range is known.
public struct Axis: Sendable {
    /// What the values are.
    public var label: String
    public var scale: AxisScale
    /// Whether the axis begins at zero; a logarithmic one never does.
    public var includesZero: Bool
    /// The values to be labelled, such as those that were tried; nil for round ones.
    public var ticks: [Double]?
    /// Names in place of numbers: value i stands for the i-th name.
    public var categories: [String]?

    public init(
        _ label: String, scale: AxisScale = .automatic, includesZero: Bool = false, ticks: [Double]? = nil,
        categories: [String]? = nil
    ) {
        self.label = label
        self.scale = scale
        self.includesZero = includesZero
        self.ticks = ticks
        self.categories = categories
    }
}

/// An axis with its range: value → share of its length, from 0 at the lower end to 1 at the upper.
///
///     linear        (value - lower) / (upper - lower)
///     logarithmic   log(value / lower) / log(upper / lower)
package struct Scale: Equatable, Sendable {
    package let isLogarithmic: Bool
    package let lower: Double
    package let upper: Double

    /// A scale with exactly these ends.
    package init(isLogarithmic: Bool, lower: Double, upper: Double) {
        precondition(lower < upper && (!isLogarithmic || lower > 0), "an axis from \(lower) to \(upper)")
        self.isLogarithmic = isLogarithmic
        self.lower = lower
        self.upper = upper
    }

    /// A scale that shows all finite values of an axis; `margin` is the share of its length left free at either end.
    init(_ axis: Axis, values: [Double], margin: Double) {
        if let categories = axis.categories {
            self.init(isLogarithmic: false, lower: -0.5, upper: Double(max(1, categories.count)) - 0.5)
            return
        }
        let finite = values.filter(\.isFinite), positive = finite.filter { $0 > 0 }
        let isLogarithmic =
            switch axis.scale {
            case .linear: false
            case .logarithmic: !positive.isEmpty
            case .automatic: positive.count == finite.count && Scale.spansDecades(positive)
            }
        if isLogarithmic, let lowest = positive.min(), let highest = positive.max() {
            let low = min(max(lowest, 1e-300), 1e300), high = min(max(highest, low), 1e300)
            let span = high > low ? high / low : 4
            let factor = high > low ? pow(span, margin) : 2
            self.init(
                isLogarithmic: true, lower: low / min(factor, 1e6), upper: max(high * min(factor, 1e6), low * 1.000_001)
            )
            return
        }
        // The ends and their distance stay numbers even where the values reach the last ones that are.
        var low = max(-1e300, min(1e300, finite.min() ?? 0)), high = max(-1e300, min(1e300, finite.max() ?? 1))
        if axis.includesZero {
            low = min(low, 0)
            high = max(high, 0)
        }
        // Where all values are one, some room around it.
        let span = high - low > max(abs(low), abs(high)) * 1e-12 ? high - low : max(abs(low) * 0.2, 1e-9)
        if high - low < span {
            low -= span / 2
            high += span / 2
        }
        let keepsLower = axis.includesZero && low == 0, keepsUpper = axis.includesZero && high == 0
        self.init(
            isLogarithmic: false, lower: keepsLower ? low : low - margin * span,
            upper: keepsUpper ? high : high + margin * span)
    }

    /// nil where the value has no place: it is not finite, or not positive on a logarithmic axis.
    func share(of value: Double) -> Double? {
        guard value.isFinite, !isLogarithmic || value > 0 else { return nil }
        return isLogarithmic ? log(value / lower) / log(upper / lower) : (value - lower) / (upper - lower)
    }

    /// Whether a logarithmic axis shows more: the bulk of the values (from the 2nd to the 98th hundredth) spans a factor of ten, or all of them
    /// span one of thirty.
    static func spansDecades(_ values: [Double]) -> Bool {
        let sorted = values.filter(\.isFinite).sorted()
        guard let first = sorted.first, let last = sorted.last, first > 0 else { return false }
        return sorted[sorted.count - 1 - sorted.count / 50] / sorted[sorted.count / 50] >= 10 || last / first >= 30
    }
}
