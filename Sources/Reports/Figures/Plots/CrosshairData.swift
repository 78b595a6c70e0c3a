import CoupletText

/// What the script of a page needs to show the values of a plot's curves at one x: attributes of the drawing's groups.
///
/// The group of a plot has its axes, `data-x="log 1 200"`, and their position, `data-frame="left top right bottom"`, in
/// units of the drawing. The group of a curve has its name and points, `data-points="10 4.65 20 4.61"`.
struct CrosshairData {
    var name: String?
    var points: String?
    var frame: String?
    var x: String?
    var y: String?
    var label: String?

    /// The class of a plot's group.
    static let plotClass = "plot"
    /// Largest number of points of a curve. Of longer curves, as many points are spread evenly over all.
    static let maximumPoints = 160
}

extension PlotLayout {
    /// The axes of a plot; nil if it has no curve whose values a reader may want.
    func crosshair(_ plot: Plot) -> CrosshairData? {
        guard plot.x.categories == nil, plot.series.contains(where: { crosshair($0) != nil }) else { return nil }
        func text(_ scale: Scale) -> String {
            "\(scale.isLogarithmic ? "log" : "linear") \(scale.lower) \(scale.upper)"
        }
        return CrosshairData(
            frame: [left, top, right, bottom].map(Markup.coordinate).joined(separator: " "), x: text(xScale),
            y: text(yScale), label: plot.x.label)
    }

    /// The values of a curve; nil for marks, bars and the curves in the background.
    func crosshair(_ series: Series) -> CrosshairData? {
        guard series.style == .line || series.style == .markedLine, !series.appearance.isBackground else { return nil }
        let placed = series.points.filter { position($0.x, $0.y) != nil }
        guard placed.count > 1 else { return nil }
        let last = placed.count - 1, count = min(placed.count, CrosshairData.maximumPoints)
        let shown = (0..<count).map { placed[$0 * last / (count - 1)] }
        return CrosshairData(
            name: series.name.isEmpty ? " " : series.name,
            points: shown.map { "\(Self.text($0.x)) \(Self.text($0.y))" }.joined(separator: " "))
    }

    /// A number in ASCII: all digits of a whole one, such as a step, five significant ones of any other.
    private static func text(_ value: Double) -> String {
        Int(exactly: value).map(String.init) ?? NumberText.significant(value)
    }
}
