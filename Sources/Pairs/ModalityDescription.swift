/// What one modality of a source looks like to an encoder.
public struct ModalityDescription: Equatable, Sendable {
    /// The shape of one sample, as the encoder gets it: [8], [1, 28, 28]; [1] for a label.
    public let shape: [Int]
    /// Where samples are labels: how many there are, 0 … classes - 1. A label travels as a Float32 holding the integer.
    public let classes: Int?

    public init(shape: [Int], classes: Int? = nil) {
        self.shape = shape
        self.classes = classes
    }
}
