/// Numbers for tables.
package enum Decimal {
    /// Rounded to that many digits after the point.
    package static func text(_ value: Double, digits: Int) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
        var power = 1
        for _ in 0..<digits { power *= 10 }
        let scaled = Int((abs(value) * Double(power)).rounded())
        let fraction = String(scaled % power + power).dropFirst()
        return (value < 0 && scaled > 0 ? "-" : "") + "\(scaled / power)" + (digits > 0 ? ".\(fraction)" : "")
    }
}
