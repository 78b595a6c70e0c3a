import Networks
import Tensors

/// An encoder ready to encode pieces of a fixed number of rows: encodings never depend on how many are asked for at once.
struct EncoderPass {
    let encoder: Encoder
    /// Rows × the encoder's input shape: where samples may be read into.
    let input: Tensor
    private let views: [[Tensor]]
    private let workspace: EncoderWorkspace
    /// What the layers but the last gave at the last `run`, each rows × its output's shape.
    var activations: [Tensor] { workspace.outputs[0] }

    init(_ encoder: Encoder, parameters: Tensor, rows: Int) {
        self.encoder = encoder
        input = Tensor([rows] + encoder.inputShape)
        views = encoder.views(of: parameters)
        workspace = EncoderWorkspace(encoder, rows: rows, slots: 1, backward: false)
    }

    /// Encodes `rows` samples.
    func run(_ samples: Tensor, into output: Tensor) {
        encoder.forward(samples, parameters: views, workspace: workspace, slot: 0, output: output)
    }

    func run(_ samples: Tensor) -> Tensor {
        let output = Tensor([samples.rows, encoder.outputCount])
        run(samples, into: output)
        return output
    }
}
