/// The folder of a sweep, and where its files lie.
public struct SweepFolder: Equatable, Sendable {
    public let path: String

    public init(path: String) { self.path = path }

    /// The sweep as its first start fixed it.
    public var specification: String { "\(path)/sweep.yaml" }
    /// A row a trial: its name, status, the varied values, the metric, digest, seconds, reason.
    public var table: String { "\(path)/sweep.csv" }
    /// The run folder of a trial.
    public func trial(_ name: String) -> String { "\(path)/trials/\(name)" }
}
