import CoupletTensors

/// A scale of colours, as colours at equal distances between which the others lie.
package struct ColorMap: Sendable {
    private let stops: [(Double, Double, Double)]

    /// From dark to bright. The lightness grows evenly, so that the order is also visible in grey and with colour
    /// blindness. The fixed points are from viridis (van der Walt and Smith, matplotlib).
    package static let sequential = ColorMap(stops: [
        (68, 1, 84), (72, 40, 120), (62, 74, 137), (49, 104, 142), (38, 130, 142), (31, 158, 137), (53, 183, 121),
        (109, 205, 89),
        (180, 222, 44), (253, 231, 37),
    ])

    /// From blue over near-white in the middle to brown, for values of both signs. The lightness falls evenly to both
    /// sides. Blue and orange hues differ under all common kinds of colour blindness.
    package static let diverging = ColorMap(stops: [
        (24, 58, 122), (48, 103, 173), (106, 154, 208), (170, 202, 232), (244, 244, 240), (247, 208, 164),
        (228, 158, 95),
        (185, 102, 44), (104, 46, 12),
    ])

    /// Returns the colour "#rrggbb" of a fraction from 0 to 1.
    package func color(_ fraction: Double) -> String {
        "#"
            + bytes(fraction).map { value in
                let digits = String(value, radix: 16)
                return digits.count < 2 ? "0" + digits : digits
            }.joined()
    }

    /// Returns red, green and blue of a fraction from 0 to 1.
    package func bytes(_ fraction: Double) -> [UInt8] {
        let (r, g, b) = components(fraction)
        return [r, g, b].map { UInt8($0.rounded()) }
    }

    /// Returns black or white, whichever has the higher contrast with the colour of the fraction.
    package func textColor(_ fraction: Double) -> String {
        let (r, g, b) = components(fraction)
        func linear(_ value: Double) -> Double {
            value <= 10.31 ? value / 255 / 12.92 : pow((value / 255 + 0.055) / 1.055, 2.4)
        }
        let luminance = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
        return luminance > 0.179 ? "#000000" : "#ffffff"
    }

    private func components(_ fraction: Double) -> (Double, Double, Double) {
        let position = min(1, max(0, fraction.isNaN ? 0 : fraction)) * Double(stops.count - 1)
        let index = min(stops.count - 2, Int(position)), rest = position - Double(index)
        let (a, b) = (stops[index], stops[index + 1])
        return (a.0 + rest * (b.0 - a.0), a.1 + rest * (b.1 - a.1), a.2 + rest * (b.2 - a.2))
    }
}

extension Drawing {
    /// Draws a bar of colours with its values, and the name of the values to its left.
    /// - Parameters:
    ///   - left: The left edge of the figure's content.
    ///   - width: The width of the figure.
    /// - Returns: The y coordinate of the lower edge.
    mutating func colorBar(
        _ map: ColorMap, _ scale: Scale, label: String, left: Double, width: Double, top: Double
    ) -> Double {
        let count = 48, barWidth = min(220, width - left - 90)
        text(label, x: 4, y: top + 11, class: "muted", fitting: width - barWidth - 50)
        let start = width - 10 - barWidth - 20
        for k in 0..<count {
            rectangle(
                x: start + barWidth * Double(k) / Double(count), y: top + 2, width: barWidth / Double(count) + 0.3,
                height: 9,
                fill: map.color(Double(k) / Double(count - 1)))
        }
        var lastLabelEnd = -Double.infinity
        for tick in Ticks.of(scale, wanted: 3).labelled {
            guard let fraction = scale.fraction(of: tick.value), fraction >= -1e-6, fraction <= 1 + 1e-6 else {
                continue
            }
            let x = start + fraction * barWidth, half = tick.width(size: FigureSize.textSize) / 2
            guard x - half > lastLabelEnd + 4 else { continue }
            lastLabelEnd = x + half
            line(x, top + 11, x, top + 14, class: "axis")
            text(tick, x: x, y: top + 25, class: "middle")
        }
        return top + 30
    }
}
