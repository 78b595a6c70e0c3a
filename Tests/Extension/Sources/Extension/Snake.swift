import Couplet

/// y = x + sin²(a x) / a, an activation that learns periodic functions (Ziyin, Hartwig, Ueda, *Neural Networks Fail to
/// Learn Periodic Functions and How to Fix It*, NeurIPS 2020). Backward: dx = (1 + sin(2 a x)) dy.
struct Snake: Layer {
    let inputShape: [Int]
    let frequency: Float
    var outputShape: [Int] { inputShape }
    // The encoder keeps the input for backward, and neither the output nor a copy of its gradient.
    var backwardReadsOutput: Bool { false }
    var backwardOverwritesOutputGradient: Bool { false }

    func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let x = input.span
        var y = output.mutableSpan
        for i in x.indices {
            let sine = Couplet.sin(frequency * x[i])
            y[i] = x[i] + sine * sine / frequency
        }
    }

    func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        guard let inputGradient else { return }
        let x = input.span, dy = outputGradient.span
        var dx = inputGradient.mutableSpan
        for i in x.indices { dx[i] = (1 + Couplet.sin(2 * frequency * x[i])) * dy[i] }
    }
}

extension Snake {
    /// `snake` in a list of layers: `{snake: 2}` sets the frequency.
    struct Kind: LayerKind {
        var frequency: Float = 1

        static let name = "snake"
        static let shortKey: String? = "frequency"
        static let table = ConfigurationTable(
            Kind(), help: "y = x + sin²(a x) / a.",
            [.key("frequency", \.frequency, .number(.positive, example: 2), "The factor a.")])

        func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            Snake(inputShape: inputShape, frequency: frequency)
        }
    }
}
