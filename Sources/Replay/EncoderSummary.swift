import CCoupletKernels
import CoupletPairs
import CoupletTensors

/// Summary of one encoder in a replayed step: its inputs, layers, gradients and parameters.
public struct EncoderSummary: Equatable, Sendable {
    /// A layer's output over the batch. The output of the last layer is the encodings.
    public struct Layer: Equatable, Sendable {
        /// The layer's type, such as Linear.
        public let kind: String
        /// Shape of the output for one sample.
        public let shape: [Int]
        public let output: TensorSummary
    }

    /// One parameter tensor.
    public struct Parameter: Equatable, Sendable {
        /// Path as in a checkpoint, without the encoder: "0/weight".
        public let path: String
        public let shape: [Int]
        public let before: TensorSummary
        /// ∂ loss / ∂ parameter, before clipping; 0 if the encoder is frozen.
        public let gradient: TensorSummary
        public let after: TensorSummary
        /// |after - before|.
        public let updateNorm: Double

        /// |after - before| / |before|; nil if the parameter was 0.
        public var updateRatio: Double? { before.norm > 0 ? updateNorm / before.norm : nil }
    }

    public let modality: Modality
    public let inputs: TensorSummary
    public let layers: [Layer]
    /// ∂ loss / ∂ encodings.
    public let encodingGradients: TensorSummary
    public let parameters: [Parameter]
    /// √Σ |gradient|² over the encoder's parameters.
    public let gradientNorm: Double
}

/// Norm, largest magnitude, and counts of zeros and of non-finite elements of a tensor. Pieces of a tensor can be added
/// one by one.
public struct TensorSummary: Equatable, Sendable {
    public private(set) var count = 0
    /// Σ x².
    private var squares = 0.0
    /// max |x| over the finite elements.
    public private(set) var largest: Float = 0
    private var zeros = 0
    /// Number of elements that are NaN or infinite.
    public private(set) var notFinite = 0

    public init() {}
    init(_ tensor: Tensor) { add(tensor) }

    /// √Σ x².
    public var norm: Double { squares.squareRoot() }
    /// √(Σ x² / count).
    public var rootMeanSquare: Double { count > 0 ? (squares / Double(count)).squareRoot() : 0 }
    /// The share of elements that are 0.
    public var zeroShare: Double { count > 0 ? Double(zeros) / Double(count) : 0 }

    mutating func add(_ tensor: Tensor) {
        squares += couplet_squared_norm(tensor.count, tensor.pointer)
        for index in 0..<tensor.count {
            let value = abs(tensor.pointer[index])
            if value == 0 { zeros += 1 }
            if value.isFinite { largest = max(largest, value) } else { notFinite += 1 }
        }
        count += tensor.count
    }
}
