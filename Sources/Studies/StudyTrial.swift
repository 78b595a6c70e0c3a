/// A finished trial of a study's sweep, with what its page tells of it.
protocol StudyTrial: Sendable {
    /// - Throws: where the run is damaged, or none that the study's sweeps train.
    init(reading path: String, name: String) throws
}
