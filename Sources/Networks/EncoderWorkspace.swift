import CoupletTensors

/// The memory that one worker needs to run an encoder forward and backward. It is allocated once, so training steps
/// allocate nothing.
///
/// A workspace keeps the activations of each of its slots, one for each shard of the worker, or it recomputes them
/// (`ActivationPlan`): then it holds the inputs of the blocks of layers, and the activations of one block. Both give
/// the same bits.
public struct EncoderWorkspace: Sendable {
    /// Rows of a shard.
    public let rows: Int
    /// Number of shards.
    public let slots: Int
    public let memory: EncoderMemory
    /// Whether backward recomputes activations.
    public let recomputes: Bool
    /// The layers of each block, in ascending order. A workspace that keeps activations has one block.
    public let blocks: [Range<Int>]
    /// Whether the inputs of the blocks of all slots stay after forward.
    package let keepsBlockInputs: Bool
    /// [slot][layer index]: outputs of all layers but the last, where the layer writes them. The caller owns the last
    /// output, the embeddings. One slot stands for all if activations are not kept for each.
    let outputs: [[Tensor]]
    /// [slot][layer index]: data that forward saves for backward in addition to outputs; as `outputs`.
    let savedForBackward: [[Tensor]]
    /// [layer index]: gradients of `outputs`, alternately in two buffers. Empty in a workspace for forward only.
    let gradients: [Tensor]
    let scratch: Tensor
    /// The valid positions of each row of the shard in work; no floats if the encoder does not read token ids.
    let lengths: Tensor

    /// - Parameters:
    ///   - rows: rows of a shard.
    ///   - slots: number of shards.
    ///   - backward: false for a workspace that only forward uses, as in an evaluation. It keeps nothing.
    ///   - recomputes: whether backward recomputes activations, for less memory.
    public init(_ encoder: Encoder, rows: Int, slots: Int, backward: Bool = true, recomputes: Bool = false) {
        precondition(rows > 0 && slots > 0, "a workspace of \(slots) slots of \(rows) rows")
        let layers = encoder.layers, hidden = layers.dropLast()
        let plan = ActivationPlan(layers, rows: rows, slots: slots, backward: backward, recomputes: recomputes)
        self.rows = rows
        self.slots = slots
        self.recomputes = plan.recomputes
        blocks = plan.blocks
        keepsBlockInputs = plan.keepsBlockInputs
        memory = encoder.memory(rows: rows, slots: slots, backward: backward, recomputes: recomputes)
        scratch = Tensor([encoder.scratchCount(rows: rows)])
        lengths = Tensor([encoder.lengthsCount(rows: rows)])

        func alternating(_ counts: [Int]) -> [Tensor] {
            let buffers = counts.map { Tensor([$0]) }
            return hidden.enumerated().map { index, layer in
                let count = rows * layer.outputCount, buffer = buffers[index % 2]
                return count > buffer.count ? buffer : buffer.flat(0..<count).reshaped([rows] + layer.outputShape)
            }
        }
        gradients = plan.gradientCounts.isEmpty ? [] : alternating(plan.gradientCounts)
        let passing = plan.passingCounts.isEmpty ? gradients : alternating(plan.passingCounts)
        let block = Tensor([plan.blockCount])
        // The activations of a block lie in `block`, one after another from its beginning.
        let places = plan.placesInBlock
        func inBlock(_ place: Int, _ shape: [Int]) -> Tensor {
            block.flat(place..<(place + shape.reduce(1, *))).reshaped(shape)
        }
        let storedSlots = plan.storedSlots
        outputs = (0..<storedSlots).map { _ in
            hidden.enumerated().map { index, layer in
                switch plan.outputs[index] {
                case .passing: passing[index]
                case .stored: Tensor([rows] + layer.outputShape)
                case .block: inBlock(places.outputs[index], [rows] + layer.outputShape)
                }
            }
        }
        savedForBackward = (0..<storedSlots).map { _ in
            layers.enumerated().map { index, layer in
                let count = layer.savedForBackwardCount(rows: rows)
                return plan.storesSaved ? Tensor([count]) : inBlock(places.saved[index], [count])
            }
        }
    }
}

/// Bytes of an encoder's workspace in one worker, by purpose.
public struct EncoderMemory: Equatable, Sendable {
    /// Layer outputs, and the other data that forward saves for backward, over all slots.
    public let activations: Int
    /// Gradients of the activations of one shard.
    public let activationGradients: Int
    /// Temporary memory of single layer calls.
    public let scratch: Int

    public var total: Int { activations + activationGradients + scratch }
}
