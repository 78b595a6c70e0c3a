import CoupletText
import Glibc

/// A labelled place on an axis.
package struct Tick: Equatable, Sendable {
    package let value: Double
    /// What stands there; a power of ten is "10" with an exponent.
    package let text: String
    package var exponent: String = ""

    func width(size: Double) -> Double { TextWidth.of(text, size: size) + TextWidth.of(exponent, size: size * 0.78) }
}

/// Which values of an axis get a label.
package enum Ticks {
    /// Labelled ticks; `minor` are the places between powers of ten that get a thin line and no label.
    package static func of(_ scale: Scale, wanted: Int) -> (labelled: [Tick], minor: [Double]) {
        guard scale.isLogarithmic else { return (linear(scale.lower, scale.upper, wanted: wanted), []) }
        return logarithmic(scale, wanted: wanted)
    }

    /// Those of the given values that lie on the axis.
    static func at(_ values: [Double], on scale: Scale) -> [Tick] {
        values.filter { scale.share(of: $0).map { $0 > -1e-9 && $0 < 1 + 1e-9 } ?? false }.map { tick($0) }
    }

    /// Multiples of 1, 2 or 5 times a power of ten: the step whose count of intervals is nearest to `wanted`.
    package static func linear(_ lower: Double, _ upper: Double, wanted: Int) -> [Tick] {
        let rough = (upper - lower) / Double(max(1, wanted))
        guard rough > 0, rough.isFinite, rough > 1e-300 else { return [tick(lower)] }
        var exponent = Int(log10(rough).rounded(.down))
        let mantissa = rough / pow(10, Double(exponent))
        // Nearest by ratio: √(1 · 2), √(2 · 5), √(5 · 10) lie in the midst.
        var factor = mantissa < 1.414 ? 1 : mantissa < 3.162 ? 2 : mantissa < 7.071 ? 5 : 10
        if factor == 10 { (factor, exponent) = (1, exponent + 1) }
        // Multiples as whole numbers, scaled once: 0.3 and not 0.30000000000000004.
        func value(_ k: Double) -> Double { decimal(Int(k) * factor, exponent) }
        let step = value(1), first = (lower / step - 1e-9).rounded(.up), last = (upper / step + 1e-9).rounded(.down)
        guard last >= first, last - first < 100, abs(first) < 1e15 else { return [tick(lower)] }
        let values = stride(from: first, through: last, by: 1).map { $0 == 0 ? 0 : value($0) }
        return labelled(values, exponent: exponent)
    }

    /// Powers of ten where the axis holds three at least; else 1, 2, 5 times them; else as on a linear axis.
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

    /// factor · 10ᵏ, as near as a Double comes to it.
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

    /// Labels of one kind for all: the same decimals, or thousands and millions for the large.
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
    /// With a minus sign as wide as a plus.
    var replacingMinus: String { hasPrefix("-") ? "−" + dropFirst() : self }
}
