import Couplet

/// y = γ x̂ + β, x̂ = (x - m) / √(v + ε), with the mean m and the variance v of each row (Ba, Kiros, Hinton, *Layer
/// Normalization*, arXiv 1607.06450).
///
/// Backward, with g = γ dy: dx = (g - mean(g) - x̂ mean(g x̂)) / √(v + ε), dγ = Σ_rows dy x̂, dβ = Σ_rows dy.
struct LayerNormalization: Layer {
    let inputShape: [Int]
    var outputShape: [Int] { inputShape }
    var parameterShapes: [(name: String, shape: [Int])] { [("weight", [inputCount]), ("bias", [inputCount])] }

    /// m and 1 / √(v + ε) of each row.
    func savedForBackwardCount(rows: Int) -> Int { 2 * rows }

    func initialize(_ parameters: [Tensor], philox: Philox, firstNumber: UInt64, scale: Float) {
        parameters[0].fill(scale)
        parameters[1].fill(0)
    }

    func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let n = inputCount, weight = parameters[0], bias = parameters[1]
        let x = input.span, gamma = weight.span, beta = bias.span
        var y = output.mutableSpan, saved = savedForBackward.mutableSpan
        for row in 0..<input.rows {
            let elements = row * n..<(row + 1) * n
            var sum = 0.0, squares = 0.0
            for i in elements { sum += Double(x[i]) }
            let mean = sum / Double(n)
            for i in elements { squares += (Double(x[i]) - mean) * (Double(x[i]) - mean) }
            let m = Float(mean), factor = Float(1 / (squares / Double(n) + 1e-5).squareRoot())
            saved[2 * row] = m
            saved[2 * row + 1] = factor
            for i in elements {
                y[i] = gamma[i - elements.lowerBound] * ((x[i] - m) * factor) + beta[i - elements.lowerBound]
            }
        }
    }

    func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        let n = inputCount, weight = parameters[0], weightGradient = parameterGradients[0]
        let biasGradient = parameterGradients[1]
        weightGradient.fill(0)
        biasGradient.fill(0)
        let x = input.span, dy = outputGradient.span, gamma = weight.span, saved = savedForBackward.span
        var dGamma = weightGradient.mutableSpan, dBeta = biasGradient.mutableSpan
        for row in 0..<input.rows {
            let start = row * n, m = saved[2 * row], factor = saved[2 * row + 1]
            var sum = 0.0, product = 0.0
            for j in 0..<n {
                let normalized = (x[start + j] - m) * factor, g = gamma[j] * dy[start + j]
                dGamma[j] += dy[start + j] * normalized
                dBeta[j] += dy[start + j]
                sum += Double(g)
                product += Double(g * normalized)
            }
            guard let inputGradient else { continue }
            var dx = inputGradient.mutableSpan
            let mean = Float(sum / Double(n)), slope = Float(product / Double(n))
            for j in 0..<n {
                let normalized = (x[start + j] - m) * factor
                dx[start + j] = (gamma[j] * dy[start + j] - mean - normalized * slope) * factor
            }
        }
    }
}
