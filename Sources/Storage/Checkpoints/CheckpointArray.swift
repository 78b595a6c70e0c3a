import CoupletTensors

/// The numbers of one dataset of a checkpoint.
public struct CheckpointArray: Sendable {
    public enum Values: Sendable {
        case floats(Tensor)
        /// Row-major; for scalars that are kept in Double, such as a log inverse temperature.
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

    /// A single Double, without extents.
    public init(_ double: Double) { self.init([double], shape: []) }

    public var count: Int { shape.reduce(1, *) }

    /// The numbers as Float32; nil where they are Doubles.
    public var tensor: Tensor? { if case .floats(let tensor) = values { tensor } else { nil } }

    /// The numbers as Doubles; nil where they are Float32.
    public var doubles: [Double]? { if case .doubles(let doubles) = values { doubles } else { nil } }

    /// The same numbers in memory of their own.
    func copied() -> CheckpointArray {
        guard let tensor else { return self }
        let copy = Tensor(shape)
        copy.copy(from: tensor)
        return CheckpointArray(copy)
    }
}
