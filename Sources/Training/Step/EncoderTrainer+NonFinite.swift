import CKernels
import Networks
import Tensors

/// A look for numbers that are not finite, after a step whose update is left out. Activations and encodings are made again, to the same bits; the summed
/// gradient stays.
extension EncoderTrainer {
    /// The first parameter with such a number: its place in the layout's entries.
    func nonFiniteParameter() -> Int? {
        encoder.layout.entries.firstIndex { !Self.isFinite(parameters.flat($0.range)) }
    }

    /// Encodes this worker's samples again.
    /// - Returns: the first layer that gives such numbers, counted from 0, and for which rows; nil where none does.
    func nonFiniteActivations(_ input: Tensor) -> (layer: Int, rows: [Int])? {
        var rows = [[Int]](repeating: [], count: encoder.layers.count)
        for shard in 0..<localShards {
            forward(input, shard)
            for layer in encoder.layers.indices {
                let isLast = layer == encoder.layers.count - 1, place = self.rows(of: shard)
                let given = isLast ? output.rows(place) : workspace.output(ofLayer: layer, slot: slot(of: shard))
                rows[layer] += NonFiniteSearch.rows(of: given).map { place.lowerBound + $0 }
            }
        }
        return rows.firstIndex { !$0.isEmpty }.map { ($0, rows[$0]) }
    }

    /// Makes the gradients of this worker's shards again, each by itself.
    /// - Returns: the layer, counted from 0, whose gradient is the first on the way back with such a number; nil where none is.
    func nonFiniteGradient(_ input: Tensor, outputGradient: Tensor) -> Int? {
        if isFrozen { return nil }
        var last: Int?
        let views = encoder.views(of: Tensor([encoder.layout.count]))
        for shard in 0..<localShards {
            if workspace.slots < localShards { forward(input, shard) }
            encoder.backward(
                input: input.rows(rows(of: shard)), output: output.rows(rows(of: shard)), outputGradient: outputGradient.rows(rows(of: shard)),
                parameters: parameterViews, workspace: workspace, slot: slot(of: shard), gradients: views
            ) { number in
                guard let layer = encoder.layer(numbered: number), !views[layer].allSatisfy(Self.isFinite) else { return }
                last = max(last ?? layer, layer)
            }
        }
        return last
    }

    private static func isFinite(_ tensor: Tensor) -> Bool { couplet_first_not_finite(tensor.count, tensor.pointer) == tensor.count }
}
