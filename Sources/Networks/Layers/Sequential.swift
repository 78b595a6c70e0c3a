import CoupletTensors

/// y = f_n(… f_2(f_1(x))): layers one after another, as one layer.
///
/// The parameter "weight" of the third inner layer is called "2/weight", so an encoder that begins with this layer
/// calls it "0/2/weight". Inner layers are numbered as those of an encoder: layers without parameters and statistics
/// are skipped. `savedForBackward` holds what the inner layers save, and those of their outputs that backward reads.
/// The other outputs lie in the buffers for gradients until the next layer has read them.
public struct Sequential: Layer {
    public let layers: [any Layer]
    public let inputShape: [Int]
    public let outputShape: [Int]
    public var parameterShapes: [(name: String, shape: [Int])] { parts.parameterShapes }
    public var statisticShapes: [(name: String, shape: [Int])] { parts.statisticShapes }
    /// [layer index]: as `Array.positionsBefore`.
    private let positionsBefore: [Int?]
    /// [layer index]: as `Array.readOutputs`.
    private let readOutputs: [Bool]
    private let parts: InnerParts

    public init(_ layers: [any Layer]) {
        precondition(!layers.isEmpty, "a sequence without layers")
        if let (before, after) = layers.firstMismatch {
            preconditionFailure(
                "a layer with input shape \(after.inputShape) follows one with output shape \(before.outputShape)")
        }
        parts = InnerParts(layers, numbers: layers.pathNumbers)
        self.layers = layers
        positionsBefore = layers.positionsBefore
        readOutputs = layers.readOutputs
        inputShape = layers[0].inputShape
        outputShape = layers[layers.count - 1].outputShape
    }

    public var innerLayers: [any Layer] { layers }
    public var tableName: String { "sequential" }
    public var backwardReadsInput: Bool { layers[0].backwardReadsInput }
    public var backwardReadsOutput: Bool { layers[layers.count - 1].backwardReadsOutput }
    public var backwardOverwritesOutputGradient: Bool { layers[layers.count - 1].backwardOverwritesOutputGradient }
    public var readsTokens: Bool { layers[0].readsTokens }
    public var tokenVocabulary: Int? { layers[0].tokenVocabulary }
    public func countPositions(of input: Tensor, into counts: Tensor) {
        layers[0].countPositions(of: input, into: counts)
    }
    public var addedPositions: Int? {
        positionsBefore[layers.count - 1].flatMap { before in
            layers[layers.count - 1].addedPositions.map { before + $0 }
        }
    }

    public func savedForBackwardCount(rows: Int) -> Int {
        layers.reduce(0) { $0 + BufferDivision.padded($1.savedForBackwardCount(rows: rows)) }
            + zip(layers, readOutputs).reduce(0) { $0 + ($1.1 ? BufferDivision.padded(rows * $1.0.outputCount) : 0) }
    }

    public func scratchCount(rows: Int) -> Int {
        layers.gradientBufferCounts(rows: rows).reduce(0) { $0 + BufferDivision.padded($1) }
            + (layers.map { $0.scratchCount(rows: rows) }.max() ?? 0)
    }

    /// The last maps are those of the last inner layer with parameters.
    public var parameterRoles: [ParameterRole?] {
        let last = parts.ranges.lastIndex { !$0.parameters.isEmpty }
        return zip(layers, parts.ranges).enumerated().flatMap { index, inner -> [ParameterRole?] in
            let roles = inner.1.parameters.isEmpty ? [] : inner.0.parameterRoles
            return index == last ? roles : roles.map { $0?.beforeLast }
        }
    }

    /// `scale` applies to the last inner layer with parameters; the layers before it have the scale 1.
    public func initialize(_ parameters: [Tensor], philox: Philox, firstNumber: UInt64, scale: Float) {
        let last = parts.ranges.lastIndex { !$0.parameters.isEmpty }
        for (index, (layer, part)) in zip(layers, parts.ranges).enumerated() where !part.parameters.isEmpty {
            layer.initialize(
                Array(parameters[part.parameters]), philox: philox,
                firstNumber: firstNumber + UInt64(part.parameters.lowerBound), scale: index == last ? scale : 1)
        }
    }

    public func initializeStatistics(_ statistics: [Tensor]) {
        parts.initializeStatistics(of: layers, statistics)
    }

    public func updateStatistics(_ statistics: [Tensor], means: [Tensor]) {
        parts.updateStatistics(of: layers, statistics, means: means)
    }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let memory = Memory(self, rows: output.rows, savedForBackward: savedForBackward, scratch: scratch)
        for (index, (layer, part)) in zip(layers, parts.ranges).enumerated() {
            layer.forward(
                index == 0 ? input : memory.outputs[index - 1], parameters: Array(parameters[part.parameters]),
                output: index == layers.count - 1 ? output : memory.outputs[index],
                savedForBackward: memory.savedForBackward[index], scratch: memory.scratch,
                context: context.inner(
                    index, statistics: part.statistics, addedPositions: positionsBefore[index]))
        }
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        let memory = Memory(self, rows: output.rows, savedForBackward: savedForBackward, scratch: scratch)
        let last = layers.count - 1
        for index in layers.indices.reversed() {
            let part = parts.ranges[index]
            layers[index].backward(
                input: index == 0 ? input : memory.outputs[index - 1],
                output: index == last ? output : memory.outputs[index],
                outputGradient: index == last ? outputGradient : memory.gradients[index],
                parameters: Array(parameters[part.parameters]),
                parameterGradients: Array(parameterGradients[part.parameters]),
                inputGradient: index == 0 ? inputGradient : memory.gradients[index - 1],
                savedForBackward: memory.savedForBackward[index], scratch: memory.scratch,
                context: context.inner(
                    index, statistics: part.statistics, addedPositions: positionsBefore[index]))
        }
    }

    public func matrixProductFLOPs(rows: Int, needsInputGradient: Bool) -> Int {
        layers.enumerated().reduce(0) {
            $0
                + $1.element.matrixProductFLOPs(
                    rows: rows, needsInputGradient: needsInputGradient || $1.offset > 0)
        }
    }

    public func forwardProductFLOPs(rows: Int) -> Int { layers.reduce(0) { $0 + $1.forwardProductFLOPs(rows: rows) } }

    /// The memory of one call, divided among the inner layers.
    private struct Memory {
        /// [layer index]
        let savedForBackward: [Tensor]
        /// [layer index]: outputs of all layers but the last; in `gradients` where backward does not read them.
        let outputs: [Tensor]
        /// [layer index]: gradients of `outputs`, alternately in two buffers.
        let gradients: [Tensor]
        let scratch: Tensor

        init(_ sequence: Sequential, rows: Int, savedForBackward: Tensor, scratch: Tensor) {
            let layers = sequence.layers, hidden = layers.dropLast()
            var saved = BufferDivision(savedForBackward)
            self.savedForBackward = layers.map { saved.next([$0.savedForBackwardCount(rows: rows)]) }
            var temporary = BufferDivision(scratch)
            let buffers = layers.gradientBufferCounts(rows: rows).map { temporary.next([$0]) }
            let gradients = hidden.enumerated().map { index, layer in
                buffers[index % 2].flat(0..<(rows * layer.outputCount)).reshaped([rows] + layer.outputShape)
            }
            outputs = hidden.indices.map {
                sequence.readOutputs[$0] ? saved.next([rows] + layers[$0].outputShape) : gradients[$0]
            }
            self.gradients = gradients
            self.scratch = scratch.flat(temporary.count..<scratch.count)
        }
    }
}
