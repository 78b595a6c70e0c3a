import CCoupletKernels
import CoupletTensors

/// An `InvertibleMixing` in Float, for many rows: a row has the same bits wherever it stands.
struct SinglePrecisionMixing: Sendable {
    private let layers: [RowwiseLinearMap]

    /// - Parameter order: which latent each number of a row of the input is.
    init(_ mixing: InvertibleMixing, order: [Int]) {
        layers = mixing.layers.enumerated().map { place, layer in
            guard place == 0 else { return RowwiseLinearMap(layer) }
            var reordered = Matrix(rows: layer.rows, columns: layer.columns)
            for (k, latent) in order.enumerated() {
                for row in 0..<layer.rows { reordered[row, k] = layer[row, latent] }
            }
            return RowwiseLinearMap(reordered)
        }
    }

    /// - Parameters:
    ///   - latents: `rows` rows, `stride` numbers from one to the next.
    ///   - scratch: twice rows × inputs.
    ///   - views: rows × inputs.
    func apply(
        rows: Int, _ latents: UnsafePointer<Float>, stride: Int, scratch: UnsafeMutablePointer<Float>,
        to views: UnsafeMutablePointer<Float>
    ) {
        var input = latents, step = stride
        for (place, layer) in layers.enumerated() {
            let isLast = place == layers.count - 1, width = layer.outputs
            let output = isLast ? views : scratch + place % 2 * rows * width
            layer.apply(rows: rows, input, stride: step, to: output)
            if !isLast { couplet_bias_leaky_relu(rows, width, nil, Float(InvertibleMixing.slope), output) }
            (input, step) = (UnsafePointer(output), width)
        }
    }
}
