/// Reads and formats sizes of memory in binary units.
package enum MemorySize {
    private static let units: [(name: String, bytes: Int)] = [
        ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
    ]

    /// The largest size that `bytes` reads: 1,048,576 GiB. Sums and small multiples of sizes do not overflow.
    package static let largest = 1 << 50

    /// Parses a size of memory: a whole number of bytes, or a number from 0 with a unit (B, KiB, MiB, GiB), such as
    /// "256 MiB". The space before the unit may be left out.
    /// - Returns: the size in bytes; nil if the text is not a size.
    package static func bytes(_ text: String) -> Int? {
        if let bytes = Int(text.filter { $0 != "_" }) { return (0...largest).contains(bytes) ? bytes : nil }
        guard let unit = units.first(where: { text.hasSuffix($0.name) }) else { return nil }
        var digits = text.dropLast(unit.name.count)
        while digits.last == " " { digits.removeLast() }
        guard !digits.isEmpty, digits.allSatisfy({ ("0"..."9").contains($0) || $0 == "." }), let number = Double(digits)
        else {
            return nil
        }
        let bytes = number * Double(unit.bytes)
        return bytes <= Double(largest) ? Int(bytes.rounded()) : nil
    }

    /// The exact size in the largest unit that divides it. `bytes(_:)` reads it back as the same size.
    package static func text(_ bytes: Int) -> String {
        let unit = units.first { bytes >= $0.bytes && bytes % $0.bytes == 0 } ?? ("B", 1)
        return "\(bytes / unit.bytes) \(unit.name)"
    }

    /// The size rounded to one decimal, or to a whole number from 100 on: "1.2 GiB".
    package static func rounded(_ bytes: Int) -> String {
        let unit = units.first { bytes >= $0.bytes } ?? ("B", 1)
        // 10 · bytes may overflow.
        let (whole, rest) = bytes.quotientAndRemainder(dividingBy: unit.bytes)
        let tenths = 10 * whole + (10 * rest + unit.bytes / 2) / unit.bytes
        return tenths >= 1_000 || unit.bytes == 1
            ? "\((tenths + 5) / 10) \(unit.name)" : "\(tenths / 10).\(tenths % 10) \(unit.name)"
    }
}
