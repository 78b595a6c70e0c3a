/// What runs and sweeps look like, in one HTML file or as plots of their own.
public struct Report {
    /// The folders of runs and sweeps that it tells of.
    public let folders: [String]

    public init(folders: [String]) { self.folders = folders }
}
