import CoupletNetworks
import CoupletTensors

/// An encoder ready to encode pieces of a fixed number of rows: encodings never depend on how many are asked for at once.
package struct BatchEncoder {
    package let encoder: Encoder
    /// Rows × the encoder's input shape: where samples may be read into.
    package let input: Tensor
    private let views: [[Tensor]]
    private let workspace: EncoderWorkspace
    /// What the layers but the last gave at the last `run`, each rows × its output's shape.
    package var activations: [Tensor] { workspace.outputs[0] }

    package init(_ encoder: Encoder, parameters: Tensor, rows: Int) {
        self.encoder = encoder
        input = Tensor([rows] + encoder.inputShape)
        views = encoder.views(of: parameters)
        workspace = EncoderWorkspace(encoder, rows: rows, slots: 1, backward: false)
    }

    /// Encodes `rows` samples.
    package func run(_ samples: Tensor, into output: Tensor) {
        encoder.forward(samples, parameters: views, workspace: workspace, slot: 0, output: output)
    }

    package func run(_ samples: Tensor) -> Tensor {
        let output = Tensor([samples.rows, encoder.outputCount])
        run(samples, into: output)
        return output
    }
}
