import CCoupletKernels
import CoupletTensors

/// A look for numbers that are not finite, after a step whose update is left out. Activations and encodings are made again, to the same bits; the summed
/// gradient stays.
extension EncoderTrainer {
    /// The first parameter with such a number: its place in the layout's entries.
    package func nonFiniteParameter() -> Int? {
        encoder.layout.entries.firstIndex { !Self.isFinite(parameters.flat($0.range)) }
    }

    /// Encodes this worker's samples of one input again.
    /// - Returns: the first layer that gives such numbers, counted from 0, and for which rows; nil where none does.
    package func nonFiniteActivations(_ samples: Tensor, of input: Int) -> (layer: Int, rows: [Int])? {
        var rows = [[Int]](repeating: [], count: encoder.layers.count)
        for shard in 0..<localShards {
            let leaf = Leaf(shard: shard, input: input)
            forward(samples, leaf)
            for layer in encoder.layers.indices {
                let isLast = layer == encoder.layers.count - 1, place = self.rows(of: shard)
                let given = isLast ? outputs[input].rows(place) : workspace.output(ofLayer: layer, slot: slot(of: leaf))
                rows[layer] += NonFiniteSearch.rows(of: given).map { place.lowerBound + $0 }
            }
        }
        return rows.firstIndex { !$0.isEmpty }.map { ($0, rows[$0]) }
    }

    /// Makes the gradients of this worker's shards of one input again, each by itself.
    /// - Returns: the layer, counted from 0, whose gradient is the first on the way back with such a number; nil where none is.
    package func nonFiniteGradient(_ samples: Tensor, of input: Int, outputGradient: Tensor) -> Int? {
        if isFrozen { return nil }
        var last: Int?
        let views = encoder.views(of: Tensor([encoder.layout.count]))
        for shard in 0..<localShards {
            let leaf = Leaf(shard: shard, input: input), rows = rows(of: shard)
            if !keepsActivations { forward(samples, leaf) }
            encoder.backward(
                input: samples.rows(rows), output: outputs[input].rows(rows), outputGradient: outputGradient.rows(rows),
                parameters: parameterViews, workspace: workspace, slot: slot(of: leaf), gradients: views
            ) { number in
                guard let layer = encoder.layer(numbered: number), !views[layer].allSatisfy(Self.isFinite) else {
                    return
                }
                last = max(last ?? layer, layer)
            }
        }
        return last
    }

    private static func isFinite(_ tensor: Tensor) -> Bool {
        couplet_first_not_finite(tensor.count, tensor.pointer) == tensor.count
    }
}
