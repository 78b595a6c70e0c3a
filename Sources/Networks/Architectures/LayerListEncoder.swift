import CoupletSchema

/// The layers that a config lists. For images, [channels, height, width], a `ChannelsLast` precedes them.
///
///     encoders.first: {kind: layers, layers: [{linear: 64}, relu, {residual: [{linear: 64}, relu]}, {linear: 32}]}
public struct LayerListEncoder: EncoderArchitecture {
    public var list: [any LayerKind]

    public init(_ list: [any LayerKind]) { self.list = list }

    public static func == (left: LayerListEncoder, right: LayerListEncoder) -> Bool {
        left.list.isEqual(to: right.list)
    }

    public static let name = "layers"
    public static let table = ConfigurationTable(
        LayerListEncoder([]), help: "The layers that `layers` lists, one after another.",
        [
            .required(
                "layers", \.list,
                .kinds(
                    of: .layer, example: "[{linear: 64}, relu, {linear: 32}]", minimum: 1,
                    descriptions: .once("layers[]")
                ) { $0 },
                "Layers from the sample to the embedding: a name, {name: {key: value}}, or {name: value}; see layers[]."
            )
        ])

    public func completed(vocabulary: Int) -> Self {
        LayerListEncoder(list.map { $0.completed(vocabulary: vocabulary) })
    }

    public func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] {
        try requireNumbers(classes)
        var first: [any Layer] = []
        if inputShape.count == 3, list.first?.takesChannelsFirst == false {
            first.append(ChannelsLast(inputShape: inputShape))
        }
        let layers = try first + list.layers(inputShape: first.first?.outputShape ?? inputShape)
        if let kind = list.last, let shape = layers.last?.outputShape, shape.reduce(1, *) != embedding {
            throw NetworkError(
                reason: "the last layer returns \(Self.text(shape)), but encoders.embedding is \(embedding)",
                remedy: "append \(Self.ending(shape, embedding: embedding)), or set encoders.embedding to "
                    + "\(shape.reduce(1, *))"
            ).within("layers[\(list.count - 1)].\(kind.kindName)")
        }
        return layers
    }

    /// "[7, 7, 512] (height, width, channels)"
    private static func text(_ shape: [Int]) -> String {
        switch shape.count {
        case 1: "\(shape[0]) numbers"
        case 2: "\(shape) (positions, width)"
        case 3: "\(shape) (height, width, channels)"
        default: "\(shape)"
        }
    }

    /// The layers from a shape to the embedding, as the config lists them.
    private static func ending(_ shape: [Int], embedding: Int) -> String {
        let pooling = shape.count == 3 ? "global_average_pool" : shape.count == 2 ? "mean_pool" : nil
        let linear = "{linear: \(embedding)}"
        guard let pooling else { return shape.count == 1 ? linear : "flatten, \(linear)" }
        return shape.last == embedding ? pooling : "\(pooling), \(linear)"
    }
}

extension Array where Element == any LayerKind {
    func isEqual(to other: [any LayerKind]) -> Bool {
        count == other.count && zip(self, other).allSatisfy { $0.isEqual(to: $1) }
    }
}
