import CoupletImages

/// The SVG elements of a figure: lines, marks and texts, with the CSS classes of `Theme`.
///
/// Coordinates are in units of the drawing; y points downwards.
public struct Drawing: Sendable {
    private(set) var markup = Markup()

    enum Purpose: Sendable {
        /// An SVG file.
        case file
        /// A figure of a page, with the values of its curves for the page's script.
        case page
        /// The same on other axes, which only the page's script shows. It has no tooltips on curves, in place of which
        /// the script shows the values.
        case alternative
    }

    let purpose: Purpose

    init(_ purpose: Purpose = .file) { self.purpose = purpose }

    // MARK: - Texts

    /// - Parameter width: A longer text is shortened to this width; the whole text is then its tooltip.
    mutating func text(
        _ text: String, x: Double, y: Double, class name: String = "", fitting width: Double = .infinity,
        size: Double = FigureSize.textSize
    ) {
        let size = name.contains("title") ? 14.5 : size
        let fitted = TextWidth.fitted(text, size: size, within: width)
        markup.element("text", ["class": name, "x": Markup.coordinate(x), "y": Markup.coordinate(y)]) {
            if fitted != text { $0.element("title", text: text) }
            $0.add(fitted)
        }
    }

    /// The label of a tick, with a raised exponent.
    mutating func text(_ tick: Tick, x: Double, y: Double, class name: String) {
        markup.element("text", ["class": name, "x": Markup.coordinate(x), "y": Markup.coordinate(y)]) {
            $0.add(tick.text)
            if !tick.exponent.isEmpty {
                $0.element("tspan", ["class": "exponent", "dy": "-0.45em"], text: tick.exponent)
            }
        }
    }

    // MARK: - Lines

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, class name: String, title: String = "") {
        path([[(x1, y1), (x2, y2)]], class: name, title: title)
    }

    /// A path of several pieces, each a list of connected points. A piece of one point becomes a dot of the line's
    /// width.
    mutating func path(_ pieces: [[(x: Double, y: Double)]], class name: String, title: String = "") {
        var data = ""
        for piece in pieces {
            for (index, point) in piece.enumerated() {
                data +=
                    (index == 0 ? "M" : index == 1 ? "L" : " ") + Markup.coordinate(point.x) + " "
                    + Markup.coordinate(point.y)
            }
            if piece.count == 1 { data += "h0" }
        }
        guard !data.isEmpty else { return }
        titled("path", ["class": name, "d": data], title)
    }

    mutating func rectangle(
        x: Double, y: Double, width: Double, height: Double, class name: String = "", fill: String = "",
        title: String = ""
    ) {
        titled(
            "rect",
            [
                "class": name, "x": Markup.coordinate(x), "y": Markup.coordinate(y), "width": Markup.coordinate(width),
                "height": Markup.coordinate(height), "fill": fill,
            ], title)
    }

    /// An image, stretched to a rectangle.
    mutating func image(
        _ image: Picture, x: Double, y: Double, width: Double, height: Double, class name: String = "",
        title: String = ""
    ) {
        titled(
            "image",
            [
                "class": name, "x": Markup.coordinate(x), "y": Markup.coordinate(y), "width": Markup.coordinate(width),
                "height": Markup.coordinate(height), "preserveAspectRatio": "none", "href": image.dataURI,
            ], title)
    }

    /// A closed area.
    mutating func area(_ corners: [(x: Double, y: Double)], class name: String, title: String = "") {
        guard corners.count > 2 else { return }
        let data = corners.map { Markup.coordinate($0.x) + " " + Markup.coordinate($0.y) }.joined(separator: "L")
        titled("path", ["class": name, "d": "M\(data)Z"], title)
    }

    /// The outline of a rectangle in a colour of its own.
    mutating func frame(x: Double, y: Double, width: Double, height: Double, color: String) {
        markup.element(
            "rect",
            [
                "class": "chosen", "x": Markup.coordinate(x), "y": Markup.coordinate(y),
                "width": Markup.coordinate(width),
                "height": Markup.coordinate(height), "rx": "2", "style": "fill:none;stroke:\(color);stroke-width:1.6px",
            ])
    }

    /// Text in a colour of its own, for cells with a background that is not a colour of the theme.
    mutating func text(_ text: String, x: Double, y: Double, color: String) {
        markup.element(
            "text",
            ["class": "middle", "x": Markup.coordinate(x), "y": Markup.coordinate(y), "style": "fill:\(color)"],
            text: text)
    }

    // MARK: - Marks

    /// A mark of a series. The shape numbers are 0 circle, 1 square, 2 triangle, 3 diamond, 4 inverted triangle, 5
    /// plus.
    mutating func mark(_ shape: Int, x: Double, y: Double, radius r: Double, class name: String, title: String = "") {
        if shape % 6 == 0 {
            return titled(
                "circle",
                ["class": name, "cx": Markup.coordinate(x), "cy": Markup.coordinate(y), "r": Markup.coordinate(r)],
                title)
        }
        let c = r / 3, d = 1.3 * r, s = 0.9 * r
        let corners: [(Double, Double)] =
            switch shape % 6 {
            case 1: [(-s, -s), (s, -s), (s, s), (-s, s)]
            case 2: [(0, -d), (d * 0.9, r * 0.8), (-d * 0.9, r * 0.8)]
            case 3: [(0, -d), (d, 0), (0, d), (-d, 0)]
            case 4: [(0, d), (d * 0.9, -r * 0.8), (-d * 0.9, -r * 0.8)]
            default:
                [
                    (-c, -r), (c, -r), (c, -c), (r, -c), (r, c), (c, c), (c, r), (-c, r), (-c, c), (-r, c), (-r, -c),
                    (-c, -c),
                ]
            }
        let data = corners.map { Markup.coordinate(x + $0.0) + " " + Markup.coordinate(y + $0.1) }.joined(
            separator: "L")
        titled("path", ["class": name, "d": "M\(data)Z"], title)
    }

    /// An × where a curve ends early.
    mutating func cross(x: Double, y: Double, class name: String, title: String) {
        path([[(x - 4, y - 4), (x + 4, y + 4)], [(x - 4, y + 4), (x + 4, y - 4)]], class: name, title: title)
    }

    /// - Parameter data: What the script of a page reads from the group; nil for none.
    mutating func group(_ name: String, _ data: CrosshairData? = nil, _ content: (inout Drawing) -> Void) {
        var inner = Drawing(purpose)
        content(&inner)
        if inner.markup.text.isEmpty { return }
        func attribute(_ text: String?) -> String { purpose == .file ? "" : text ?? "" }
        markup.element(
            "g",
            [
                "class": name, "data-name": attribute(data?.name), "data-points": attribute(data?.points),
                "data-frame": attribute(data?.frame), "data-x": attribute(data?.x), "data-y": attribute(data?.y),
                "data-label": attribute(data?.label),
            ]
        ) { $0.add(markup: inner.markup.text) }
    }

    private mutating func titled(_ name: String, _ attributes: Markup.Attributes, _ title: String) {
        if title.isEmpty {
            markup.element(name, attributes)
        } else {
            markup.element(name, attributes) { $0.element("title", text: title) }
        }
    }
}

/// The estimated width of a text: an upper bound for the sans-serif fonts of common systems.
package enum TextWidth {
    /// The width in units of the drawing.
    package static func of(_ text: String, size: Double) -> Double {
        text.unicodeScalars.reduce(0) { $0 + emWidth(of: $1) } * size
    }

    /// Shortens a text in its middle to a width. The ends of paths and keys are the most informative parts.
    static func fitted(_ text: String, size: Double, within width: Double) -> String {
        if of(text, size: size) <= width { return text }
        let letters = Array(text)
        var keptCount = letters.count - 1
        while keptCount > 2 {
            let head = (keptCount + 1) / 2
            let shorter = String(letters.prefix(head)) + "…" + String(letters.suffix(keptCount - head))
            if of(shorter, size: size) <= width { return shorter }
            keptCount -= 1
        }
        return String(letters.prefix(2)) + "…"
    }

    /// The width of a character as a fraction of the font size.
    private static func emWidth(of scalar: Unicode.Scalar) -> Double {
        switch scalar {
        case "i", "l", "j", "I", ".", ",", ":", ";", "'", "|", "!", " ", "(", ")", "[", "]": 0.34
        case "f", "t", "r", "-", "/", "\"": 0.4
        case "m", "w", "M", "W", "@", "%", "—", "…": 0.92
        case "A"..."Z", "−", "+", "=", "×", "<", ">": 0.69
        case "0"..."9": 0.6
        case _ where scalar.value >= 0x2E80: 1.05
        default: 0.58
        }
    }
}
