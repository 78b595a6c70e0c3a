import Couplet

/// y = γ x̂ + β, x̂ = (x - m) / √(v + ε) (Ioffe, Szegedy, *Batch Normalization*, ICML 2015). In training m and v are
/// the mean and the variance of each column over the rows of the shard, in an evaluation the running statistics.
///
/// Backward: dx = γ (dy - mean(dy) - x̂ mean(dy x̂)) / √(v + ε), dγ = Σ_rows dy x̂, dβ = Σ_rows dy.
struct BatchNormalization: Layer {
    let inputShape: [Int]
    var outputShape: [Int] { inputShape }
    var parameterShapes: [(name: String, shape: [Int])] { [("weight", [inputCount]), ("bias", [inputCount])] }
    var statisticShapes: [(name: String, shape: [Int])] {
        [("running_mean", [inputCount]), ("running_var", [inputCount])]
    }

    /// m and 1 / √(v + ε) of each column.
    func savedForBackwardCount(rows: Int) -> Int { 2 * inputCount }

    func initialize(_ parameters: [Tensor], philox: Philox, firstNumber: UInt64, scale: Float) {
        parameters[0].fill(scale)
        parameters[1].fill(0)
    }

    func initializeStatistics(_ statistics: [Tensor]) {
        statistics[0].fill(0)
        statistics[1].fill(1)
    }

    func updateStatistics(_ statistics: [Tensor], means: [Tensor]) {
        for (statistic, mean) in zip(statistics, means) {
            for j in 0..<inputCount { statistic[j] = 0.9 * statistic[j] + 0.1 * mean[j] }
        }
    }

    func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let n = inputCount, rows = input.rows, weight = parameters[0], bias = parameters[1]
        let x = input.span, gamma = weight.span, beta = bias.span
        var y = output.mutableSpan, saved = savedForBackward.mutableSpan
        for j in 0..<n {
            var mean = 0.0, variance = 0.0
            if context.mode == .training {
                for row in 0..<rows { mean += Double(x[row * n + j]) }
                mean /= Double(rows)
                for row in 0..<rows { variance += (Double(x[row * n + j]) - mean) * (Double(x[row * n + j]) - mean) }
                if !context.shardStatistics.isEmpty {
                    context.shardStatistics[0][j] = Float(mean)
                    context.shardStatistics[1][j] = Float(variance / Double(max(rows - 1, 1)))
                }
                variance /= Double(rows)
            } else {
                mean = Double(context.statistics[0][j])
                variance = Double(context.statistics[1][j])
            }
            let m = Float(mean), factor = Float(1 / (variance + 1e-5).squareRoot())
            saved[2 * j] = m
            saved[2 * j + 1] = factor
            for row in 0..<rows { y[row * n + j] = gamma[j] * ((x[row * n + j] - m) * factor) + beta[j] }
        }
    }

    func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        let n = inputCount, rows = input.rows, weight = parameters[0]
        let x = input.span, dy = outputGradient.span, gamma = weight.span, saved = savedForBackward.span
        for j in 0..<n {
            let m = saved[2 * j], factor = saved[2 * j + 1]
            var sum = 0.0, product = 0.0
            for row in 0..<rows {
                sum += Double(dy[row * n + j])
                product += Double(dy[row * n + j]) * Double((x[row * n + j] - m) * factor)
            }
            parameterGradients[0][j] = Float(product)
            parameterGradients[1][j] = Float(sum)
            guard let inputGradient else { continue }
            var dx = inputGradient.mutableSpan
            let mean = Float(sum / Double(rows)), slope = Float(product / Double(rows))
            for row in 0..<rows {
                let normalized = (x[row * n + j] - m) * factor
                dx[row * n + j] = gamma[j] * (dy[row * n + j] - mean - normalized * slope) * factor
            }
        }
    }
}
