import Glibc

/// Numbers for people: few digits, a real minus sign, thousands in groups, powers of ten where zeros would pile up.
package enum TypographicNumber {
    /// With `digits` significant digits: 0.01234, 12.34, 12,345, 1.234 × 10⁻⁷; "–" where there is no number.
    package static func significant(_ value: Double?, _ digits: Int = 4) -> String {
        guard let value, !value.isNaN else { return "–" }
        guard value.isFinite else { return value < 0 ? "−∞" : "∞" }
        if value == 0 { return "0" }
        if value == value.rounded(), abs(value) < 1e9 { return grouped(Int(value)) }
        let exponent = exponent(of: value, digits: digits)
        if exponent >= 9 || exponent < -4 {
            // In two steps, for 10^-exponent may be too large for a Double where the value is very small.
            let half = exponent / 2
            let mantissa = fixed(value / pow(10, Double(half)) / pow(10, Double(exponent - half)), decimals: digits - 1)
            return trimmed(mantissa) + " × 10" + superscript(exponent)
        }
        return fixed(value, decimals: max(0, digits - 1 - exponent))
    }

    /// The same without zeros at the end.
    package static func short(_ value: Double?, _ digits: Int = 4) -> String {
        let text = significant(value, digits)
        return text.contains("×") ? text : trimmed(text)
    }

    /// 1,234,567.
    package static func grouped(_ value: Int) -> String {
        let digits = String(value.magnitude)
        var result = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { result += "," }
            result.append(digit)
        }
        return (value < 0 ? "−" : "") + result
    }

    /// With a fixed count of decimals.
    package static func fixed(_ value: Double, decimals: Int) -> String {
        let decimals = min(decimals, 15)
        let scaled = (abs(value) * pow(10, Double(decimals))).rounded()
        guard scaled < 9e18 else { return "\(value)" }
        let units = Int64(scaled)
        let sign = value < 0 && units > 0 ? "−" : ""
        guard decimals > 0 else { return sign + grouped(Int(units)) }
        let digits = String(units)
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        return sign + grouped(Int(padded.dropLast(decimals)) ?? 0) + "." + padded.suffix(decimals)
    }

    /// 12.5 %.
    package static func percent(_ share: Double) -> String { fixed(100 * share, decimals: 2) + " %" }

    /// 7 s, 12 min 40 s, 3 h 5 min.
    package static func duration(_ seconds: Double?) -> String {
        guard let seconds, seconds.isFinite, seconds >= 0, seconds < 1e12 else { return "–" }
        if seconds < 60 { return "\(short(seconds, 2)) s" }
        let whole = Int(seconds.rounded())
        if whole < 3_600 { return "\(whole / 60) min \(whole % 60) s" }
        if whole < 48 * 3_600 { return "\(whole / 3_600) h \(whole / 60 % 60) min" }
        return "\(whole / 86_400) d \(whole / 3_600 % 24) h"
    }

    static func bytes(_ count: Int) -> String {
        count < 10_000
            ? "\(grouped(count)) bytes"
            : count < 10_000_000 ? "\(grouped(count / 1_000)) kB" : "\(grouped(count / 1_000_000)) MB"
    }

    static func superscript(_ value: Int) -> String {
        let digits: [Character] = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"]
        return (value < 0 ? "⁻" : "") + String(String(value.magnitude).map { digits[$0.wholeNumberValue ?? 0] })
    }

    /// ⌊log₁₀|value|⌋ of the value as rounded to so many digits: 9.9996 has exponent 1 where it is to be read as 10.00.
    private static func exponent(of value: Double, digits: Int) -> Int {
        if abs(value) < 1e-200 { return self.exponent(of: value * 1e200, digits: digits) - 200 }
        let first = Int(log10(abs(value)).rounded(.down))
        let rounded = (abs(value) * pow(10, Double(digits - 1 - first))).rounded() * pow(10, Double(first - digits + 1))
        return Int((log10(rounded) + 1e-12).rounded(.down))
    }

    private static func trimmed(_ text: String) -> String {
        guard text.contains(".") else { return text }
        var result = text[...]
        while result.last == "0" { result.removeLast() }
        if result.last == "." { result.removeLast() }
        return String(result)
    }
}
