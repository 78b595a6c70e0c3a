import CoupletNetworks
import CoupletTensors
import Testing

/// Normalisation layers against references in Double.
@Suite struct NormalizationTests {
    /// Mean and biased variance.
    static func moments(_ values: [Double]) -> (mean: Double, variance: Double) {
        let mean = values.reduce(0, +) / Double(values.count)
        return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count))
    }

    /// f(γ (x - μ) / √(σ² + ε) + β), where elements with equal `set(index)` share μ and σ². The last axis has the
    /// channels.
    static func normalize(
        _ x: [Double], weight: [Double], bias: [Double], activation: Activation = .identity, set: (Int) -> Int
    ) -> [Double] {
        let members = Dictionary(grouping: x.indices, by: set)
        let moments = members.mapValues { indices in Self.moments(indices.map { x[$0] }) }
        return x.indices.map { i in
            let (mean, variance) = moments[set(i)]!, c = i % weight.count
            return ReferenceLayers.activate(
                activation, weight[c] * (x[i] - mean) / (variance + 1e-5).squareRoot() + bias[c])
        }
    }

    private static func training(_ layer: some Layer, shard: [Tensor] = []) -> LayerContext {
        .training(
            philox: Philox(seed: 1), firstDraw: 0, statistics: layer.statisticShapes.map { Tensor($0.shape) },
            shardStatistics: shard)
    }

    static let shapes: [[Int]] = [[1], [5], [16], [35], [7, 3], [3, 48], [5, 4, 18]]
    static let activations: [Activation] = [.identity, .relu, .leakyRelu(slope: 0.2)]

    @Test(arguments: shapes, activations) func batchNormEqualsReference(_ shape: [Int], _ activation: Activation) {
        let channels = shape.last!, layer = BatchNorm(inputShape: shape, activation: activation)
        // Signs near zero would make the differences of relu useless.
        let rows = shape.count == 1 ? 11 : 4
        GradientCheck.check(layer, rows: rows, limit: 1e-4, context: Self.training(layer)) { x, p in
            Self.normalize(x, weight: p[0], bias: p[1], activation: activation) { $0 % channels }
        }
    }

    @Test(arguments: activations) func batchNormUsesRunningStatisticsInAnEvaluation(_ activation: Activation) {
        let statistics = [GradientCheck.normal([6], 70), Tensor([6], [0.5, 1, 2, 0.1, 3, 1e-3])]
        let mean = statistics[0].values.map(Double.init), variance = statistics[1].values.map(Double.init)
        GradientCheck.check(
            BatchNorm(inputShape: [2, 6], activation: activation), rows: 5, limit: 1e-4,
            context: .evaluation(statistics: statistics)
        ) { x, p in
            x.indices.map { i in
                let c = i % 6
                return ReferenceLayers.activate(
                    activation, p[0][c] * (x[i] - mean[c]) / (variance[c] + 1e-5).squareRoot() + p[1][c])
            }
        }
    }

    /// The shard's statistics have the unbiased variance. Large means do not cancel.
    @Test(arguments: [0, 1000] as [Float]) func batchNormWritesTheStatisticsOfTheShard(_ offset: Float) {
        let rows = 70, layer = BatchNorm(inputShape: [3, 5]), input = GradientCheck.normal([rows, 3, 5], 3)
        for i in 0..<input.count { input[i] += offset }
        let shard = [Tensor([5]), Tensor([5])], output = Tensor([rows, 3, 5])
        func forward(_ context: LayerContext) -> [Float] {
            let one = Tensor([5]), saved = Tensor([layer.savedForBackwardCount(rows: rows)])
            one.fill(1)
            layer.forward(
                input, parameters: [one, Tensor([5])], output: output, savedForBackward: saved,
                scratch: Tensor([layer.scratchCount(rows: rows)]), context: context)
            return output.values
        }
        let first = forward(Self.training(layer, shard: shard))
        let x = input.values.map(Double.init)
        for c in 0..<5 {
            let values = stride(from: c, to: x.count, by: 5).map { x[$0] }, (mean, variance) = Self.moments(values)
            let unbiased = variance * Double(values.count) / Double(values.count - 1)
            #expect(abs(Double(shard[0][c]) - mean) <= 1e-7 * (1 + abs(mean)))
            #expect(abs(Double(shard[1][c]) - unbiased) <= 1e-6 * unbiased)
            for (i, value) in zip(stride(from: c, to: x.count, by: 5), values) {
                let expected = (value - mean) / (variance + 1e-5).squareRoot()
                #expect(abs(Double(first[i]) - expected) <= 1e-6 + 6e-8 * Double(offset))
            }
        }
        // A pass that recomputes writes none, and gives the same bits.
        let written = shard.map(\.values)
        #expect(forward(Self.training(layer)) == first && shard.map(\.values) == written)
    }

    /// Constant channels, one row, and a channel with a NaN.
    @Test func batchNormOfSpecialShards() {
        let layer = BatchNorm(inputShape: [3]), parameters = [Tensor([3], [1, 2, 3]), Tensor([3], [4, 5, 6])]
        let constant = LayerRun(
            layer, rows: 9, input: Tensor([9, 3], (0..<27).map { [1e4, -3, .nan][$0 % 3] }), parameters: parameters,
            outputGradient: GradientCheck.normal([9, 3], 4), context: Self.training(layer))
        for row in 0..<9 {
            #expect(constant.output[3 * row] == 4 && constant.output[3 * row + 1] == 5)
            #expect(constant.output[3 * row + 2].isNaN && constant.inputGradient[3 * row].isFinite)
        }
        let shard = [Tensor([3]), Tensor([3], [7, 7, 7])]
        let single = LayerRun(
            layer, rows: 1, input: Tensor([1, 3], [3, 2, 1]), parameters: parameters,
            outputGradient: Tensor([1, 3], [1, 1, 1]), context: Self.training(layer, shard: shard))
        #expect(single.output.values == [4, 5, 6] && single.inputGradient.values == [0, 0, 0])
        #expect(shard[0].values == [3, 2, 1] && shard[1].values == [0, 0, 0])
    }

    @Test func batchNormMovesRunningStatistics() {
        let layer = BatchNorm(inputShape: [2], momentum: 0.25), statistics = [Tensor([2]), Tensor([2])]
        layer.initializeStatistics(statistics)
        #expect(statistics.map(\.values) == [[0, 0], [1, 1]])
        layer.updateStatistics(statistics, means: [Tensor([2], [4, 8]), Tensor([2], [3, 5])])
        #expect(statistics.map(\.values) == [[1, 2], [1.5, 2]])
        #expect(layer.statisticShapes.map(\.name) == ["running_mean", "running_var"])
    }

    /// An activation in the same pass has the bits of one after the layer.
    @Test(arguments: [.relu, .leakyRelu(slope: 0.01)] as [Activation])
    func activationsInTheSamePassHaveTheSameBits(_ activation: Activation) throws {
        let layers: [any Layer] = [BatchNorm(inputShape: [3, 20]), GroupNorm(inputShape: [3, 20], groups: 5)]
        for layer in layers {
            let fused = try #require(layer.applying(activation))
            let plain = Sequential([layer, ActivationLayer(activation, shape: [3, 20])])
            func run(_ layer: any Layer) -> [[Float]] {
                let result = LayerRun(
                    layer, rows: 13, input: GradientCheck.normal([13, 3, 20], 1),
                    parameters: [GradientCheck.normal([20], 2), GradientCheck.normal([20], 3)],
                    outputGradient: GradientCheck.normal([13, 3, 20], 4), context: Self.training(layer))
                return [result.output.values, result.inputGradient.values]
                    + result.parameterGradients.map(\.values)
            }
            #expect(run(fused) == run(plain))
            #expect(fused.applying(activation) == nil && layer.applying(.gelu) == nil)
        }
    }

    @Test(arguments: [[1], [2], [16], [35], [7, 3], [3, 48], [5, 4, 18]]) func layerNormEqualsReference(_ shape: [Int])
    {
        let width = shape.last!
        GradientCheck.check(LayerNorm(inputShape: shape), rows: 9, limit: 1e-4) { x, p in
            Self.normalize(x, weight: p[0], bias: p[1]) { $0 / width }
        }
    }

    @Test func layerNormOfLargeMeans() {
        let input = GradientCheck.normal([6, 50], 3), one = Tensor([50])
        one.fill(1)
        for i in 0..<input.count { input[i] += 3000 }
        let run = LayerRun(
            LayerNorm(inputShape: [50]), rows: 6, input: input, parameters: [one, Tensor([50])],
            outputGradient: input)
        let expected = Self.normalize(
            input.values.map(Double.init), weight: one.values.map(Double.init),
            bias: [Double](repeating: 0, count: 50)
        ) { $0 / 50 }
        #expect(zip(run.output.values, expected).allSatisfy { abs(Double($0) - $1) <= 3000 * 1.2e-7 })
    }

    /// The output of a row does not depend on its place in the shard.
    @Test func layerNormOfARowBlock() {
        let layer = LayerNorm(inputShape: [21]), input = GradientCheck.normal([11, 21], 1)
        let parameters = [GradientCheck.normal([21], 2), GradientCheck.normal([21], 3)]
        let gradient = GradientCheck.normal([11, 21], 4)
        let whole = LayerRun(layer, rows: 11, input: input, parameters: parameters, outputGradient: gradient)
        for range in [0..<4, 3..<8, 5..<6, 9..<11] {
            let part = LayerRun(
                layer, rows: range.count, input: input.rows(range), parameters: parameters,
                outputGradient: gradient.rows(range), shift: 1)
            #expect(part.output.values == whole.output.rows(range).values)
            #expect(part.inputGradient.values == whole.inputGradient.rows(range).values)
        }
    }

    @Test(arguments: [([6], 1), ([6], 3), ([6], 6), ([40, 3], 3), ([3, 48], 4), ([3, 6, 20], 5)] as [([Int], Int)])
    func groupNormEqualsReference(_ shape: [Int], _ groups: Int) {
        let channels = shape.last!, count = shape.reduce(1, *)
        for activation in Self.activations {
            let layer = GroupNorm(inputShape: shape, groups: groups, activation: activation)
            GradientCheck.check(layer, rows: 3, limit: 1e-4) { x, p in
                Self.normalize(x, weight: p[0], bias: p[1], activation: activation) {
                    $0 / count * groups + $0 % channels / (channels / groups)
                }
            }
        }
    }

    @Test func groupNormOfARowBlock() {
        let layer = GroupNorm(inputShape: [5, 12], groups: 3), input = GradientCheck.normal([7, 5, 12], 1)
        let parameters = [GradientCheck.normal([12], 2), GradientCheck.normal([12], 3)]
        let gradient = GradientCheck.normal([7, 5, 12], 4)
        let whole = LayerRun(layer, rows: 7, input: input, parameters: parameters, outputGradient: gradient)
        let part = LayerRun(
            layer, rows: 3, input: input.rows(2..<5), parameters: parameters, outputGradient: gradient.rows(2..<5),
            shift: 3)
        #expect(part.output.values == whole.output.rows(2..<5).values)
        #expect(part.inputGradient.values == whole.inputGradient.rows(2..<5).values)
    }

    @Test func kindsMakeLayers() throws {
        let batch = try BatchNorm.Kind(momentum: 0.5).layer(inputShape: [2, 3]) as? BatchNorm
        #expect(batch?.momentum == 0.5 && batch?.inputShape == [2, 3])
        #expect(try LayerNorm.Kind().layer(inputShape: [4]) is LayerNorm)
        #expect(try (GroupNorm.Kind(groups: 2).layer(inputShape: [4]) as? GroupNorm)?.groups == 2)
        let error = #expect(throws: NetworkError.self) { try GroupNorm.Kind(groups: 5).layer(inputShape: [3, 12]) }
        #expect(
            error?.description
                == "5 groups do not divide the 12 channels of samples of shape [3, 12]; choose a number of groups that "
                + "divides 12: 1, 2, 3, 4, 6, 12")
        let fused = try ([BatchNorm.Kind(), ActivationLayer.Relu()] as [any LayerKind]).layers(inputShape: [4])
        #expect(fused.count == 1 && (fused[0] as? BatchNorm)?.activation == .relu)
    }
}
