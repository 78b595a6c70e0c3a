import CoupletTraining

/// One run of a sweep: the base config with one choice of the varied values.
public struct Trial: Sendable {
    /// From 1, in the order of the sweep's combinations.
    public let number: Int
    /// That of its run folder: the number and the values, `003_learning_rate=0.01_seed=2`.
    public let name: String
    /// In the order of the sweep's varied keys.
    public let values: [SweepValue]
    /// Nil where the values do not go together.
    public let configuration: Configuration?
    /// Why there is no configuration; empty where there is one.
    public let problem: String
}
