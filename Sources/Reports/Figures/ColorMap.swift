import Glibc

/// Colours for values of a heat map, dark to bright: evenly growing in lightness, so that they order the same for every eye and in grey.
/// The fixed points are those of viridis (van der Walt and Smith, matplotlib).
package enum ColorMap {
    private static let stops: [(Double, Double, Double)] = [
        (68, 1, 84), (72, 40, 120), (62, 74, 137), (49, 104, 142), (38, 130, 142), (31, 158, 137), (53, 183, 121),
        (109, 205, 89),
        (180, 222, 44), (253, 231, 37),
    ]

    /// "#rrggbb" for a share from 0 to 1.
    package static func color(_ share: Double) -> String { hex(components(share)) }

    /// Black or white, whichever reads better upon that colour.
    package static func ink(_ share: Double) -> String {
        let (r, g, b) = components(share)
        func linear(_ value: Double) -> Double {
            value <= 10.31 ? value / 255 / 12.92 : pow((value / 255 + 0.055) / 1.055, 2.4)
        }
        let luminance = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
        return luminance > 0.179 ? "#000000" : "#ffffff"
    }

    private static func components(_ share: Double) -> (Double, Double, Double) {
        let place = min(1, max(0, share.isNaN ? 0 : share)) * Double(stops.count - 1)
        let index = min(stops.count - 2, Int(place)), rest = place - Double(index)
        let (a, b) = (stops[index], stops[index + 1])
        return (a.0 + rest * (b.0 - a.0), a.1 + rest * (b.1 - a.1), a.2 + rest * (b.2 - a.2))
    }

    private static func hex(_ color: (Double, Double, Double)) -> String {
        "#"
            + [color.0, color.1, color.2].map { value in
                let digits = String(Int(value.rounded()), radix: 16)
                return digits.count < 2 ? "0" + digits : digits
            }.joined()
    }
}
