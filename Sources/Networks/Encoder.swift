import CoupletTensors

/// A sequence of layers that maps the samples of one modality to embeddings. All its parameters lie in one flat buffer,
/// and all its running statistics in another.
///
/// The encoder stores neither. Callers pass parameters, gradients, the workspace and a context, so all workers share
/// one encoder value.
public struct Encoder: Sendable {
    public let layers: [any Layer]
    public let layout: ParameterLayout
    /// Positions of the running statistics in a flat buffer of their own. Its count is 0 if no layer has any.
    public let statisticsLayout: ParameterLayout
    /// Shape of one sample.
    public let inputShape: [Int]
    /// Dimension of an embedding, e.
    public let outputCount: Int
    /// Factor on the initial weights of the last layer with parameters.
    public let initialScale: Float
    /// [layer index]: the layer's number in the paths, which skip layers without parameters and statistics; nil for
    /// those.
    private let pathNumbers: [Int?]
    /// [layer index]: as `Array.positionsBefore`.
    private let positionsBefore: [Int?]
    /// Largest number of parameters of a layer: the numbers of the random stream `.initialization` that it has.
    static let maximumParametersOfLayer = 1 << 8

    /// Number of parameters, without padding.
    public var parameterCount: Int { layout.parameterCount }

    /// Composes layers; the output of each layer is the input of the next.
    public init(layers: [any Layer], initialScale: Float = 1, shards: Int) {
        precondition(!layers.isEmpty, "an encoder without layers")
        if let (before, after) = layers.firstMismatch {
            preconditionFailure(
                "a layer with input shape \(after.inputShape) follows one with output shape \(before.outputShape)")
        }
        let numbered = zip(layers, layers.pathNumbers).filter { $0.1 != nil }.map { $0.0 }
        for layer in numbered {
            let count = layer.parameterShapes.count
            precondition(
                count <= Self.maximumParametersOfLayer,
                "\(type(of: layer)) has \(count) parameters; a layer may have \(Self.maximumParametersOfLayer)")
        }
        self.layers = layers
        pathNumbers = layers.pathNumbers
        positionsBefore = layers.positionsBefore
        self.initialScale = initialScale
        layout = ParameterLayout(layers: numbered.map(\.parameterShapes), shards: shards)
        statisticsLayout = ParameterLayout(layers: numbered.map(\.statisticShapes), shards: shards)
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
            guard let number, !parameters.isEmpty else { continue }
            layer.initialize(
                parameters, philox: philox, firstNumber: UInt64(encoderNumber) << 32 + UInt64(number) << 8,
                scale: number == layout.entries.last?.layer ? initialScale : 1)
        }
        return flat
    }

    /// Views of a flat buffer of parameters or gradients, for forward and backward: [layer index][parameter]. The list
    /// of a layer without parameters is empty. Create the views once and reuse them.
    public func views(of flat: Tensor) -> [[Tensor]] { views(of: flat, layout) }

    private func views(of flat: Tensor, _ layout: ParameterLayout) -> [[Tensor]] {
        precondition(
            flat.count == layout.count, "a flat buffer of \(flat.count) floats for a layout of \(layout.count)")
        return pathNumbers.map { number in
            layout.entries.filter { $0.layer == number }.map { flat.flat($0.range).reshaped($0.shape) }
        }
    }

    /// Index in `layers` of the layer with this number in the parameter paths; nil if there is none.
    package func layer(numbered number: Int) -> Int? { pathNumbers.firstIndex(of: number) }

    // MARK: - Running statistics

    /// The flat running statistics at step 0; a tensor of 0 floats if no layer has any.
    public func initialStatistics() -> Tensor {
        let flat = Tensor([statisticsLayout.count])
        for (layer, statistics) in zip(layers, statisticsViews(of: flat)) { layer.initializeStatistics(statistics) }
        return flat
    }

    /// Views of a flat buffer of running statistics, or of the statistics of a shard, for `EncoderContext`: [layer
    /// index][statistic]. Create the views once and reuse them.
    public func statisticsViews(of flat: Tensor) -> [[Tensor]] { views(of: flat, statisticsLayout) }

    /// Updates the running statistics, once a step.
    /// - Parameters:
    ///   - running: the flat running statistics.
    ///   - means: the statistics of the shards, averaged over all shards and inputs of the step, in the same layout.
    public func updateStatistics(_ running: Tensor, means: Tensor) {
        for (layer, (running, means)) in zip(layers, zip(statisticsViews(of: running), statisticsViews(of: means))) {
            layer.updateStatistics(running, means: means)
        }
    }

    // MARK: - Forward and backward

    /// Computes the embeddings of one shard.
    /// - Parameters:
    ///   - input: rows × inputShape.
    ///   - parameters: from `views(of:)`.
    ///   - slot: the workspace slot that stores the activations.
    ///   - output: rows × e; overwritten with the embeddings.
    ///   - context: training or evaluation, with the running statistics if there are any.
    public func forward(
        _ input: Tensor, parameters: [[Tensor]], workspace: EncoderWorkspace, slot: Int, output: Tensor,
        context: EncoderContext = .evaluation()
    ) {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        checkSizes(input, output, workspace, slot)
        context.checkStatistics(of: self)
        let lengths = lengths(of: input, workspace)
        for index in layers.indices {
            layers[index].forward(
                index == 0 ? input : workspace.outputs[slot][index - 1], parameters: parameters[index],
                output: index == layers.count - 1 ? output : workspace.outputs[slot][index],
                savedForBackward: workspace.savedForBackward[slot][index], scratch: workspace.scratch,
                context: context.layer(index, lengths: positionsBefore[index].flatMap { lengths?.adding($0) }))
        }
    }

    /// Computes the parameter gradients of one shard.
    ///
    /// Overwrites every entry of `gradients` and adds to none. Leaves the padding unchanged.
    /// - Parameters:
    ///   - input, output: the arguments of the last `forward` with this slot.
    ///   - outputGradient: rows × e, the gradient with respect to the embeddings. It may be overwritten.
    ///   - gradients: from `views(of:)` of this shard's flat gradient.
    ///   - context: as in the forward pass of this shard.
    ///   - layerCompleted: called with a layer's number in the paths when its gradients are complete, from the last
    ///     layer to the first. `layout.buckets` gives the part of the flat gradient that is then complete.
    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [[Tensor]], workspace: EncoderWorkspace,
        slot: Int, gradients: [[Tensor]], context: EncoderContext = .evaluation(),
        layerCompleted: (Int) throws -> Void
    ) rethrows {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        checkSizes(input, output, workspace, slot)
        context.checkStatistics(of: self)
        let lengths = lengths(of: input, workspace), last = layers.count - 1
        precondition(workspace.gradients.count == last, "backward with a workspace for forward only")
        for index in layers.indices.reversed() {
            layers[index].backward(
                input: index == 0 ? input : workspace.outputs[slot][index - 1],
                output: index == last ? output : workspace.outputs[slot][index],
                outputGradient: index == last ? outputGradient : workspace.gradients[index],
                parameters: parameters[index], parameterGradients: gradients[index],
                inputGradient: index == 0 ? nil : workspace.gradients[index - 1],
                savedForBackward: workspace.savedForBackward[slot][index], scratch: workspace.scratch,
                context: context.layer(index, lengths: positionsBefore[index].flatMap { lengths?.adding($0) }))
            if let number = pathNumbers[index] { try layerCompleted(number) }
        }
    }

    /// The valid positions of each row of a shard; nil if the first layer does not read token ids.
    private func lengths(of input: Tensor, _ workspace: EncoderWorkspace) -> SequenceLengths? {
        guard layers[0].readsTokens else { return nil }
        layers[0].countPositions(of: input, into: workspace.lengths)
        return SequenceLengths(counts: workspace.lengths)
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
            activationGradients: backward ? layers.gradientBufferCounts(rows: rows).reduce(0, +) * stride : 0,
            scratch: (scratchCount(rows: rows) + lengthsCount(rows: rows)) * stride)
    }

    fileprivate func lengthsCount(rows: Int) -> Int { layers[0].readsTokens ? rows : 0 }

    fileprivate func scratchCount(rows: Int) -> Int { layers.map { $0.scratchCount(rows: rows) }.max() ?? 0 }
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
    /// The valid positions of each row of the shard in work; no floats if the encoder does not read token ids.
    fileprivate let lengths: Tensor

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
        lengths = Tensor([encoder.lengthsCount(rows: rows)])
        if backward {
            let buffers = encoder.layers.gradientBufferCounts(rows: rows).map { Tensor([$0]) }
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
