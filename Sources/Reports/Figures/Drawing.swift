/// What figures draw with: lines, marks and texts, by the classes of `Theme`.
public struct Drawing: Sendable {
    private(set) var markup = Markup()

    init() {}

    // MARK: Texts

    /// - Parameter width: the text is cut to it; whole, it then shows under the pointer.
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

    /// A tick's label, its exponent raised.
    mutating func text(_ tick: Tick, x: Double, y: Double, class name: String) {
        markup.element("text", ["class": name, "x": Markup.coordinate(x), "y": Markup.coordinate(y)]) {
            $0.add(tick.text)
            if !tick.exponent.isEmpty {
                $0.element("tspan", ["class": "exponent", "dy": "-0.45em"], text: tick.exponent)
            }
        }
    }

    // MARK: Lines

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, class name: String, title: String = "") {
        path([[(x1, y1), (x2, y2)]], class: name, title: title)
    }

    /// Connected points, a path a piece; a piece of one point is drawn as a dot of the line's width.
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

    /// The outline of a rectangle, in a colour that stands out from what is within.
    mutating func frame(x: Double, y: Double, width: Double, height: Double, color: String) {
        markup.element(
            "rect",
            [
                "class": "chosen", "x": Markup.coordinate(x), "y": Markup.coordinate(y),
                "width": Markup.coordinate(width),
                "height": Markup.coordinate(height), "rx": "2", "style": "fill:none;stroke:\(color);stroke-width:1.6px",
            ])
    }

    /// Text in a colour of its own, for cells whose ground is no colour of the theme.
    mutating func text(_ text: String, x: Double, y: Double, color: String) {
        markup.element(
            "text",
            ["class": "middle", "x": Markup.coordinate(x), "y": Markup.coordinate(y), "style": "fill:\(color)"],
            text: text)
    }

    // MARK: Marks

    /// A mark of a series: circle, square, triangle, diamond, triangle on its head, cross, by number.
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

    /// Where a curve breaks off.
    mutating func cross(x: Double, y: Double, class name: String, title: String) {
        path([[(x - 4, y - 4), (x + 4, y + 4)], [(x - 4, y + 4), (x + 4, y - 4)]], class: name, title: title)
    }

    mutating func group(_ name: String, _ content: (inout Drawing) -> Void) {
        var inner = Drawing()
        content(&inner)
        if inner.markup.text.isEmpty { return }
        markup.element("g", ["class": name]) { $0.add(markup: inner.markup.text) }
    }

    private mutating func titled(_ name: String, _ attributes: Markup.Attributes, _ title: String) {
        if title.isEmpty {
            markup.element(name, attributes)
        } else {
            markup.element(name, attributes) { $0.element("title", text: title) }
        }
    }
}
