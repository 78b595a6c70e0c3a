import CoupletSchema

/// The layers that a config lists.
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
                "layers", \.list, .kinds(of: .layer, example: "[{linear: 64}, relu, {linear: 32}]", minimum: 1) { $0 },
                "Layers from the sample to the embedding: a name, {name: {key: value}}, or {name: value}.")
        ])

    public func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] {
        try requireNumbers(classes)
        return try list.layers(inputShape: inputShape)
    }
}

extension Array where Element == any LayerKind {
    func isEqual(to other: [any LayerKind]) -> Bool {
        count == other.count && zip(self, other).allSatisfy { $0.isEqual(to: $1) }
    }
}
