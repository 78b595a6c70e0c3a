import CoupletSchema
import CoupletTensors

/// y = a(x + f(x)), where f is a sequence of layers, or y = a(p(x) + f(x)) with a projection p where f changes the
/// shape (He, Zhang, Ren, Sun, *Deep Residual Learning for Image Recognition*, CVPR 2016, equations 1 and 2). The
/// activation a is the identity, relu or leaky_relu.
///
/// Backward, with z = x + f(x): dZ = dY · a'(z); dX = dZ + Jfᵀ dZ, or Jpᵀ dZ + Jfᵀ dZ. One pass computes the sum and
/// the activation. f(x) is written where y comes to lie, and the sum in place, unless the last layer of f reads its own
/// output in backward; the same holds for the copy of dZ, which a last layer that overwrites it needs.
///
/// Parameters of f are called as in `Sequential`, "1/weight"; those of the projection "projection/weight". In the keys
/// of random numbers (`LayerContext`) f is the inner layer 0, a `Sequential`, and the projection is the inner layer 1.
public struct Residual: Layer {
    /// f
    public let body: Sequential
    /// p; nil for the identity.
    public let projection: (any Layer)?
    /// a
    public let activation: Activation
    public let parameterShapes: [(name: String, shape: [Int])]
    public let statisticShapes: [(name: String, shape: [Int])]
    public var inputShape: [Int] { body.inputShape }
    public var outputShape: [Int] { body.outputShape }

    /// - Parameters:
    ///   - layers: the layers of f. Without a projection, the output has the shape of the input.
    ///   - projection: a layer from the input to the output shape of f.
    ///   - activation: identity, relu or leaky_relu.
    public init(_ layers: [any Layer], projection: (any Layer)? = nil, activation: Activation = .identity) {
        precondition(activation.epilogue != nil, "a residual layer with the activation \(activation)")
        activation.requireValidSlope()
        body = Sequential(layers)
        self.projection = projection
        self.activation = activation
        if let projection {
            precondition(
                projection.inputCount == body.inputCount && projection.outputShape == body.outputShape,
                "a projection from \(projection.inputShape) to \(projection.outputShape) beside layers from "
                    + "\(body.inputShape) to \(body.outputShape)")
        } else {
            precondition(
                body.inputShape == body.outputShape,
                "a residual layer from \(body.inputShape) to \(body.outputShape) needs a projection")
        }
        parameterShapes = body.parameterShapes + prefixed(projection?.parameterShapes ?? [], with: "projection")
        statisticShapes = body.statisticShapes + prefixed(projection?.statisticShapes ?? [], with: "projection")
    }

    public func applying(_ activation: Activation) -> (any Layer)? {
        guard self.activation == .identity, activation.epilogue != nil else { return nil }
        return Residual(body.layers, projection: projection, activation: activation)
    }

    public var innerLayers: [any Layer] { body.layers + (projection.map { [$0] } ?? []) }
    public var tableName: String {
        activation == .identity ? Kind.name : "\(Kind.name), \(activation.name.rawValue)"
    }
    public var backwardReadsInput: Bool { body.backwardReadsInput || projection?.backwardReadsInput == true }
    public var backwardReadsOutput: Bool { activation != .identity }
    public var backwardOverwritesOutputGradient: Bool {
        activation != .identity || body.backwardOverwritesOutputGradient
            || projection?.backwardOverwritesOutputGradient == true
    }
    /// Whether f(x) is saved, because y takes its place and the last layer of f reads it.
    private var savesBodyOutput: Bool { body.backwardReadsOutput }
    private var savesProjectionOutput: Bool { projection?.backwardReadsOutput == true }

    public func savedForBackwardCount(rows: Int) -> Int {
        let output = BufferDivision.padded(rows * outputCount)
        return BufferDivision.padded(body.savedForBackwardCount(rows: rows)) + (savesBodyOutput ? output : 0)
            + (projection.map { BufferDivision.padded($0.savedForBackwardCount(rows: rows)) } ?? 0)
            + (savesProjectionOutput ? output : 0)
    }

    public func scratchCount(rows: Int) -> Int {
        (needsCopy ? BufferDivision.padded(rows * outputCount) : 0)
            + (projection == nil ? 0 : BufferDivision.padded(rows * inputCount))
            + max(body.scratchCount(rows: rows), projection?.scratchCount(rows: rows) ?? 0)
    }

    /// Whether the scratch memory has a tensor of the output's shape: for p(x), and for a copy of dZ.
    private var needsCopy: Bool {
        body.backwardOverwritesOutputGradient || projection != nil && !savesProjectionOutput
    }

    /// The last maps are those of f and that of the projection.
    public var parameterRoles: [ParameterRole?] { body.parameterRoles + (projection?.parameterRoles ?? []) }

    /// `scale` applies to the last layer of f and to the projection.
    public func initialize(_ parameters: [Tensor], philox: Philox, firstNumber: UInt64, scale: Float) {
        let (own, beside) = divided(parameters)
        body.initialize(own, philox: philox, firstNumber: firstNumber, scale: scale)
        projection?.initialize(beside, philox: philox, firstNumber: firstNumber + UInt64(own.count), scale: scale)
    }

    public func initializeStatistics(_ statistics: [Tensor]) {
        let split = body.statisticShapes.count
        body.initializeStatistics(Array(statistics[..<split]))
        projection?.initializeStatistics(Array(statistics[split...]))
    }

    public func updateStatistics(_ statistics: [Tensor], means: [Tensor]) {
        let split = body.statisticShapes.count
        body.updateStatistics(Array(statistics[..<split]), means: Array(means[..<split]))
        projection?.updateStatistics(Array(statistics[split...]), means: Array(means[split...]))
    }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let memory = Memory(self, rows: output.rows, savedForBackward: savedForBackward, scratch: scratch)
        let (own, beside) = divided(parameters), bodyOutput = memory.bodyOutput ?? output
        body.forward(
            input, parameters: own, output: bodyOutput, savedForBackward: memory.bodySaved, scratch: memory.scratch,
            context: bodyContext(context))
        var other = input
        if let projection, let projectionMemory = memory.projection {
            projection.forward(
                input, parameters: beside, output: projectionMemory.output, savedForBackward: projectionMemory.saved,
                scratch: memory.scratch, context: projectionContext(context))
            other = projectionMemory.output
        }
        activation.applyToSum(bodyOutput, other, into: output)
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        let memory = Memory(self, rows: output.rows, savedForBackward: savedForBackward, scratch: scratch)
        let (own, beside) = divided(parameters), (ownGradients, besideGradients) = divided(parameterGradients)
        if activation != .identity {
            activation.applyBackward(
                output: output, derivative: savedForBackward, gradient: outputGradient, biasGradient: nil)
        }
        var otherGradient = outputGradient
        if body.backwardOverwritesOutputGradient, projection != nil || inputGradient != nil, let copy = memory.copy {
            copy.copy(from: outputGradient)
            otherGradient = copy
        }
        body.backward(
            input: input, output: memory.bodyOutput ?? output, outputGradient: outputGradient, parameters: own,
            parameterGradients: ownGradients, inputGradient: inputGradient, savedForBackward: memory.bodySaved,
            scratch: memory.scratch, context: bodyContext(context))
        if let projection, let projectionMemory = memory.projection {
            projection.backward(
                input: input, output: savesProjectionOutput ? projectionMemory.output : output,
                outputGradient: otherGradient, parameters: beside, parameterGradients: besideGradients,
                inputGradient: inputGradient == nil ? nil : projectionMemory.inputGradient,
                savedForBackward: projectionMemory.saved, scratch: memory.scratch, context: projectionContext(context))
            inputGradient?.add(projectionMemory.inputGradient)
        } else {
            inputGradient?.add(otherGradient)
        }
    }

    public func matrixProductFLOPs(rows: Int, needsInputGradient: Bool) -> Int {
        body.matrixProductFLOPs(rows: rows, needsInputGradient: needsInputGradient)
            + (projection?.matrixProductFLOPs(rows: rows, needsInputGradient: needsInputGradient) ?? 0)
    }

    public func forwardProductFLOPs(rows: Int) -> Int {
        body.forwardProductFLOPs(rows: rows) + (projection?.forwardProductFLOPs(rows: rows) ?? 0)
    }

    /// Parameters, or their gradients, of f and of the projection.
    private func divided(_ tensors: [Tensor]) -> (body: [Tensor], projection: [Tensor]) {
        let split = body.parameterShapes.count
        return (Array(tensors[..<split]), Array(tensors[split...]))
    }

    private func bodyContext(_ context: LayerContext) -> LayerContext {
        context.inner(0, statistics: 0..<body.statisticShapes.count)
    }

    private func projectionContext(_ context: LayerContext) -> LayerContext {
        context.inner(1, statistics: body.statisticShapes.count..<statisticShapes.count)
    }

    /// The memory of one call.
    private struct Memory {
        let bodySaved: Tensor
        /// f(x); nil if it lies where y comes to lie.
        let bodyOutput: Tensor?
        /// A tensor of the output's shape, for a copy of dZ; nil if none is needed.
        let copy: Tensor?
        let projection: (saved: Tensor, output: Tensor, inputGradient: Tensor)?
        let scratch: Tensor

        init(_ layer: Residual, rows: Int, savedForBackward: Tensor, scratch: Tensor) {
            var saved = BufferDivision(savedForBackward), temporary = BufferDivision(scratch)
            let outputShape = [rows] + layer.outputShape
            bodySaved = saved.next([layer.body.savedForBackwardCount(rows: rows)])
            bodyOutput = layer.savesBodyOutput ? saved.next(outputShape) : nil
            let copy = layer.needsCopy ? temporary.next(outputShape) : nil
            self.copy = copy
            if let inner = layer.projection {
                let own = saved.next([inner.savedForBackwardCount(rows: rows)])
                // Without an output that is saved there is a copy, whose memory forward uses for p(x).
                let output = layer.savesProjectionOutput ? saved.next(outputShape) : copy!
                projection = (own, output, temporary.next([rows] + inner.inputShape))
            } else {
                projection = nil
            }
            self.scratch = scratch.flat(temporary.count..<scratch.count)
        }
    }
}

extension Residual {
    /// `residual` in a list of layers.
    public struct Kind: LayerKind {
        /// f
        public var layers: [any LayerKind]
        /// p; empty for the identity.
        public var projection: [any LayerKind]

        public init(_ layers: [any LayerKind], projection: [any LayerKind] = []) {
            self.layers = layers
            self.projection = projection
        }

        public static func == (left: Kind, right: Kind) -> Bool {
            left.layers.isEqual(to: right.layers) && left.projection.isEqual(to: right.projection)
        }

        public static let name = "residual"
        public static let shortKey: String? = "layers"
        public static let table = ConfigurationTable(
            Kind([]), help: "y = x + f(x), or p(x) + f(x): layers f beside the identity, or beside a projection p.",
            [
                .required(
                    "layers", \.layers,
                    .kinds(of: .layer, example: "[{linear: 64}, relu]", minimum: 1, descriptions: .elsewhere) { $0 },
                    "The layers f."),
                .key(
                    "projection", \.projection,
                    .kinds(of: .layer, example: "[{linear: 64}]", descriptions: .elsewhere) { $0 },
                    "The layers p, for an f that changes the shape; empty for the identity.", defaultText: "[]"),
            ])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            let layers = try layers.layers(inputShape: inputShape)
            let projection = try projection.layers(inputShape: inputShape, key: "projection")
            let from = projection.last?.outputShape ?? inputShape, to = layers.last?.outputShape ?? inputShape
            guard from == to else {
                throw NetworkError(
                    reason: "the layers of residual return the shape \(to), but what they are added to has the shape "
                        + "\(from)",
                    remedy: projection.isEmpty
                        ? "keep the shape, or give a projection: {residual: {layers: [...], projection: [...]}}"
                        : "make the projection return the shape \(to)")
            }
            return Residual(
                layers,
                projection: projection.count > 1 ? Sequential(projection) : projection.first)
        }
    }
}
