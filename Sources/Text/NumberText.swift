import Glibc

/// Formats numbers in ASCII, for terminals, logs and messages.
package enum NumberText {
    /// A number rounded to a fixed count of decimals, at most 6: "-0.0312".
    ///
    /// Nil and NaN give "-". Numbers from 10¹² on are written in their shortest form.
    package static func fixed(_ value: Double?, _ decimals: Int = 4) -> String {
        guard let value, !value.isNaN else { return "-" }
        guard abs(value) < 1e12 else { return "\(value)" }
        let number = RoundedNumber(value, decimals: decimals)
        return (number.isNegative ? "-" : "") + number.whole + number.pointAndFraction
    }

    /// A number rounded to about five significant digits: "3.2141", "0.00012346", "181024".
    ///
    /// Numbers below 10⁻⁵, and from 10¹⁵ on, are written in their shortest form.
    package static func significant(_ value: Double) -> String {
        if value == 0 { return "0" }
        let magnitude = abs(value)
        guard magnitude.isFinite, magnitude < 1e15, magnitude >= 1e-5 else { return value.description }
        let number = RoundedNumber(value, decimals: max(0, 4 - Int(log10(magnitude).rounded(.down))))
        return (number.isNegative ? "-" : "") + number.whole + number.pointAndFraction
    }

    /// A number rounded to a whole one, with thousands separated by commas: "181,024".
    package static func grouped(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        return (value < 0 ? "-" : "") + RoundedNumber.grouped(String(Int64(abs(value).rounded())))
    }

    /// A share as a percentage: "12.50 %"; "- %" for NaN.
    package static func percent(_ share: Double) -> String { fixed(100 * share, 2) + " %" }
}

/// Formats numbers in Unicode, for reports: a true minus sign, thousands separated by commas, powers of ten as
/// superscripts.
package enum TypographicNumber {
    /// A number with `digits` significant digits: "0.01234", "12.34", "12,345", "1.234 × 10⁻⁷".
    ///
    /// Nil and NaN give "–". Whole numbers below 10⁹ keep all their digits. A number below 10⁻⁴, or from 10⁹ on, has a
    /// power of ten.
    package static func significant(_ value: Double?, _ digits: Int = 4) -> String {
        guard let value, !value.isNaN else { return "–" }
        guard value.isFinite else { return value < 0 ? "−∞" : "∞" }
        if value == 0 { return "0" }
        if value == value.rounded(), abs(value) < 1e9 { return grouped(Int(value)) }
        let exponent = exponent(of: value, digits: digits)
        if exponent >= 9 || exponent < -4 {
            // 10^-exponent may overflow a Double for a very small value, so the division is done in two steps.
            let half = exponent / 2
            let mantissa = fixed(value / pow(10, Double(half)) / pow(10, Double(exponent - half)), decimals: digits - 1)
            return withoutTrailingZeros(mantissa) + " × 10" + superscript(exponent)
        }
        return fixed(value, decimals: max(0, digits - 1 - exponent))
    }

    /// The text of `significant` without trailing zeros.
    package static func short(_ value: Double?, _ digits: Int = 4) -> String {
        let text = significant(value, digits)
        return text.contains("×") ? text : withoutTrailingZeros(text)
    }

    /// A whole number with thousands separated by commas: "1,234,567".
    package static func grouped(_ value: Int) -> String {
        (value < 0 ? "−" : "") + RoundedNumber.grouped(String(value.magnitude))
    }

    /// A number rounded to a fixed count of decimals, at most 15.
    package static func fixed(_ value: Double, decimals: Int) -> String {
        let decimals = min(decimals, 15)
        guard (abs(value) * pow(10, Double(decimals))).rounded() < 9e18 else { return "\(value)" }
        let number = RoundedNumber(value, decimals: decimals)
        return (number.isNegative ? "−" : "") + RoundedNumber.grouped(number.whole) + number.pointAndFraction
    }

    /// A share as a percentage: "12.50 %".
    package static func percent(_ share: Double) -> String { fixed(100 * share, decimals: 2) + " %" }

    /// A count of bytes in a decimal unit: "1,234 bytes", "56 kB", "1,234 MB".
    package static func bytes(_ count: Int) -> String {
        if count < 10_000 { return "\(grouped(count)) bytes" }
        return count < 10_000_000 ? "\(grouped(count / 1_000)) kB" : "\(grouped(count / 1_000_000)) MB"
    }

    /// An exponent in superscript digits: "⁻⁷".
    package static func superscript(_ value: Int) -> String {
        (value < 0 ? "⁻" : "")
            + String(String(value.magnitude).map { superscriptDigits[$0.wholeNumberValue ?? 0] })
    }

    private static let superscriptDigits: [Character] = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"]

    /// ⌊log₁₀|value|⌋ of the value after rounding: 9.9996 is rounded to 10.00 with four digits, so its exponent is 1.
    private static func exponent(of value: Double, digits: Int) -> Int {
        if abs(value) < 1e-200 { return self.exponent(of: value * 1e200, digits: digits) - 200 }
        let first = Int(log10(abs(value)).rounded(.down))
        let rounded = (abs(value) * pow(10, Double(digits - 1 - first))).rounded() * pow(10, Double(first - digits + 1))
        return Int((log10(rounded) + 1e-12).rounded(.down))
    }

    /// The number at the start of a text that the functions above have made: "−1,234", "12.50 %", "1.2 × 10⁻⁷", "∞",
    /// and the mean of "0.31 ± 0.02". Nil if the text is none.
    package static func value(of text: String) -> Double? {
        let plain = String(text.map { $0 == "−" ? "-" : $0 }.filter { $0 != "," })
        if plain == "∞" || plain == "-∞" { return plain == "∞" ? .infinity : -.infinity }
        let words = plain.split(separator: " ")
        guard let first = words.first, let mantissa = Double(first) else { return nil }
        switch words.dropFirst().first {
        case nil, "%", "±": return mantissa
        case "×":
            guard words.count > 2, words[2].hasPrefix("10") else { return nil }
            let digits = words[2].dropFirst(2).map { digit -> Character? in
                if digit == "⁻" { return "-" }
                return superscriptDigits.firstIndex(of: digit).map { Character(String($0)) }
            }
            guard let exponent = Int(String(digits.compactMap { $0 })), !digits.contains(nil) else { return nil }
            return Double("\(first)e\(exponent)")
        default: return nil
        }
    }

    private static func withoutTrailingZeros(_ text: String) -> String {
        guard text.contains(".") else { return text }
        var result = text[...]
        while result.last == "0" { result.removeLast() }
        if result.last == "." { result.removeLast() }
        return String(result)
    }
}

/// The decimal digits of a number after rounding half away from zero. |value| · 10^decimals must be below 2⁶³.
private struct RoundedNumber {
    /// False for a negative number that is rounded to zero.
    let isNegative: Bool
    let whole: String
    /// Empty without decimals.
    let pointAndFraction: String

    init(_ value: Double, decimals: Int) {
        var power = 1.0
        for _ in 0..<decimals { power *= 10 }
        let units = Int64((abs(value) * power).rounded())
        let digits = String(units)
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        isNegative = value < 0 && units > 0
        whole = String(padded.dropLast(decimals))
        pointAndFraction = decimals > 0 ? "." + padded.suffix(decimals) : ""
    }

    static func grouped(_ digits: String) -> String {
        var result = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { result += "," }
            result.append(digit)
        }
        return result
    }
}
