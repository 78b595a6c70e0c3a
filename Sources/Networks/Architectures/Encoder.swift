import CoupletTensors

/// A sequence of layers that maps the samples of one modality to embeddings. All its parameters lie in one flat buffer.
///
/// The encoder stores no parameters. Callers pass parameters, gradients and the workspace, so all workers share one
/// encoder value.
public struct Encoder: Sendable {
    public let layers: [any Layer]
    public let layout: ParameterLayout
    /// Shape of one sample.
    public let inputShape: [Int]
    /// Dimension of an embedding, e.
    public let outputCount: Int
    /// Factor on the initial weights of the last layer with parameters.
    public let initialScale: Float
    /// [layer index]: the layer's number in the parameter paths, which skip layers without parameters; nil for those.
    private let pathNumbers: [Int?]

    /// Number of parameters, without padding.
    public var parameterCount: Int { layout.parameterCount }

    /// Composes layers; the output of each layer is the input of the next.
    public init(layers: [any Layer], initialScale: Float = 1, shards: Int) {
        precondition(!layers.isEmpty, "an encoder without layers")
        for (layer, next) in zip(layers, layers.dropFirst()) {
            precondition(
                layer.outputCount == next.inputCount,
                "a layer with input shape \(next.inputShape) follows one with output shape \(layer.outputShape)")
        }
        var pathNumbers: [Int?] = [], parameters: [[(name: String, shape: [Int])]] = []
        for layer in layers {
            let shapes = layer.parameterShapes
            pathNumbers.append(shapes.isEmpty ? nil : parameters.count)
            if !shapes.isEmpty { parameters.append(shapes) }
        }
        self.layers = layers
        self.pathNumbers = pathNumbers
        self.initialScale = initialScale
        layout = ParameterLayout(layers: parameters, shards: shards)
        inputShape = layers[0].inputShape
        outputCount = layers[layers.count - 1].outputCount
    }

    // MARK: - Parameters

    /// The flat parameters at step 0. Parameter p of layer l (both numbered as in the paths) uses the number
    /// `encoderNumber · 2³² + l · 2⁸ + p` of the random stream `.initialization`, so its initial values do not depend
    /// on the shapes of other parameters.
    /// - Parameter encoderNumber: 0 for the first modality, 1 for the second.
    public func initialParameters(philox: Philox, encoderNumber: Int) -> Tensor {
        precondition(encoderNumber >= 0, "encoder number \(encoderNumber)")
        let flat = Tensor([layout.count])
        for (layer, (number, parameters)) in zip(layers, zip(pathNumbers, views(of: flat))) {
            guard let number else { continue }
            layer.initialize(
                parameters, philox: philox, firstNumber: UInt64(encoderNumber) << 32 + UInt64(number) << 8,
                scale: number == pathNumbers.last ? initialScale : 1)
        }
        return flat
    }

    /// Views of a flat buffer of parameters or gradients, for forward and backward: [layer index][parameter]. The list
    /// of a layer without parameters is empty. Create the views once and reuse them.
    public func views(of flat: Tensor) -> [[Tensor]] {
        precondition(
            flat.count == layout.count, "a flat buffer of \(flat.count) floats for a layout of \(layout.count)")
        return pathNumbers.map { number in
            layout.entries.filter { $0.layer == number }.map { flat.flat($0.range).reshaped($0.shape) }
        }
    }

    /// Index in `layers` of the layer with this number in the parameter paths; nil if there is none.
    package func layer(numbered number: Int) -> Int? { pathNumbers.firstIndex(of: number) }

    // MARK: - Forward and backward

    /// Computes the embeddings of one shard.
    /// - Parameters:
    ///   - input: rows × inputShape.
    ///   - parameters: from `views(of:)`.
    ///   - slot: the workspace slot that stores the activations.
    ///   - output: rows × e; overwritten with the embeddings.
    public func forward(
        _ input: Tensor, parameters: [[Tensor]], workspace: EncoderWorkspace, slot: Int, output: Tensor
    ) {
        checkSizes(input, output, workspace, slot)
        for index in layers.indices {
            layers[index].forward(
                index == 0 ? input : workspace.outputs[slot][index - 1], parameters: parameters[index],
                output: index == layers.count - 1 ? output : workspace.outputs[slot][index],
                savedForBackward: workspace.savedForBackward[slot][index], scratch: workspace.scratch)
        }
    }

    /// Computes the parameter gradients of one shard.
    ///
    /// Overwrites every entry of `gradients` and adds to none. Leaves the padding unchanged.
    /// - Parameters:
    ///   - input, output: the arguments of the last `forward` with this slot.
    ///   - outputGradient: rows × e, the gradient with respect to the embeddings. It may be overwritten.
    ///   - gradients: from `views(of:)` of this shard's flat gradient.
    ///   - layerCompleted: called with a layer's number in the paths when its gradients are complete, from the last
    ///     layer to the first. `layout.buckets` gives the part of the flat gradient that is then complete.
    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [[Tensor]], workspace: EncoderWorkspace,
        slot: Int, gradients: [[Tensor]], layerCompleted: (Int) throws -> Void
    ) rethrows {
        checkSizes(input, output, workspace, slot)
        let last = layers.count - 1
        precondition(workspace.gradients.count == last, "backward with a workspace for forward only")
        for index in layers.indices.reversed() {
            layers[index].backward(
                input: index == 0 ? input : workspace.outputs[slot][index - 1],
                output: index == last ? output : workspace.outputs[slot][index],
                outputGradient: index == last ? outputGradient : workspace.gradients[index],
                parameters: parameters[index], parameterGradients: gradients[index],
                inputGradient: index == 0 ? nil : workspace.gradients[index - 1],
                savedForBackward: workspace.savedForBackward[slot][index], scratch: workspace.scratch)
            if let number = pathNumbers[index] { try layerCompleted(number) }
        }
    }

    private func checkSizes(_ input: Tensor, _ output: Tensor, _ workspace: EncoderWorkspace, _ slot: Int) {
        precondition(slot >= 0 && slot < workspace.slots, "slot \(slot) of a workspace with \(workspace.slots) slots")
        precondition(
            input.count == workspace.rows * layers[0].inputCount && output.count == workspace.rows * outputCount,
            "an input of shape \(input.shape) and an output of shape \(output.shape) for \(workspace.rows) rows of "
                + "\(inputShape) and \(outputCount)-dimensional embeddings")
    }

    // MARK: - Costs

    /// Number of floating-point operations of the matrix products in forward and backward of one shard, for benchmarks.
    public func matrixProductFLOPs(rows: Int) -> Int {
        layers.enumerated().reduce(0) {
            $0 + $1.element.matrixProductFLOPs(rows: rows, needsInputGradient: $1.offset > 0)
        }
    }

    /// Memory of a workspace with these sizes, without allocating one.
    public func memory(rows: Int, slots: Int, backward: Bool = true) -> EncoderMemory {
        let stride = MemoryLayout<Float>.stride
        let outputs = layers.dropLast().reduce(0) { $0 + rows * $1.outputCount }
        let savedForBackward = layers.reduce(0) { $0 + $1.savedForBackwardCount(rows: rows) }
        return EncoderMemory(
            activations: slots * (outputs + savedForBackward) * stride,
            activationGradients: backward ? gradientBufferCounts(rows: rows).reduce(0, +) * stride : 0,
            scratch: scratchCount(rows: rows) * stride)
    }

    fileprivate func scratchCount(rows: Int) -> Int { layers.map { $0.scratchCount(rows: rows) }.max() ?? 0 }

    /// Floats of the two buffers for the gradients of layer outputs, one for layers with even and one with odd index.
    fileprivate func gradientBufferCounts(rows: Int) -> [Int] {
        (0..<2).map { parity in
            layers.dropLast().enumerated().reduce(0) {
                $1.offset % 2 == parity ? max($0, rows * $1.element.outputCount) : $0
            }
        }
    }
}

/// The memory that one worker needs to run an encoder forward and backward. It is allocated once, so training steps
/// allocate nothing.
///
/// The workspace stores the activations of `slots` shards. With one slot for each of the worker's shards, backward uses
/// the activations of the first forward. With a single slot, forward runs twice for each shard: once for the embeddings
/// and once before its backward (gradient caching). Both give the same bits.
public struct EncoderWorkspace: Sendable {
    /// Rows of a shard.
    public let rows: Int
    /// Number of shards whose activations fit.
    public let slots: Int
    public let memory: EncoderMemory
    /// [slot][layer index]: outputs of all layers but the last. The caller owns the last output, the embeddings.
    package let outputs: [[Tensor]]
    /// [slot][layer index]: data that forward saves for backward in addition to outputs.
    fileprivate let savedForBackward: [[Tensor]]
    /// [layer index]: gradients of `outputs`, alternately in two buffers. Empty in a workspace for forward only.
    fileprivate let gradients: [Tensor]
    fileprivate let scratch: Tensor

    /// - Parameters:
    ///   - rows: rows of a shard.
    ///   - slots: number of shards whose activations are stored.
    ///   - backward: false for a workspace that only forward uses, as in an evaluation.
    public init(_ encoder: Encoder, rows: Int, slots: Int, backward: Bool = true) {
        precondition(rows > 0 && slots > 0, "a workspace of \(slots) slots of \(rows) rows")
        let hidden = encoder.layers.dropLast()
        self.rows = rows
        self.slots = slots
        memory = encoder.memory(rows: rows, slots: slots, backward: backward)
        outputs = (0..<slots).map { _ in hidden.map { Tensor([rows] + $0.outputShape) } }
        savedForBackward = (0..<slots).map { _ in
            encoder.layers.map { Tensor([$0.savedForBackwardCount(rows: rows)]) }
        }
        scratch = Tensor([encoder.scratchCount(rows: rows)])
        if backward {
            let buffers = encoder.gradientBufferCounts(rows: rows).map { Tensor([$0]) }
            gradients = hidden.enumerated().map { index, layer in
                buffers[index % 2].flat(0..<(rows * layer.outputCount)).reshaped([rows] + layer.outputShape)
            }
        } else {
            gradients = []
        }
    }

    /// Output of a layer other than the last in the most recent forward with this slot: rows × its output shape.
    package func output(ofLayer index: Int, slot: Int) -> Tensor { outputs[slot][index] }
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
