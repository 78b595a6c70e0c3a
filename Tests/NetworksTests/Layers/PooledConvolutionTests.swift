import CoupletNetworks
import CoupletTensors
import Testing

@Suite struct PooledConvolutionTests {
    struct Case: Sendable {
        let rows: Int, channels: Int, height: Int, width: Int, outputs: Int
        var shape: [Int] { [channels, height, width] }
    }

    /// The cases cover few and many input channels, full and partly filled vectors of channels, odd sides, and the
    /// smallest images.
    static let cases = [
        Case(rows: 1, channels: 1, height: 2, width: 2, outputs: 1),
        Case(rows: 2, channels: 1, height: 7, width: 7, outputs: 32),
        Case(rows: 1, channels: 3, height: 5, width: 4, outputs: 17),
        Case(rows: 2, channels: 4, height: 3, width: 6, outputs: 16),
        Case(rows: 1, channels: 5, height: 4, width: 7, outputs: 3),
        Case(rows: 2, channels: 16, height: 2, width: 3, outputs: 33),
        Case(rows: 1, channels: 33, height: 3, width: 3, outputs: 5),
        Case(rows: 1, channels: 32, height: 4, width: 4, outputs: 80),
        Case(rows: 1, channels: 1, height: 4, width: 29, outputs: 2),
        Case(rows: 1, channels: 18, height: 2, width: 23, outputs: 3),
    ]

    /// As `cases`, and an image with more than 256 pooled pixels, the block of the weights' gradient.
    static let chainCases = cases + [Case(rows: 2, channels: 5, height: 34, width: 37, outputs: 3)]

    /// The bits are those of the documented chains of fused multiply-adds, on every instruction set. Other tests of the
    /// function suffice in Double; this one fails if an order of a sum depends on registers.
    @Test(arguments: chainCases) func bitsAreThoseOfTheChains(_ c: Case) {
        let layer = PooledConvolution(inputShape: c.shape, channels: c.outputs)
        let input = GradientCheck.normal([c.rows] + c.shape, 1),
            gradient = GradientCheck.normal([c.rows] + layer.outputShape, 2)
        let parameters = layer.parameterShapes.enumerated().map { GradientCheck.normal($1.shape, 10 + $0) }
        let run = LayerRun(
            layer, rows: c.rows, input: input, parameters: parameters, outputGradient: gradient)
        let chains = ConvolutionChains(
            c, input: input.values, weight: parameters[0].values, bias: parameters[1].values,
            gradient: gradient.values)
        #expect(run.output.values == chains.output)
        #expect(run.parameterGradients[0].values == chains.weightGradient)
        #expect(run.parameterGradients[1].values == chains.biasGradient)
        #expect(run.inputGradient.values == chains.inputGradient)
    }

    static func reference(_ c: Case, _ x: [Double], _ p: [[Double]]) -> [Double] {
        let z = ReferenceLayers.convolution(
            x, rows: c.rows, shape: (c.channels, c.height, c.width), weight: p[0], bias: p[1], outputs: c.outputs)
        return ReferenceLayers.maxPooling(
            z.map { max(0, $0) }, images: c.rows * c.outputs, height: c.height, width: c.width)
    }

    @Test(arguments: cases) func equalsReference(_ c: Case) {
        GradientCheck.check(PooledConvolution(inputShape: c.shape, channels: c.outputs), rows: c.rows) {
            Self.reference(c, $0, $1)
        }
    }

    /// With channels last, the layer computes the same function of permuted images.
    @Test(arguments: cases) func layoutsAgree(_ c: Case) {
        let first = PooledConvolution(inputShape: c.shape, channels: c.outputs)
        let last = PooledConvolution(
            inputShape: c.shape, channels: c.outputs, inputLayout: .channelsLast, outputLayout: .channelsLast)
        let input = GradientCheck.normal([c.rows] + c.shape, 1),
            gradient = GradientCheck.normal([c.rows] + first.outputShape, 2)
        let parameters = first.parameterShapes.enumerated().map { GradientCheck.normal($1.shape, 10 + $0) }
        let a = LayerRun(first, rows: c.rows, input: input, parameters: parameters, outputGradient: gradient)
        let b = LayerRun(
            last, rows: c.rows, input: Self.channelsLast(input), parameters: parameters,
            outputGradient: Self.channelsLast(gradient))
        #expect(Self.channelsLast(a.output).values == b.output.values)
        #expect(Self.channelsLast(a.inputGradient).values == b.inputGradient.values)
        #expect(a.parameterGradients.map(\.values) == b.parameterGradients.map(\.values))
    }

    static func channelsLast(_ images: Tensor) -> Tensor {
        let channels = images.shape[1], pixels = images.shape[2] * images.shape[3], result = Tensor(images.shape)
        for n in 0..<images.rows {
            for c in 0..<channels {
                for p in 0..<pixels {
                    result[(n * pixels + p) * channels + c] = images[(n * channels + c) * pixels + p]
                }
            }
        }
        return result
    }

    /// Worked by hand: the first of equal maxima receives the gradient, and a zero receives none.
    @Test func firstOfEqualMaximaReceivesTheGradient() {
        let weight = Tensor([1, 1, 3, 3])
        weight[4] = 1
        let layer = PooledConvolution(inputShape: [1, 2, 6], channels: 1)
        let input: [Float] = [1, 5, 2, 2, -1, 0, 5, 5, 1, 2, -3, 0]
        let run = LayerRun(
            layer, rows: 1, input: Tensor([1, 1, 2, 6], input), parameters: [weight, Tensor([1])],
            outputGradient: Tensor([1, 1, 1, 3], [10, 20, 30]))
        #expect(run.output.values == [5, 2, 0])
        #expect(run.inputGradient.values == [0, 10, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        #expect(run.parameterGradients[1].values == [30])
    }

    @Test func passesNaN() {
        let layer = PooledConvolution(inputShape: [1, 4, 4], channels: 2)
        let input = GradientCheck.normal([1, 1, 4, 4], 1)
        input[10] = .nan
        let parameters = layer.parameterShapes.enumerated().map { GradientCheck.normal($1.shape, 10 + $0) }
        let run = LayerRun(
            layer, rows: 1, input: input, parameters: parameters, outputGradient: GradientCheck.normal([1, 2, 2, 2], 2))
        #expect(run.output.values.allSatisfy { $0.isNaN })
    }
}
