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
    /// The parameter of the first layer, if training touches only the rows of it that a batch reads; else nil.
    public let sparseTable: SparseTable?
    /// Shape of one sample.
    public let inputShape: [Int]
    /// Dimension of an embedding, e.
    public let outputCount: Int
    /// Factor on the initial weights and biases of the last layer with parameters.
    public let initialScale: Float
    public let initialization: WeightInitialization
    /// [layer index]: the layer's number in the paths, which skip layers without parameters and statistics; nil for
    /// those.
    private let pathNumbers: [Int?]
    /// [layer index]: as `Array.positionsBefore`.
    private let positionsBefore: [Int?]
    /// Index of the first layer with parameters. The layers before it need no backward pass.
    private let firstWithParameters: Int
    /// Number of token ids, if samples are token ids; see `Layer.tokenVocabulary`.
    public var tokenVocabulary: Int? { layers[0].tokenVocabulary }
    /// Largest number of parameters of a layer: the numbers of the random stream `.initialization` that it has.
    static let maximumParametersOfLayer = 1 << 8

    /// Number of parameters, without padding.
    public var parameterCount: Int { layout.parameterCount }

    /// Composes layers; the output of each layer is the input of the next.
    public init(
        layers: [any Layer], initialScale: Float = 1, initialization: WeightInitialization = WeightInitialization(),
        shards: Int
    ) {
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
        firstWithParameters = layers.firstWithParameters
        self.initialScale = initialScale
        self.initialization = initialization
        sparseTable = layers[0].sparseTable
        if let table = sparseTable {
            let shapes = layers[0].parameterShapes.map(\.shape)
            precondition(
                shapes == [[table.rows, table.width]],
                "a sparse table of shape [\(table.rows), \(table.width)] in a layer with parameters of \(shapes)")
        }
        precondition(
            !layers.hasMisplacedSparseTable, "only the first layer of an encoder can have a sparse table")
        layout = ParameterLayout(
            layers: numbered.map(\.parameterShapes), shards: shards, sparseTable: sparseTable)
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
        let flat = Tensor([layout.count]), last = layout.entries.last?.layer
        for (layer, (number, parameters)) in zip(layers, zip(pathNumbers, views(of: flat))) {
            guard let number, !parameters.isEmpty else { continue }
            let firstNumber = UInt64(encoderNumber) << 32 + UInt64(number) << 8
            let scale = number == last ? initialScale : 1
            layer.initialize(parameters, philox: philox, firstNumber: firstNumber, scale: scale)
            // The layers themselves start by the default.
            if initialization != WeightInitialization() {
                initialization.fill(
                    parameters, layer.parameterRoles, philox: philox, firstNumber: firstNumber, scale: scale)
            }
        }
        return flat
    }

    /// Views of a flat buffer of parameters or gradients, for forward and backward: [layer index][parameter]. The list
    /// of a layer without parameters is empty. Create the views once and reuse them.
    public func views(of flat: Tensor) -> [[Tensor]] { views(of: flat, layout) }

    private func views(of flat: Tensor, _ layout: ParameterLayout) -> [[Tensor]] {
        precondition(
            flat.count == layout.count, "a flat buffer of \(flat.count) floats for a layout of \(layout.count)")
        var byNumber: [[Tensor]] = []
        for entry in layout.entries {
            while byNumber.count <= entry.layer { byNumber.append([]) }
            byNumber[entry.layer].append(flat.flat(entry.range).reshaped(entry.shape))
        }
        return pathNumbers.map { number in number.map { $0 < byNumber.count ? byNumber[$0] : [] } ?? [] }
    }

    /// Views of a flat gradient without a sparse table, for backward.
    /// - Parameters:
    ///   - flat: `layout.denseCount` floats.
    ///   - table: the gradient of the rows of the sparse table that the step touches; nil if the encoder has none.
    package func gradientViews(of flat: Tensor, table: Tensor? = nil) -> [[Tensor]] {
        precondition(
            flat.count == layout.denseCount, "a flat gradient of \(flat.count) floats, not \(layout.denseCount)")
        return layers.indices.map { index in
            if index == 0, sparseTable != nil { return table.map { [$0] } ?? [] }
            return layout.entries.filter { $0.layer == pathNumbers[index] }
                .map { flat.flat($0.range).reshaped($0.shape) }
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
    ///   - afterLayer: called after each layer with its index and its output, which a later layer may overwrite.
    public func forward(
        _ input: Tensor, parameters: [[Tensor]], workspace: EncoderWorkspace, slot: Int, output: Tensor,
        context: EncoderContext = .evaluation(), afterLayer: ((_ layer: Int, _ output: Tensor) -> Void)? = nil
    ) {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        checkSizes(input, output, workspace, slot)
        context.checkStatistics(of: self)
        Pass(self, input, output, parameters, workspace, slot: slot, context).forward(layers.indices, afterLayer)
    }

    /// Computes the parameter gradients of one shard.
    ///
    /// Overwrites every entry of `gradients` and adds to none, but for that of a sparse table (`Layer.sparseTable`) if
    /// the context has the rows that the step touches. Leaves the padding unchanged. A workspace that recomputes
    /// activations runs forward again for one block of layers at a time, from the last block to the first.
    /// - Parameters:
    ///   - input, output: the arguments of the last `forward` with this slot. With a sparse table and
    ///     `touchedRows` in the context, the numbers of `input` are rows of the gradient instead.
    ///   - outputGradient: rows × e, the gradient with respect to the embeddings. It may be overwritten.
    ///   - gradients: from `views(of:)` of this shard's flat gradient.
    ///   - context: as in the forward pass of this shard, but without statistics of the shard.
    ///   - followsForward: whether the last `forward` with the workspace was that of this shard, so that what it left
    ///     is not recomputed. Only a workspace that recomputes activations asks.
    ///   - layerCompleted: called with a layer's number in the paths when its gradients are complete, from the last
    ///     layer to the first. `layout.buckets` gives the part of the flat gradient that is then complete.
    public func backward(
        input: Tensor, tableInput: Tensor? = nil, output: Tensor, outputGradient: Tensor, parameters: [[Tensor]],
        workspace: EncoderWorkspace, slot: Int, gradients: [[Tensor]], context: EncoderContext = .evaluation(),
        followsForward: Bool = true,
        layerCompleted: (Int) throws -> Void
    ) rethrows {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        checkSizes(input, output, workspace, slot)
        context.checkStatistics(of: self)
        let last = layers.count - 1, blocks = workspace.blocks
        precondition(workspace.gradients.count == last, "backward with a workspace for forward only")
        if let table = sparseTable, let rows = context.touchedRows {
            precondition(
                gradients[0].map(\.shape) == [[rows, table.width]],
                "a gradient of \(gradients[0].map(\.shape)) for \(rows) touched rows of \(table.width) floats")
        }
        let pass = Pass(self, input, output, parameters, workspace, slot: slot, context)
        var latest = !workspace.recomputes || followsForward
        if !latest, !workspace.keepsBlockInputs {
            pass.forward(layers.indices)
            latest = true
        }
        for (number, block) in blocks.enumerated().reversed() {
            let isResident = !workspace.recomputes || number == blocks.count - 1 && latest
            if !isResident, block.upperBound > firstWithParameters {
                // The output of the block is there already.
                let savesNothing = layers[block.upperBound - 1].savedForBackwardCount(rows: workspace.rows) == 0
                pass.forward(block.lowerBound..<(savesNothing ? block.upperBound - 1 : block.upperBound))
            }
            for index in block.reversed() {
                // Nothing before the first parameter needs a gradient.
                if index < firstWithParameters {
                    if let number = pathNumbers[index] { try layerCompleted(number) }
                    continue
                }
                layers[index].backward(
                    input: index == 0 ? tableInput ?? input : pass.input(of: index), output: pass.output(of: index),
                    outputGradient: index == last ? outputGradient : workspace.gradients[index],
                    parameters: parameters[index], parameterGradients: gradients[index],
                    inputGradient: index == firstWithParameters ? nil : workspace.gradients[index - 1],
                    savedForBackward: pass.savedForBackward[index], scratch: workspace.scratch,
                    context: pass.context(of: index))
                if let number = pathNumbers[index] { try layerCompleted(number) }
            }
        }
    }

    /// The passes over the layers for one shard.
    private struct Pass {
        private let encoder: Encoder
        private let input: Tensor
        private let output: Tensor
        private let parameters: [[Tensor]]
        private let scratch: Tensor
        private let outputs: [Tensor]
        let savedForBackward: [Tensor]
        private let context: EncoderContext
        private let lengths: SequenceLengths?

        init(
            _ encoder: Encoder, _ input: Tensor, _ output: Tensor, _ parameters: [[Tensor]],
            _ workspace: EncoderWorkspace, slot: Int, _ context: EncoderContext
        ) {
            (self.encoder, self.input, self.output, self.parameters) = (encoder, input, output, parameters)
            scratch = workspace.scratch
            let storedSlot = workspace.outputs.count == 1 ? 0 : slot
            outputs = workspace.outputs[storedSlot]
            savedForBackward = workspace.savedForBackward[storedSlot]
            self.context = context
            lengths = encoder.lengths(of: input, workspace)
        }

        func input(of index: Int) -> Tensor { index == 0 ? input : outputs[index - 1] }
        func output(of index: Int) -> Tensor { index == outputs.count ? output : outputs[index] }
        func context(of index: Int) -> LayerContext {
            context.layer(index, lengths: encoder.positionsBefore[index].flatMap { lengths?.adding($0) })
        }

        func forward(_ range: Range<Int>, _ afterLayer: ((Int, Tensor) -> Void)? = nil) {
            for index in range {
                encoder.layers[index].forward(
                    input(of: index), parameters: parameters[index], output: output(of: index),
                    savedForBackward: savedForBackward[index], scratch: scratch, context: context(of: index))
                afterLayer?(index, output(of: index))
            }
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
            $0 + $1.element.matrixProductFLOPs(rows: rows, needsInputGradient: $1.offset > firstWithParameters)
        }
    }

    /// The operations of backward among them by bucket, in the order in which the buckets are complete. What follows
    /// the last one belongs to it.
    package func backwardProductFLOPs(rows: Int) -> [(bucket: ParameterLayout.Bucket, operations: Int)] {
        var result: [(bucket: ParameterLayout.Bucket, operations: Int)] = [], operations = 0
        for (index, layer) in layers.enumerated().reversed() where index >= firstWithParameters {
            operations +=
                layer.matrixProductFLOPs(rows: rows, needsInputGradient: index > firstWithParameters)
                - layer.forwardProductFLOPs(rows: rows)
            if let bucket = layout.buckets.first(where: { $0.layers.lowerBound == pathNumbers[index] }) {
                result.append((bucket, operations))
                operations = 0
            }
        }
        return result
    }

    /// The operations of forward among them.
    public func forwardProductFLOPs(rows: Int) -> Int { layers.reduce(0) { $0 + $1.forwardProductFLOPs(rows: rows) } }

    /// Memory of a workspace with these sizes, without allocating one. The parameters are those of `EncoderWorkspace`.
    public func memory(rows: Int, slots: Int, backward: Bool = true, recomputes: Bool = false) -> EncoderMemory {
        let stride = MemoryLayout<Float>.stride
        let plan = ActivationPlan(layers, rows: rows, slots: slots, backward: backward, recomputes: recomputes)
        return EncoderMemory(
            activations: plan.activationCount * stride, activationGradients: plan.gradientCount * stride,
            scratch: (scratchCount(rows: rows) + lengthsCount(rows: rows)) * stride)
    }

    func lengthsCount(rows: Int) -> Int { layers[0].readsTokens ? rows : 0 }

    func scratchCount(rows: Int) -> Int { layers.map { $0.scratchCount(rows: rows) }.max() ?? 0 }
}
