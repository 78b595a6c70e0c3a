import CoupletNetworks
import CoupletPairs
import CoupletSchema
import CoupletTensors
import CoupletTraining
import Foundation

// Kinds of a program of one's own: an encoder with running statistics, and a source with noise.

/// Linear layers with a normalisation in front of each.
struct NormalisedEncoder: EncoderArchitecture {
    var width = 7

    static let name = "normalised"
    static let table = ConfigurationTable(
        NormalisedEncoder(), help: "Two linear layers, each after a normalisation.",
        [.key("width", \.width, .integer(1...64, example: 7), "Width of the hidden layer.")])

    func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] {
        try requireNumbers(classes)
        return [
            Normalisation(inputShape: inputShape), Linear(inputShape: inputShape, outputs: width, activation: .tanh),
            Normalisation(inputShape: [width]), Linear(inputShape: [width], outputs: embedding),
        ]
    }
}

/// y = (x - m) / √(v + ε): in training with the mean and variance of each column over the rows of the shard, in an
/// evaluation with the running ones.
private struct Normalisation: Layer {
    let inputShape: [Int]
    var outputShape: [Int] { inputShape }
    var statisticShapes: [(name: String, shape: [Int])] {
        [("running_mean", inputShape), ("running_variance", inputShape)]
    }
    func savedForBackwardCount(rows: Int) -> Int { inputCount }
    func initializeStatistics(_ statistics: [Tensor]) {
        statistics[0].fill(0)
        statistics[1].fill(1)
    }
    func updateStatistics(_ statistics: [Tensor], means: [Tensor]) {
        for (running, mean) in zip(statistics, means) {
            for i in 0..<running.count { running[i] = 0.9 * running[i] + 0.1 * mean[i] }
        }
    }

    func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let rows = input.rows, columns = inputCount
        for column in 0..<columns {
            var mean = 0.0, variance = 0.0
            if context.mode == .training {
                for row in 0..<rows { mean += Double(input[row * columns + column]) / Double(rows) }
                for row in 0..<rows { variance += pow(Double(input[row * columns + column]) - mean, 2) / Double(rows) }
                if !context.shardStatistics.isEmpty {
                    context.shardStatistics[0][column] = Float(mean)
                    context.shardStatistics[1][column] = Float(variance * Double(rows) / Double(rows - 1))
                }
            } else {
                (mean, variance) = (Double(context.statistics[0][column]), Double(context.statistics[1][column]))
            }
            let factor = 1 / (variance + 1e-5).squareRoot()
            savedForBackward[column] = Float(factor)
            for i in stride(from: column, to: rows * columns, by: columns) {
                output[i] = Float((Double(input[i]) - mean) * factor)
            }
        }
    }

    /// dX = (dY - mean dY - y · mean(dY · y)) · factor
    func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        guard let inputGradient else { return }
        let rows = input.rows, columns = inputCount
        for column in 0..<columns {
            let positions = stride(from: column, to: rows * columns, by: columns)
            var mean: Float = 0, product: Float = 0
            for i in positions {
                mean += outputGradient[i] / Float(rows)
                product += outputGradient[i] * output[i] / Float(rows)
            }
            for i in positions {
                inputGradient[i] = (outputGradient[i] - mean - output[i] * product) * savedForBackward[column]
            }
        }
    }
}

/// Pairs of 6 and 6 numbers from a finite set. In training each draw of a pair has other noise.
struct NoisyPairs: PairSourceKind {
    var noise: Float = 0.5

    static let name = "noisy"
    static let table = ConfigurationTable(
        NoisyPairs(), help: "Normal numbers with fresh noise.",
        [.key("noise", \.noise, .number(.nonNegative, example: 0.5), "Standard deviation of the noise.")])

    func makeSource(seed: UInt64) -> any PairSource { NoisySource(noise: noise, random: Philox(seed: seed)) }
}

/// The source of `NoisyPairs`.
struct NoisySource: PairSource {
    static let width = 6
    let noise: Float
    let random: Philox
    /// Is called with the draws of each read of training samples.
    var observeDraws: @Sendable ([UInt64]) -> Void = { _ in }

    func description(of modality: Modality) -> ModalityDescription { ModalityDescription(shape: [Self.width]) }
    func count(of split: Split) -> Int? { split == .training ? 200 : 50 }

    func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) {
        for (row, number) in numbers.enumerated() {
            let x = random.normals(Self.width, split == .training ? .training : .heldOut, number: number)
            for (j, x) in x.enumerated() {
                first?[row * Self.width + j] = x
                second?[row * Self.width + j] = x * x
            }
        }
    }

    func read(training numbers: [UInt64], draws: [UInt64], first: Tensor?, second: Tensor?) {
        observeDraws(draws)
        read(.training, numbers, first: first, second: second)
        for (row, draw) in draws.enumerated() {
            for (j, z) in random.normals(2 * Self.width, .augmentation, number: draw).enumerated() {
                let target = j < Self.width ? first : second
                target?[row * Self.width + j % Self.width] += noise * z
            }
        }
    }
}
