import CoupletNetworks
import CoupletTensors

/// Dropout as a program outside Couplet writes it: y = x · m / (1 - p) with m = 1 where a uniform number is at least p,
/// else 0 (Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, JMLR 2014).
struct OwnDropout: Layer {
    let inputShape: [Int]
    let probability: Float
    var outputShape: [Int] { inputShape }

    func scratchCount(rows: Int) -> Int { rows * inputCount }

    func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) { drop(input, into: output, scratch, context) }

    /// Draws the mask again.
    func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        if let inputGradient { drop(outputGradient, into: inputGradient, scratch, context) }
    }

    private func drop(_ source: Tensor, into target: Tensor, _ scratch: Tensor, _ context: LayerContext) {
        target.copy(from: source)
        if context.mode == .evaluation { return }
        let uniforms = scratch.flat(0..<source.count).reshaped([source.rows, inputCount])
        context.fillUniform(uniforms)
        let u = uniforms.span
        var y = target.mutableSpan
        for i in u.indices { y[i] = u[i] < probability ? 0 : y[i] / (1 - probability) }
    }
}

/// Batch normalisation within a shard as a program outside Couplet writes it (Ioffe, Szegedy, ICML 2015), without scale
/// and shift: y = (x - mean) / √(variance + ε) over the rows.
struct OwnNormalisation: Layer {
    let inputShape: [Int]
    var outputShape: [Int] { inputShape }
    var statisticShapes: [(name: String, shape: [Int])] { [("mean", inputShape), ("variance", inputShape)] }
    static let epsilon: Float = 1e-5

    func initializeStatistics(_ statistics: [Tensor]) {
        statistics[0].fill(0)
        statistics[1].fill(1)
    }

    /// 1 / √(variance + ε) of each column.
    func savedForBackwardCount(rows: Int) -> Int { inputCount }

    func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let (rows, columns) = (input.rows, inputCount), x = input.span
        var y = output.mutableSpan, factors = savedForBackward.mutableSpan
        for column in 0..<columns {
            var mean: Float = 0, variance: Float = 0
            if context.mode == .training {
                for row in 0..<rows { mean += x[row * columns + column] / Float(rows) }
                for row in 0..<rows {
                    let difference = x[row * columns + column] - mean
                    variance += difference * difference / Float(rows)
                }
                if !context.shardStatistics.isEmpty {
                    context.shardStatistics[0][column] = mean
                    context.shardStatistics[1][column] = variance * Float(rows) / Float(rows - 1)
                }
            } else {
                (mean, variance) = (context.statistics[0][column], context.statistics[1][column])
            }
            factors[column] = 1 / (variance + Self.epsilon).squareRoot()
            for row in 0..<rows { y[row * columns + column] = (x[row * columns + column] - mean) * factors[column] }
        }
    }

    /// dX = (dY - mean dY - y · mean(dY · y)) · factor
    func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        guard let inputGradient else { return }
        let (rows, columns) = (input.rows, inputCount)
        let y = output.span, dy = outputGradient.span, factors = savedForBackward.span
        var dx = inputGradient.mutableSpan
        for column in 0..<columns {
            var mean: Float = 0, product: Float = 0
            for i in stride(from: column, to: rows * columns, by: columns) {
                mean += dy[i] / Float(rows)
                product += dy[i] * y[i] / Float(rows)
            }
            for i in stride(from: column, to: rows * columns, by: columns) {
                dx[i] = (dy[i] - mean - y[i] * product) * factors[column]
            }
        }
    }

    func updateStatistics(_ statistics: [Tensor], means: [Tensor]) {
        for (running, mean) in zip(statistics, means) {
            for i in 0..<running.count { running[i] = 0.9 * running[i] + 0.1 * mean[i] }
        }
    }

    /// In training, in Double.
    static func reference(_ x: [Double], rows: Int) -> [Double] {
        let columns = x.count / rows
        var y = x
        for column in 0..<columns {
            let values = (0..<rows).map { x[$0 * columns + column] }
            let mean = values.reduce(0, +) / Double(rows)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rows)
            for row in 0..<rows { y[row * columns + column] = (values[row] - mean) / (variance + 1e-5).squareRoot() }
        }
        return y
    }
}
