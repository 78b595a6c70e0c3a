import CoupletNetworks

/// A layer with an ONNX form: the nodes that compute what `forward` computes in an evaluation. Couplet's own layers
/// have theirs in this module's folder Layers. A layer of one's own gets one by an extension:
///
///     extension Square: ONNXLayer {
///         func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
///             graph.node("Mul", [input, input])
///         }
///     }
public protocol ONNXLayer: Layer {
    /// Adds the layer's nodes to a graph.
    /// - Parameter input: has samples of `inputShape`.
    /// - Returns: the output, whose samples have the numbers of `outputShape` in row-major order.
    /// - Throws: `ExportError` if a layer inside this one has no ONNX form.
    func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) throws -> ONNXValue
}

/// What a layer's ONNX form may use beside its input.
public struct ONNXLayerContext: Sendable {
    /// In the order of `Layer.parameterShapes`.
    public let parameters: [ONNXValue]
    /// In the order of `Layer.statisticShapes`.
    public let statistics: [ONNXValue]
    /// The numbers of valid positions; nil if all positions are valid.
    public let lengths: ONNXLengths?
    /// The encoder in messages: "encoders.first".
    private let encoder: String
    /// Numbers of the layer and of those that contain it, as `couplet config --summary` has them.
    private let path: [Int]

    /// The layer in messages: "encoders.first: layer 3.0".
    var location: String { "\(encoder): layer \(path.map(String.init).joined(separator: "."))" }

    /// The context of a layer of an encoder, or of one inside another.
    init(
        parameters: [ONNXValue], statistics: [ONNXValue], lengths: ONNXLengths?, encoder: String, path: [Int] = []
    ) {
        self.parameters = parameters
        self.statistics = statistics
        self.lengths = lengths
        self.encoder = encoder
        self.path = path
    }

    /// The contexts of layers inside this one, whose parameters and statistics follow one another among those of this
    /// layer.
    /// - Parameters:
    ///   - addedPositions: for each layer, positions that layers before it put in front of a sequence; nil if its input
    ///     has other positions than this layer's.
    ///   - numbers: the number of each layer among the inner layers (`Layer.innerLayers`); nil for one whose own inner
    ///     layers are counted instead.
    public func inner(_ layers: [any Layer], addedPositions: [Int?], numbers: [Int?]) -> [ONNXLayerContext] {
        var parameter = 0, statistic = 0
        return zip(layers, addedPositions).enumerated().map { index, pair in
            let (layer, added) = pair, starts = (parameter, statistic)
            parameter += layer.parameterShapes.count
            statistic += layer.statisticShapes.count
            return ONNXLayerContext(
                parameters: Array(parameters[starts.0..<parameter]),
                statistics: Array(statistics[starts.1..<statistic]),
                lengths: added.flatMap { added in lengths?.adding(added) }, encoder: encoder,
                path: path + (numbers[index].map { [$0] } ?? []))
        }
    }
}

/// The number of valid positions of each sample, as `SequenceLengths`.
public struct ONNXLengths: Sendable {
    /// [1]: the number of each sample in the encoder's input, as a Float32.
    let counts: ONNXValue
    /// Positions that earlier layers have put in front.
    let added: Int

    func adding(_ positions: Int) -> ONNXLengths { ONNXLengths(counts: counts, added: added + positions) }

    /// Which positions are valid, [positions] booleans.
    public func mask(_ positions: Int, in graph: ONNXGraph) -> ONNXValue {
        let numbers = graph.constant((0..<positions).map { Float($0 - added) }, shape: [1, positions])
        return graph.node("Less", [numbers, counts], shape: [positions])
    }

    /// The mask as 0 and 1 in Float32, [positions] + `axes` extents of 1.
    public func factors(_ positions: Int, axes: Int = 1, in graph: ONNXGraph) -> ONNXValue {
        let numbers = graph.node("Cast", [mask(positions, in: graph)], ["to": .integer(1)])
        return graph.reshape(numbers, to: [positions] + [Int](repeating: 1, count: axes))
    }
}

extension ONNXGraph {
    /// Adds the nodes of a layer, such as one inside another.
    /// - Parameter context: of the layer, from `ONNXLayerContext.inner`.
    /// - Throws: `ExportError` if the layer has no ONNX form.
    public func layer(_ layer: any Layer, _ input: ONNXValue, _ context: ONNXLayerContext) throws -> ONNXValue {
        guard let exported = layer as? any ONNXLayer else {
            throw ExportError(
                at: "\(context.location) (\(layer.tableName))", reason: "\(type(of: layer)) has no ONNX form",
                remedy: "give the layer one by the protocol ONNXLayer, or export --format safetensors")
        }
        // A layer may see the output before it in another shape of as many numbers.
        let output = try exported.onnx(reshape(input, to: layer.inputShape), context, in: self)
        return reshape(output, to: layer.outputShape)
    }

    /// Adds the nodes of layers one after another.
    /// - Parameter context: of the layer that contains them, and has their parameters and statistics.
    /// - Throws: as `layer`.
    public func layers(_ layers: [any Layer], _ input: ONNXValue, _ context: ONNXLayerContext) throws -> ONNXValue {
        let contexts = context.inner(
            layers, addedPositions: layers.positionsBefore, numbers: Array(layers.indices))
        return try zip(layers, contexts).reduce(input) { try layer($1.0, $0, $1.1) }
    }
}
