import Couplet

/// In training y = 0 with the probability p, otherwise y = x / (1 - p). In an evaluation y = x (Srivastava et al.,
/// *Dropout*, JMLR 2014).
struct Dropout: Layer {
    let inputShape: [Int]
    let probability: Float
    var outputShape: [Int] { inputShape }

    /// The factor of each value: 0 or 1 / (1 - p).
    func savedForBackwardCount(rows: Int) -> Int { rows * inputCount }

    func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        guard context.mode == .training else { return output.copy(from: input) }
        context.fillUniform(savedForBackward.reshaped([input.rows, inputCount]))
        let x = input.span
        var y = output.mutableSpan, factors = savedForBackward.mutableSpan
        for i in x.indices {
            factors[i] = factors[i] < probability ? 0 : 1 / (1 - probability)
            y[i] = factors[i] * x[i]
        }
    }

    func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        guard let inputGradient else { return }
        let dy = outputGradient.span, factors = savedForBackward.span
        var dx = inputGradient.mutableSpan
        for i in dy.indices { dx[i] = factors[i] * dy[i] }
    }
}
