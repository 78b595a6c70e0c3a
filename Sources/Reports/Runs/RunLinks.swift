/// The pages of single runs and trials that a report links to: paths relative to its own page, by the folders of the
/// runs. Empty for a page on its own.
struct RunLinks: Sendable {
    private var paths: [String: String] = [:]

    init() {}

    /// - Parameters:
    ///   - folder: The folder of the pages, relative to the page with the links.
    ///   - names: The name of each run's page, without ".html", and the run's folder.
    init(in folder: String, _ names: [(name: String, run: String)]) {
        paths = Dictionary(names.map { ($0.run, "\(folder)/\($0.name).html") }, uniquingKeysWith: { first, _ in first })
    }

    /// The page of a run by the run's folder; nil if there is none.
    subscript(run: String) -> String? { paths[run] }
}
