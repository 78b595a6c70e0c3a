import Glibc

extension VariedKey {
    /// From `low` to `high`, each the same factor above the one before; the ends as they are.
    static func logarithmicRange(_ low: Double, _ high: Double, count: Int) -> [Double] {
        (0..<count).map { index in
            switch index {
            case 0: low
            case count - 1: high
            default: rounded(low * power(high / low, Double(index) / Double(count - 1)))
            }
        }
    }

    static func power(_ base: Double, _ exponent: Double) -> Double { exp(exponent * log(base)) }

    /// To `digits` significant digits.
    static func rounded(_ number: Double) -> Double {
        guard number != 0, number.isFinite else { return number }
        var text = [CChar](repeating: 0, count: 64)
        _ = withVaList([Int32(digits - 1), number]) { vsnprintf(&text, text.count, "%.*e", $0) }
        return strtod(text, nil)
    }
}
