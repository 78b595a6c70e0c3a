import CoupletNetworks
import CoupletPairs

/// What happened in one encoder in a step.
public struct EncoderSummary: Equatable, Sendable {
    /// The output of a layer, over the batch; that of the last is the encodings.
    public struct Layer: Equatable, Sendable {
        /// The layer's type, such as Linear.
        public let kind: String
        /// Of one sample.
        public let shape: [Int]
        public let output: TensorSummary
    }

    /// One parameter tensor.
    public struct Parameter: Equatable, Sendable {
        /// As in a checkpoint, without the encoder: "0/weight".
        public let path: String
        public let shape: [Int]
        public let before: TensorSummary
        /// ∂ loss / ∂ parameter, before clipping; 0 where the encoder is frozen.
        public let gradient: TensorSummary
        public let after: TensorSummary
        /// |after - before|.
        public let updateNorm: Double

        /// |after - before| / |before|; nil where the parameter was 0.
        public var updateRatio: Double? { before.norm > 0 ? updateNorm / before.norm : nil }
    }

    public let modality: Modality
    public let inputs: TensorSummary
    public let layers: [Layer]
    /// ∂ loss / ∂ encodings.
    public let encodingGradients: TensorSummary
    public let parameters: [Parameter]
    /// √Σ |gradient|² over its parameters.
    public let gradientNorm: Double
}
