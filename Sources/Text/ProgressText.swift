import Glibc

/// Numbers as a reader at a glance wants them.
package enum ProgressText {
    /// Five significant digits: 3.2141, 0.00012346, 181024; very large and very small ones as Swift writes them.
    package static func significant(_ value: Double) -> String {
        if value == 0 { return "0" }
        let magnitude = abs(value)
        guard magnitude.isFinite, magnitude < 1e15, magnitude >= 1e-5 else { return value.description }
        return fixed(value, digits: max(0, 4 - Int(log10(magnitude).rounded(.down))))
    }

    /// Rounded to whole numbers, in groups of three: 181,024.
    package static func grouped(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        let text = String(Int64(abs(value).rounded()))
        var groups = ""
        for (index, digit) in text.enumerated() {
            if index > 0, (text.count - index) % 3 == 0 { groups += "," }
            groups.append(digit)
        }
        return (value < 0 ? "-" : "") + groups
    }

    /// 0:07, 12:40, 3:05:00, 2 d 4 h.
    package static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e12 else { return "?" }
        let whole = Int(seconds.rounded())
        let two = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
        if whole < 3_600 { return "\(whole / 60):\(two(whole % 60))" }
        if whole < 48 * 3_600 { return "\(whole / 3_600):\(two(whole / 60 % 60)):\(two(whole % 60))" }
        return "\(whole / 86_400) d \(whole / 3_600 % 24) h"
    }

    package static func fixed(_ value: Double, digits: Int) -> String {
        var power = 1.0
        for _ in 0..<digits { power *= 10 }
        let scaled = (abs(value) * power).rounded()
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return sign + String(Int64(scaled)) }
        let text = String(Int64(scaled))
        let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
        return sign + padded.dropLast(digits) + "." + padded.suffix(digits)
    }
}
