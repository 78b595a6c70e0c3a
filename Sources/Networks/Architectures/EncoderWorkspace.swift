import CoupletTensors

/// What one worker needs to run an encoder forward and backward, made once and used in every step: no step allocates.
///
/// It keeps the activations of `slots` shards. With as many slots as the worker has shards, backward uses what forward left; with one
/// slot, forward runs over all shards for their embeddings and again, shard by shard, before each backward. The bits are the same.
public struct EncoderWorkspace: Sendable {
    /// The rows of a shard.
    public let rows: Int
    /// How many shards' activations are kept.
    public let slots: Int
    public let memory: EncoderMemory
    /// [slot][layer]: outputs of all layers but the last, whose output is the embedding and lies with the caller.
    package let outputs: [[Tensor]]
    /// [slot][layer]
    let kept: [[Tensor]]
    /// [layer]: gradients of `outputs`, alternately in two buffers. Empty where there is no backward.
    let gradients: [Tensor]
    let scratch: Tensor

    /// - Parameters:
    ///   - rows: the rows of a shard.
    ///   - slots: how many shards' activations are kept.
    ///   - backward: false where only forward will run, as in an evaluation.
    public init(_ encoder: Encoder, rows: Int, slots: Int, backward: Bool = true) {
        precondition(rows > 0 && slots > 0, "a workspace of \(slots) slots of \(rows) rows")
        let hidden = encoder.layers.dropLast()
        self.rows = rows
        self.slots = slots
        memory = encoder.memory(rows: rows, slots: slots, backward: backward)
        outputs = (0..<slots).map { _ in hidden.map { Tensor([rows] + $0.outputShape) } }
        kept = (0..<slots).map { _ in encoder.layers.map { Tensor([$0.keptCount(rows: rows)]) } }
        scratch = Tensor([encoder.scratchCount(rows: rows)])
        if backward {
            let halves = encoder.gradientHalves(rows: rows).map { Tensor([$0]) }
            gradients = hidden.enumerated().map { number, layer in
                halves[number % 2].flat(0..<(rows * layer.outputCount)).reshaped([rows] + layer.outputShape)
            }
        } else {
            gradients = []
        }
    }

    /// What a layer but the last gave in the last forward into a slot: rows × its output shape.
    package func output(ofLayer layer: Int, slot: Int) -> Tensor { outputs[slot][layer] }
}
