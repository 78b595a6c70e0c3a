import CoupletText
import Glibc

/// How an axis maps values to positions.
public enum AxisScale: Sendable {
    /// Logarithmic if the values are positive and span decades, otherwise linear.
    case automatic
    case linear
    case logarithmic
}

/// An axis of a figure. Its range follows from the values that it shows.
public struct Axis: Sendable {
    /// The name of the values, such as "batch size".
    public var label: String
    public var scale: AxisScale
    /// Whether the range includes zero. A logarithmic axis ignores this.
    public var includesZero: Bool
    /// The labelled values, such as the values of a sweep; nil for round values.
    public var ticks: [Double]?
    /// Names in place of numbers: value i stands for name i.
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

/// An axis with its range. It maps a value to a fraction of the axis, from 0 at the lower end to 1 at the upper end:
///
///     linear        (value - lower) / (upper - lower)
///     logarithmic   log(value / lower) / log(upper / lower)
package struct Scale: Equatable, Sendable {
    package let isLogarithmic: Bool
    package let lower: Double
    package let upper: Double

    /// A scale with these ends.
    package init(isLogarithmic: Bool, lower: Double, upper: Double) {
        precondition(lower < upper && (!isLogarithmic || lower > 0), "an axis from \(lower) to \(upper)")
        self.isLogarithmic = isLogarithmic
        self.lower = lower
        self.upper = upper
    }

    /// A scale that shows all finite values of an axis. `margin` is the fraction of its length that stays free at each
    /// end.
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
        // The limit of 1e300 keeps the ends and their difference finite, even for values near the largest Double.
        var low = max(-1e300, min(1e300, finite.min() ?? 0)), high = max(-1e300, min(1e300, finite.max() ?? 1))
        if axis.includesZero {
            low = min(low, 0)
            high = max(high, 0)
        }
        // If all values are equal, the range extends to both sides of them.
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

    /// Maps a value to its fraction of the axis. Nil if it is not finite, or not positive on a logarithmic axis.
    func fraction(of value: Double) -> Double? {
        guard value.isFinite, !isLogarithmic || value > 0 else { return nil }
        return isLogarithmic ? log(value / lower) / log(upper / lower) : (value - lower) / (upper - lower)
    }

    /// Whether positive values suit a logarithmic axis: the values from the 2nd to the 98th percentile span a factor of
    /// 10, or all values span a factor of 30.
    static func spansDecades(_ values: [Double]) -> Bool {
        let sorted = values.filter(\.isFinite).sorted()
        guard let first = sorted.first, let last = sorted.last, first > 0 else { return false }
        return sorted[sorted.count - 1 - sorted.count / 50] / sorted[sorted.count / 50] >= 10 || last / first >= 30
    }
}

/// A labelled position on an axis.
package struct Tick: Equatable, Sendable {
    package let value: Double
    /// The label without its exponent: a power of ten is "10" with an exponent.
    package let text: String
    package var exponent: String = ""

    func width(size: Double) -> Double { TextWidth.of(text, size: size) + TextWidth.of(exponent, size: size * 0.78) }
}

/// Chooses the labelled values of an axis.
package enum Ticks {
    /// About `wanted` labelled ticks. `minor` are values between powers of ten that get a short line and no label.
    package static func of(_ scale: Scale, wanted: Int) -> (labelled: [Tick], minor: [Double]) {
        guard scale.isLogarithmic else { return (linear(scale.lower, scale.upper, wanted: wanted), []) }
        return logarithmic(scale, wanted: wanted)
    }

    /// Ticks at the given values, without the values outside the axis.
    static func at(_ values: [Double], on scale: Scale) -> [Tick] {
        values.filter { scale.fraction(of: $0).map { $0 > -1e-9 && $0 < 1 + 1e-9 } ?? false }.map { tick($0) }
    }

    /// Multiples of 1, 2 or 5 times a power of ten, with the step that gives about `wanted` intervals.
    package static func linear(_ lower: Double, _ upper: Double, wanted: Int) -> [Tick] {
        let rough = (upper - lower) / Double(max(1, wanted))
        guard rough > 0, rough.isFinite, rough > 1e-300 else { return [tick(lower)] }
        var exponent = Int(log10(rough).rounded(.down))
        let mantissa = rough / pow(10, Double(exponent))
        // The nearest factor by ratio: the limits are √(1 · 2), √(2 · 5) and √(5 · 10).
        var factor = mantissa < 1.414 ? 1 : mantissa < 3.162 ? 2 : mantissa < 7.071 ? 5 : 10
        if factor == 10 { (factor, exponent) = (1, exponent + 1) }
        // A multiple is a whole number that is scaled once: 0.3, not 0.30000000000000004.
        func value(_ k: Double) -> Double { decimal(Int(k) * factor, exponent) }
        let step = value(1), first = (lower / step - 1e-9).rounded(.up), last = (upper / step + 1e-9).rounded(.down)
        guard last >= first, last - first < 100, abs(first) < 1e15 else { return [tick(lower)] }
        let values = stride(from: first, through: last, by: 1).map { $0 == 0 ? 0 : value($0) }
        return labelled(values, exponent: exponent)
    }

    /// Powers of ten if the axis contains at least three; else 1, 2 and 5 times powers of ten; else linear ticks.
    private static func logarithmic(_ scale: Scale, wanted: Int) -> (labelled: [Tick], minor: [Double]) {
        let low = log10(scale.lower), high = log10(scale.upper)
        let first = Int((low - 1e-9).rounded(.up)), last = Int((high + 1e-9).rounded(.down))
        if last - first >= 2 {
            let stride = max(1, (last - first + wanted - 1) / wanted)
            let powers = (first...last).filter { ($0 - first) % stride == 0 }
                .map { Tick(value: pow(10, Double($0)), text: "10", exponent: "\($0)".replacingMinus) }
            let minor = last - first > 5 ? [] : ((first - 1)...last).flatMap { k in (2...9).map { decimal($0, k) } }
            return (powers, minor.filter { $0 > scale.lower && $0 < scale.upper })
        }
        let rounds = ((first - 1)...(last + 1)).flatMap { k in [1, 2, 5].map { decimal($0, k) } }
        let inside = rounds.filter { $0 >= scale.lower * (1 - 1e-9) && $0 <= scale.upper * (1 + 1e-9) }
        if inside.count >= 3 { return (inside.map { tick($0) }, []) }
        return (linear(scale.lower, scale.upper, wanted: wanted).filter { $0.value > 0 }, [])
    }

    /// factor · 10ᵏ, rounded once.
    private static func decimal(_ factor: Int, _ exponent: Int) -> Double {
        let power = pow(10, Double(abs(exponent)))
        return exponent < 0 ? Double(factor) / power : Double(factor) * power
    }

    private static func tick(_ value: Double) -> Tick {
        let magnitude = abs(value)
        if magnitude >= 1e6 || (magnitude > 0 && magnitude < 1e-4) {
            let exponent = Int(log10(magnitude * (1 + 1e-12)).rounded(.down))
            let mantissa = TypographicNumber.short(value / pow(10, Double(exponent)), 3)
            return Tick(
                value: value, text: mantissa == "1" ? "10" : "\(mantissa)·10", exponent: "\(exponent)".replacingMinus)
        }
        return Tick(value: value, text: TypographicNumber.short(value, 6))
    }

    /// Labels with the same number of decimals, or with the same unit k, M or G for large values.
    private static func labelled(_ values: [Double], exponent: Int) -> [Tick] {
        let largest = values.map { abs($0) }.max() ?? 0
        for (unit, power) in [("G", 9), ("M", 6), ("k", 3)]
        where largest >= pow(10, Double(power)) * (power == 3 ? 100 : 1) && largest < 1e12 {
            let decimals = max(0, power - exponent)
            guard decimals <= 3 else { break }
            return values.map {
                Tick(
                    value: $0,
                    text: $0 == 0
                        ? "0" : TypographicNumber.fixed($0 / pow(10, Double(power)), decimals: decimals) + unit)
            }
        }
        if largest >= 1e12 || (largest > 0 && largest < 1e-3) {
            return values.map { $0 == 0 ? Tick(value: 0, text: "0") : tick($0) }
        }
        return values.map { Tick(value: $0, text: TypographicNumber.fixed($0, decimals: max(0, -exponent))) }
    }
}

extension String {
    /// The text with a typographic minus sign, which is as wide as a plus.
    fileprivate var replacingMinus: String { hasPrefix("-") ? "−" + dropFirst() : self }
}
