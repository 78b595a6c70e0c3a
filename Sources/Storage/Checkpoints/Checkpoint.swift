import CoupletFiles
import CoupletTensors

/// The state of a run between two steps: all that is needed to resume with the same bits, on any number of workers.
///
/// The step gives the position in the data: draw n = step · B + position in the batch, for batch size B. Arrays are
/// named by path: "first/0/weight", "second/1/bias", "objective/log_inverse_temperature". The path of a moment is the
/// path of its parameter, then the name of the moment: "first/0/weight/first_moment". The order of the arrays has no
/// meaning.
public struct Checkpoint: Sendable {
    public typealias NamedArray = (path: String, array: CheckpointArray)

    /// Number of completed steps.
    public var step: Int
    public var seed: UInt64
    /// Number of shards of a batch, S. A run with another S has other bits.
    public var shards: Int
    /// The resolved config, as YAML.
    public var configuration: String
    /// Name and version of the program that wrote the checkpoint.
    public var writtenBy: String
    /// The instruction set of the kernels that the writer used, for information: bits are equal for all of them. In
    /// checkpoints of format version 1 it is OpenBLAS's core type.
    public var cpuKernels: String
    /// The version of the file's format (`CheckpointFormat`).
    public internal(set) var formatVersion = CheckpointFormat.version
    /// Further named scalars, such as schedule_steps.
    public var scalars: [(name: String, value: AttributeValue)]
    public var parameters: [NamedArray]
    /// The moments of the optimizer, and the moving average of the parameters; empty for plain SGD without average.
    public var optimizer: [NamedArray]
    /// Running statistics; empty without batch normalisation.
    public var statistics: [NamedArray]
    /// The labels of the rows of a label encoder, ascending, by modality ("first", "second"). A modality without an
    /// entry has labels that are row numbers, or no labels. The digest leaves them out, because they are names.
    public var labels: [(modality: String, labels: [Int])]
    /// The content of the tokenizer of a modality: its words, or its model. The digest leaves it out, because it is no
    /// state: the scalars name the tokenizer.
    public var tokenizers: [(modality: String, content: [UInt8])]

    public init(
        step: Int, seed: UInt64, shards: Int, configuration: String, writtenBy: String,
        cpuKernels: String = InstructionSet.current.rawValue, scalars: [(name: String, value: AttributeValue)] = [],
        parameters: [NamedArray], optimizer: [NamedArray] = [], statistics: [NamedArray] = [],
        labels: [(modality: String, labels: [Int])] = [],
        tokenizers: [(modality: String, content: [UInt8])] = []
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
        self.labels = labels
        self.tokenizers = tokenizers
    }

    /// The parameter at a path; nil if there is none.
    public func parameter(_ path: String) -> CheckpointArray? { parameters.first { $0.path == path }?.array }
    /// The moment or moving average at a path; nil if there is none.
    public func moment(_ path: String) -> CheckpointArray? { optimizer.first { $0.path == path }?.array }
    /// The running statistic at a path; nil if there is none.
    public func statistic(_ path: String) -> CheckpointArray? { statistics.first { $0.path == path }?.array }

    /// Number of elements in all parameters.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.array.count } }

    /// The groups of arrays, named as in the file.
    enum Group: String, CaseIterable {
        case parameters, optimizer, statistics
    }

    /// The groups with their arrays, in the order of the digest.
    var groups: [(name: String, arrays: [NamedArray])] {
        Group.allCases.map { group in
            switch group {
            case .parameters: (group.rawValue, parameters)
            case .optimizer: (group.rawValue, optimizer)
            case .statistics: (group.rawValue, statistics)
            }
        }
    }

    /// A copy that shares no memory with this checkpoint, to be written while training continues.
    public func copied() -> Checkpoint {
        var copy = self
        copy.parameters = parameters.map { ($0.path, $0.array.copied()) }
        copy.optimizer = optimizer.map { ($0.path, $0.array.copied()) }
        copy.statistics = statistics.map { ($0.path, $0.array.copied()) }
        return copy
    }
}

/// A multidimensional array of numbers in a checkpoint.
public struct CheckpointArray: Sendable {
    public enum Values: Sendable {
        case floats(Tensor)
        /// Row-major. Float64 serves scalars such as a log inverse temperature.
        case doubles([Double])
    }

    public let shape: [Int]
    public let values: Values

    public init(_ tensor: Tensor) {
        shape = tensor.shape
        values = .floats(tensor)
    }

    public init(_ doubles: [Double], shape: [Int]) {
        precondition(doubles.count == shape.reduce(1, *), "\(doubles.count) numbers for the shape \(shape)")
        self.shape = shape
        values = .doubles(doubles)
    }

    /// A scalar: its shape is empty.
    public init(_ double: Double) { self.init([double], shape: []) }

    public var count: Int { shape.reduce(1, *) }

    /// The Float32 numbers; nil if the array holds Float64 numbers.
    public var tensor: Tensor? { if case .floats(let tensor) = values { tensor } else { nil } }

    /// The Float64 numbers; nil if the array holds Float32 numbers.
    public var doubles: [Double]? { if case .doubles(let doubles) = values { doubles } else { nil } }

    fileprivate func copied() -> CheckpointArray {
        guard let tensor else { return self }
        let copy = Tensor(shape)
        copy.copy(from: tensor)
        return CheckpointArray(copy)
    }
}

// MARK: - Digest

extension Checkpoint {
    /// SHA-256 of the state on which the next step depends, as 64 hexadecimal digits. It does not depend on the file.
    ///
    /// The bytes are, in this order, with all numbers little-endian:
    /// 1. "couplet state 1\n"; the step, then the seed, 64 bits each;
    /// 2. for each of the groups "parameters", "optimizer", "statistics", for each of its arrays, sorted by the bytes
    ///    of the path: "GROUP/PATH" in UTF-8; a zero byte; "f4" or "f8"; the rank, then each extent, 64 bits each; the
    ///    numbers, row-major.
    ///
    /// The step stands for the position in the data. The digest leaves out the number of workers, times and the other
    /// scalars. It also leaves out the text of the config, because the numbers show its effect.
    public var digest: String {
        var digest = Digest()
        digest.update("couplet state 1\n")
        digest.update(UInt64(bitPattern: Int64(step)))
        digest.update(seed)
        for (group, arrays) in groups { digest.update(arrays, group: group) }
        return digest.hexadecimal
    }

    /// SHA-256 of the parameters and of the running statistics of encoders alone, as 64 hexadecimal digits. It says
    /// whether two runs have the same model, whatever their optimizers and steps.
    ///
    /// The bytes are "couplet parameters 1\n", then the groups "parameters" and "statistics" as in `digest`, without
    /// the scaling of inputs ("statistics/data/…").
    public var parametersDigest: String {
        var digest = Digest()
        digest.update("couplet parameters 1\n")
        digest.update(parameters, group: Group.parameters.rawValue)
        digest.update(statistics.filter { !$0.path.hasPrefix("data/") }, group: Group.statistics.rawValue)
        return digest.hexadecimal
    }
}

extension Digest {
    /// Adds named arrays, sorted by the bytes of their paths.
    fileprivate mutating func update(_ arrays: [Checkpoint.NamedArray], group: String) {
        for (path, array) in arrays.sorted(by: { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }) {
            update("\(group)/\(path)\0")
            switch array.values {
            case .floats(let tensor):
                update("f4")
                update([array.shape.count] + array.shape)
                update(tensor)
            case .doubles(let doubles):
                update("f8")
                update([array.shape.count] + array.shape)
                update(doubles)
            }
        }
    }

    /// Adds the Float32 numbers of a tensor, little-endian, row-major, without its shape.
    public mutating func update(_ tensor: Tensor) {
        update(UnsafeRawBufferPointer(start: tensor.pointer, count: tensor.count * MemoryLayout<Float>.stride))
    }
}
