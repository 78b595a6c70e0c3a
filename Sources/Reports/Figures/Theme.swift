/// The colours of figures and pages, for light and dark backgrounds, and the CSS rules that use them.
///
/// Series have six hues. They differ under all common kinds of colour blindness and have a contrast of at least 3 to 1
/// with the background. Further series repeat the hues with dashed lines.
enum Theme {
    /// A CSS variable, with its value on a light and on a dark background.
    struct Color: Sendable {
        let name: String
        let light: String
        let dark: String
    }

    static let hueCount = 6
    /// Number of series that colour and dash distinguish.
    static let seriesCount = 12

    static let ground = Color(name: "ground", light: "#ffffff", dark: "#15181d")
    static let hues = [
        Color(name: "hue1", light: "#0a6ebd", dark: "#49b9ff"),
        Color(name: "hue2", light: "#e06000", dark: "#ee6a20"),
        Color(name: "hue3", light: "#00a078", dark: "#3c9b89"),
        Color(name: "hue4", light: "#a83279", dark: "#f3b6dc"),
        Color(name: "hue5", light: "#7a5c00", dark: "#f5f08a"),
        Color(name: "hue6", light: "#1d1a5e", dark: "#9961d2"),
    ]
    /// The colours of ranks, from the worst fifth to the best. Better ranks stand out more.
    static let ranks = [
        Color(name: "rank1", light: "#c9ced6", dark: "#3c434d"),
        Color(name: "rank2", light: "#a3b8cf", dark: "#46617f"),
        Color(name: "rank3", light: "#6f9cc9", dark: "#4f86bd"),
        Color(name: "rank4", light: "#2f76b8", dark: "#62b0f5"),
        Color(name: "rank5", light: "#0b3f78", dark: "#cfe6ff"),
    ]
    static let colors =
        [
            ground,
            Color(name: "ink", light: "#1b2028", dark: "#e6e9ee"),
            Color(name: "muted", light: "#5a6472", dark: "#a0a9b6"),
            Color(name: "grid", light: "#e4e7ec", dark: "#2b313a"),
            Color(name: "axis", light: "#9aa3b0", dark: "#606b79"),
            Color(name: "card", light: "#f6f7f9", dark: "#1c2026"),
            Color(name: "shadow", light: "#8b95a3", dark: "#77828f"),
            Color(name: "warning", light: "#8f3d00", dark: "#ffb37a"),
            Color(name: "best", light: "#e3f1e9", dark: "#1d3a2e"),
        ] + hues + ranks

    /// The CSS variables of all colours, `--ink: …;`, for light and for dark backgrounds.
    static var variables: String {
        ":root{color-scheme:light dark;" + colors.map { "--\($0.name):\($0.light);" }.joined() + "}"
            + "@media (prefers-color-scheme:dark){:root{" + colors.map { "--\($0.name):\($0.dark);" }.joined() + "}}"
    }

    /// The rules for figures in a page that sets the variables.
    static var figureRules: String { shapes + paint { "var(--\($0.name))" } }

    /// The rules for a figure in a file of its own. They contain the colours themselves, because many SVG viewers do
    /// not support CSS variables.
    static var standaloneRules: String {
        shapes + paint(\.light) + "@media (prefers-color-scheme:dark){" + paint(\.dark) + "}"
    }

    private static let shapes = """
        .figure{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;font-size:12px;\
        font-variant-numeric:tabular-nums}\
        .figure .title{font-size:14px;font-weight:600}\
        .line,.gridline,.axis,.error,.reference,.fit,.path{fill:none;vector-effect:non-scaling-stroke}\
        .line{stroke:currentColor;stroke-width:1.8px;stroke-linejoin:round;stroke-linecap:round}\
        .raw{stroke-width:1px;opacity:.4}\
        .quiet{stroke-width:1px;opacity:.45}\
        .path{stroke:currentColor;stroke-width:1.5px;stroke-linejoin:round;opacity:.9}\
        .dashed{stroke-dasharray:6 4}\
        .gridline{stroke-width:1px}.axis{stroke-width:1px}\
        .error{stroke:currentColor;stroke-width:1.2px}\
        .fit{stroke:currentColor;stroke-width:1.4px;stroke-dasharray:2 3}\
        .reference{stroke-width:1.2px;stroke-dasharray:7 3 2 3}\
        .mark{fill:currentColor;stroke-width:1px}\
        .dot{fill:currentColor;opacity:.45}\
        .hover{fill:currentColor;fill-opacity:0}.hover:hover,.path:hover{fill-opacity:1}.path:hover{fill:none;\
        stroke-width:4px;opacity:1}\
        .end{text-anchor:end}.middle{text-anchor:middle}\
        .exponent{font-size:.78em}\
        .halo{paint-order:stroke;stroke-width:3px;stroke-linejoin:round}\
        .small{font-size:.88em}\
        .pixels{image-rendering:pixelated}\
        .framed{fill:none;stroke:currentColor;stroke-width:2.2px}\
        .wrong{stroke-width:1.3px;stroke-dasharray:3 2.5}\
        .badge{fill:currentColor}\
        .check{fill:none;stroke:#fff;stroke-width:1.5px}\
        .bar{fill:currentColor;fill-opacity:.75}\
        .envelope{fill:currentColor;fill-opacity:.18;stroke:none}\
        .band{fill:currentColor;fill-opacity:.16;stroke:currentColor;stroke-width:1px;stroke-opacity:.6}\
        .stream{fill:none;stroke:#10161d;stroke-width:.7px;opacity:.4}\
        .arrow{fill:none;stroke:#10161d;stroke-width:.9px;opacity:.55}\
        .casing,.track{fill:none;stroke-linejoin:round}\
        .casing{stroke:#fff;stroke-width:3.6px;opacity:.8}\
        .track{stroke:#10161d;stroke-width:1.7px}\
        .observed{fill:#10161d;stroke:#fff;stroke-width:.8px}\
        .start{fill:#fff;stroke:#10161d;stroke-width:1.7px}
        """

    private static func paint(_ value: (Color) -> String) -> String {
        func color(_ name: String) -> String { colors.first { $0.name == name }.map(value) ?? "currentColor" }
        let fixed = [
            ".figure text{fill:\(color("ink"))}", ".figure text.muted{fill:\(color("muted"))}",
            ".backdrop{fill:\(color("ground"))}", ".gridline{stroke:\(color("grid"))}",
            ".axis{stroke:\(color("axis"))}",
            ".reference,.neutral{color:\(color("muted"))}", ".reference{stroke:\(color("muted"))}",
            ".mark{stroke:\(color("ground"))}", ".absent{fill:\(color("card"));stroke:\(color("grid"))}",
            ".halo{stroke:\(color("ground"))}", ".right{color:\(color("hue3"))}", ".wrong{color:\(color("hue2"))}",
        ]
        return fixed.joined()
            + hues.enumerated().map { ".hue\($0 + 1){color:\(value($1))}" }.joined()
            + ranks.enumerated().map { ".rank\($0 + 1){color:\(value($1))}" }.joined()
    }
}
