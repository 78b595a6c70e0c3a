import CoupletOptimizers
import CoupletPairs

/// Everything that a run is made from: what a YAML file says, with every default filled in.
///
/// Two runs of equal configurations (but for `name`, `train` and `evaluation`) have the same parameters after every step, bit for
/// bit, on one kind of CPU. Keys in a file are in snake_case; the property `learningRate` of `optimizer` is `optimizer.learning_rate`.
/// Paths in `data` and `initialize` are relative to the folder in which the program runs; `~` is not expanded.
public struct Configuration: Equatable, Sendable {
    /// What the run is called; the name of the file without its ending where the file does not say.
    public var name: String
    /// From which every random number of the run follows.
    public var seed: UInt64
    /// The block `data`: where the pairs come from.
    public var source: SourceSpecification
    public var encoders: Encoders
    /// The block `initialize`; nil: both encoders start from random numbers and are trained.
    public var initialization: Initialization?
    public var objective: Objective
    public var batch: Batch
    public var optimizer: Optimizer
    public var evaluation: Evaluation
    public var train: Train

    public init(
        name: String, seed: UInt64 = 1, source: SourceSpecification, encoders: Encoders,
        initialization: Initialization? = nil,
        objective: Objective = Objective(), batch: Batch, optimizer: Optimizer = Optimizer(),
        evaluation: Evaluation = Evaluation(), train: Train
    ) {
        self.name = name
        self.seed = seed
        self.source = source
        self.encoders = encoders
        self.initialization = initialization
        self.objective = objective
        self.batch = batch
        self.optimizer = optimizer
        self.evaluation = evaluation
        self.train = train
    }
}
