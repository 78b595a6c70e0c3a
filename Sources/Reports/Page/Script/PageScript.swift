/// The script of a page: sorting of tables, the values of curves under a crosshair, and the switch of horizontal axes.
/// Without it a page shows everything once; the script loads nothing.
enum PageScript {
    /// The text of the element `script`. The comments keep it well-formed XML, in which a script may contain neither
    /// "<" nor "&", while a browser that reads HTML takes them for comments of the script.
    static var text: String {
        "//<![CDATA[\n\"use strict\";\n" + TableSortingScript.text + AxisSwitchScript.text + CrosshairScript.text
            + "//]]>\n"
    }
}
