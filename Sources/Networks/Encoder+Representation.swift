import CoupletTensors

extension Encoder {
    /// The encoder of the first layers alone: its embedding is the output of one layer, flattened. What a layer below
    /// the embedding represents often serves other tasks better than the embedding, whose last layers fit the loss
    /// (Chen et al. 2020, A Simple Framework for Contrastive Learning of Visual Representations, section 4.2).
    /// - Parameter layer: index of the layer in `layers`, as `LayerTable` numbers them.
    package func upTo(layer: Int) -> Encoder {
        precondition(layers.indices.contains(layer), "layer \(layer) of \(layers.count)")
        return Encoder(layers: Array(layers[...layer]), initialScale: initialScale, shards: 1)
    }

    /// Copies the parameters of the first layers.
    /// - Parameters:
    ///   - flat: the parameters of this encoder, in the order of `layout`.
    ///   - first: the encoder of its first layers, from `upTo(layer:)`.
    /// - Returns: the parameters of `first`, in the order of its layout.
    package func parameters(_ flat: Tensor, of first: Encoder) -> Tensor {
        Self.copy(views(of: flat), to: first.layout.count, first.views)
    }

    /// Copies the running statistics of the first layers, as `parameters(_:of:)` does.
    package func statistics(_ flat: Tensor, of first: Encoder) -> Tensor {
        Self.copy(statisticsViews(of: flat), to: first.statisticsLayout.count, first.statisticsViews)
    }

    /// - Parameter views: the tensors of each layer in a flat buffer of `count` floats.
    private static func copy(_ own: [[Tensor]], to count: Int, _ views: (Tensor) -> [[Tensor]]) -> Tensor {
        let result = Tensor([count])
        for (target, source) in zip(views(result), own) {
            for (target, source) in zip(target, source) { target.copy(from: source) }
        }
        return result
    }
}
