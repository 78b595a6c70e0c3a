/// A size of memory as people write it: `256 MiB`, or a number of bytes.
package enum MemorySize {
    private static let units: [(name: String, bytes: Int)] = [
        ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
    ]

    /// The bytes of a text; nil where it is none: a whole number, or any number from 0 with a unit behind it (B, KiB, MiB, GiB), with or
    /// without a space between.
    package static func bytes(_ text: String) -> Int? {
        if let bytes = Int(text.filter { $0 != "_" }) { return bytes >= 0 ? bytes : nil }
        guard let unit = units.first(where: { text.hasSuffix($0.name) }) else { return nil }
        var digits = text.dropLast(unit.name.count)
        while digits.last == " " { digits.removeLast() }
        guard !digits.isEmpty, digits.allSatisfy({ ("0"..."9").contains($0) || $0 == "." }), let number = Double(digits)
        else { return nil }
        let bytes = number * Double(unit.bytes)
        return bytes < 9e18 ? Int(bytes.rounded()) : nil
    }

    /// In the largest unit of which it is a whole number: what `bytes` reads back as the same.
    package static func text(_ bytes: Int) -> String {
        let unit = units.first { bytes >= $0.bytes && bytes % $0.bytes == 0 } ?? ("B", 1)
        return "\(bytes / unit.bytes) \(unit.name)"
    }

    /// To three digits or so, for people: `1.2 GiB`.
    package static func rounded(_ bytes: Int) -> String {
        let unit = units.first { bytes >= $0.bytes } ?? ("B", 1)
        let tenths = (10 * bytes + unit.bytes / 2) / unit.bytes
        return tenths >= 1_000 || unit.bytes == 1
            ? "\((tenths + 5) / 10) \(unit.name)" : "\(tenths / 10).\(tenths % 10) \(unit.name)"
    }
}
