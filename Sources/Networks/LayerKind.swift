import CoupletSchema

extension KindCategory {
    /// The layers that `layers` in `encoders.first` can list.
    public static let layer = KindCategory("layer")
}

/// A kind of layer that a config can list: its keys, and the layer that it makes for an input shape.
///
/// The type of a layer `Square` has its kind in the same file. A config that lists `square` gets the layer:
///
///     extension Square {
///         struct Kind: LayerKind {
///             static let name = "square"
///             static let table = ConfigurationTable(Kind(), help: "y = x².", [])
///             func layer(inputShape: [Int]) throws(NetworkError) -> any Layer { Square(inputShape: inputShape) }
///         }
///     }
public protocol LayerKind: ConfigurableKind {
    /// The layer for samples of a shape.
    /// - Throws: `NetworkError` if the layer cannot follow one with this output shape.
    func layer(inputShape: [Int]) throws(NetworkError) -> any Layer
    /// Whether the layer takes images as sources deliver them, [channels, height, width]. If it is the first of a list,
    /// no `ChannelsLast` precedes it. The default is false.
    var takesChannelsFirst: Bool { get }
    /// The kind for samples that a tokenizer with this number of ids has made: with its vocabulary, if the config names
    /// none. The default is the kind itself.
    func completed(vocabulary: Int) -> Self
}

extension LayerKind {
    public static var category: KindCategory { .layer }
    public var takesChannelsFirst: Bool { false }
    public func completed(vocabulary: Int) -> Self { self }
}

/// Couplet's layers.
package let layerKinds: [any ConfigurableKind.Type] = [
    Residual.Kind.self, Parallel.Kind.self, Linear.Kind.self, BatchNorm.Kind.self, LayerNorm.Kind.self,
    GroupNorm.Kind.self, ActivationLayer.Relu.self, ActivationLayer.LeakyRelu.self, ActivationLayer.Gelu.self,
    ActivationLayer.Tanh.self, Dropout.Kind.self, TokenEmbedding.Kind.self, EmbeddingBag.Kind.self, Masking.Kind.self,
    Conv1d.Kind.self, PositionPool.MeanKind.self, PositionPool.SumKind.self, FirstToken.Kind.self,
    AttentionPool.Kind.self, SelfAttention.Kind.self, TransformerBlock.Kind.self, PatchEmbedding.Kind.self,
    ClassToken.Kind.self, PositionalEmbedding.Kind.self, Conv2d.Kind.self, MaxPool2d.Kind.self,
    AveragePool2d.Kind.self, PositionPool.GlobalAverageKind.self, GlobalMaxPool.Kind.self, Flatten.Kind.self,
    Unsqueeze.Kind.self,
]

extension Array where Element == any LayerKind {
    /// The layers of the list, each for the output shape of the one before it.
    ///
    /// An activation becomes a part of the layer before it where that layer can apply one (`Layer.applying`).
    /// - Parameter key: the key of the list in the config, for error messages.
    /// - Throws: `NetworkError`, which names the layer in the list, if a layer does not fit the one before it.
    public func layers(inputShape: [Int], key: String = "layers") throws(NetworkError) -> [any Layer] {
        var layers: [any Layer] = [], shape = inputShape
        for (index, kind) in enumerated() {
            let layer: any Layer
            do {
                layer = try kind.layer(inputShape: shape)
            } catch {
                throw error.within("\(key)[\(index)].\(kind.kindName)")
            }
            shape = layer.outputShape
            if let activation = layer as? ActivationLayer, let last = layers.last,
                let fused = last.applying(activation.activation)
            {
                layers[layers.count - 1] = fused
            } else {
                layers.append(layer)
            }
        }
        return layers
    }
}
