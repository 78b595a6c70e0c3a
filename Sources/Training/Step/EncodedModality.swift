import CoupletTensors

/// One modality of a step in one worker's hands: the encoder, and which of its inputs are this modality's: its batch and, for a loss that takes one, the
/// second.
package struct EncodedModality {
    let trainer: EncoderTrainer
    let inputs: Range<Int>

    /// The encodings of each batch, B/W × e.
    package var outputs: [Tensor] { Array(trainer.outputs[inputs]) }
}
