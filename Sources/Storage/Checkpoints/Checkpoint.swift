import CoupletTensors

/// All that a run is between two steps: enough to go on with the same bits, on any number of workers.
///
/// The position in the data is the step, for draw n = step · B + position in the batch. Arrays are named by path: "first/0/weight",
/// "second/1/bias", "objective/log_inverse_temperature"; moments by the parameter's path and their own name,
/// "first/0/weight/first_moment". The order of the arrays has no meaning.
public struct Checkpoint: Sendable {
    public typealias NamedArray = (path: String, array: CheckpointArray)

    /// The steps done.
    public var step: Int
    public var seed: UInt64
    /// S, the number of shards of a batch: another S is another run.
    public var shards: Int
    /// The resolved config, as YAML.
    public var configuration: String
    /// What wrote this: name and version of the program.
    public var writtenBy: String
    /// OpenBLAS's core type: bits are equal on one core type.
    public var cpuKernels: String
    /// Further named scalars, such as schedule_steps.
    public var scalars: [(name: String, value: AttributeValue)]
    public var parameters: [NamedArray]
    /// The optimizer's moments; none for plain SGD.
    public var optimizer: [NamedArray]
    /// Running statistics; none without batch normalisation.
    public var statistics: [NamedArray]

    public init(
        step: Int, seed: UInt64, shards: Int, configuration: String, writtenBy: String,
        cpuKernels: String = OpenBLAS.coreType, scalars: [(name: String, value: AttributeValue)] = [],
        parameters: [NamedArray], optimizer: [NamedArray] = [], statistics: [NamedArray] = []
    ) {
        self.step = step
        self.seed = seed
        self.shards = shards
        self.configuration = configuration
        self.writtenBy = writtenBy
        self.cpuKernels = cpuKernels
        self.scalars = scalars
        self.parameters = parameters
        self.optimizer = optimizer
        self.statistics = statistics
    }

    /// The parameter of a path; nil where there is none.
    public func parameter(_ path: String) -> CheckpointArray? { parameters.first { $0.path == path }?.array }
    /// The moment of a path; nil where there is none.
    public func moment(_ path: String) -> CheckpointArray? { optimizer.first { $0.path == path }?.array }
    /// The running statistic of a path; nil where there is none.
    public func statistic(_ path: String) -> CheckpointArray? { statistics.first { $0.path == path }?.array }

    /// The numbers in all parameters.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.array.count } }

    /// The three groups of arrays, by the name of their group in the file, in the digest's order.
    var groups: [(name: String, arrays: [NamedArray])] {
        [("parameters", parameters), ("optimizer", optimizer), ("statistics", statistics)]
    }

    /// The same content in memory of its own, to be written while training goes on.
    public func copied() -> Checkpoint {
        var copy = self
        copy.parameters = parameters.map { ($0.path, $0.array.copied()) }
        copy.optimizer = optimizer.map { ($0.path, $0.array.copied()) }
        copy.statistics = statistics.map { ($0.path, $0.array.copied()) }
        return copy
    }
}
