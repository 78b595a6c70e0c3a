import CCoupletKernels
import CoupletTensors

/// Figures of a tensor that is looked at piece by piece.
public struct TensorSummary: Equatable, Sendable {
    public private(set) var count = 0
    /// Σ x².
    private var squares = 0.0
    /// max |x|.
    public private(set) var largest: Float = 0
    private var zeros = 0
    /// How many numbers are NaN or infinite.
    public private(set) var notFinite = 0

    public init() {}
    init(_ tensor: Tensor) { add(tensor) }

    /// √Σ x².
    public var norm: Double { squares.squareRoot() }
    /// √(Σ x² / count).
    public var rootMeanSquare: Double { count > 0 ? (squares / Double(count)).squareRoot() : 0 }
    /// The share of numbers that are 0.
    public var zeroShare: Double { count > 0 ? Double(zeros) / Double(count) : 0 }

    mutating func add(_ tensor: Tensor) {
        squares += couplet_squared_norm(tensor.count, tensor.pointer)
        for position in 0..<tensor.count {
            let value = abs(tensor.pointer[position])
            if value == 0 { zeros += 1 }
            if value.isFinite { largest = max(largest, value) } else { notFinite += 1 }
        }
        count += tensor.count
    }
}
