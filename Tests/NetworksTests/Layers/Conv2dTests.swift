import CoupletNetworks
import CoupletTensors
import Testing

@Suite struct Conv2dTests {
    struct Case: Sendable, CustomStringConvertible {
        let rows: Int, shape: [Int], outputs: Int
        var window: ReferenceImages.Window
        var groups = 1

        var description: String { "\(rows) × \(shape) to \(outputs) by \(window), \(groups) groups" }

        init(
            _ rows: Int, _ shape: [Int], _ outputs: Int, kernel: (Int, Int) = (3, 3), stride: (Int, Int) = (1, 1),
            padding: (Int, Int) = (0, 0), groups: Int = 1
        ) {
            self.rows = rows
            self.shape = shape
            self.outputs = outputs
            self.groups = groups
            window = ReferenceImages.Window(kernel: kernel, stride: stride, padding: padding)
        }

        func layer(bias: Bool = true, _ activation: Activation = .identity) -> Conv2d {
            func extents(_ pair: (Int, Int)) -> Extents { Extents(height: pair.0, width: pair.1) }
            return Conv2d(
                inputShape: shape, channels: outputs, kernel: extents(window.kernel), stride: extents(window.stride),
                padding: extents(window.padding), groups: groups, bias: bias, activation: activation)
        }

        func reference(_ x: [Double], _ p: [[Double]], _ activation: Activation = .identity) -> [Double] {
            ReferenceImages.convolution(
                x, shape: shape, weight: p[0], bias: p.count > 1 ? p[1] : nil, outputs: outputs, groups: groups, window
            ).map { ReferenceLayers.activate(activation, $0) }
        }
    }

    /// Products of windows: few channels, strides, kernels larger than the image, groups; kernels smaller than their
    /// stride, which leave pixels out.
    static let direct = [
        Case(1, [1, 1, 1], 1, kernel: (1, 1)),
        Case(2, [5, 4, 3], 7, padding: (1, 1)),
        Case(1, [9, 8, 3], 5, kernel: (7, 7), stride: (2, 2), padding: (3, 3)),
        Case(2, [6, 5, 8], 4, kernel: (1, 1)),
        Case(2, [6, 5, 8], 12, kernel: (1, 1), stride: (2, 2)),
        Case(1, [2, 3, 4], 3, kernel: (5, 4), padding: (2, 3)),
        Case(1, [7, 9, 6], 4, kernel: (3, 2), stride: (2, 3), padding: (1, 0), groups: 2),
        Case(1, [6, 6, 4], 3, kernel: (2, 2), stride: (3, 4)),
        Case(2, [1, 12, 5], 6, kernel: (1, 3), padding: (0, 1)),
        Case(1, [3, 3, 40], 33, stride: (1, 2), padding: (1, 1)),
    ]
    /// Tiles: odd and even extents, paddings, channels that fill no vector; rows of two pixels; strides of two.
    static let winograd = [
        Case(1, [6, 4, 32], 32, padding: (1, 1)),
        Case(2, [5, 7, 33], 35, padding: (1, 1)),
        Case(1, [4, 5, 48], 32, padding: (0, 2)),
        Case(1, [5, 4, 32], 34, padding: (3, 0)),
        Case(3, [2, 2, 40], 37, padding: (1, 1)),
        Case(1, [2, 3, 32], 32, padding: (1, 1)),
        Case(2, [8, 8, 32], 35, stride: (2, 2), padding: (1, 1)),
        Case(1, [7, 5, 36], 32, stride: (2, 2), padding: (1, 1)),
    ]
    static let depthwise = [
        Case(2, [5, 4, 19], 19, padding: (1, 1), groups: 19),
        Case(1, [7, 6, 16], 16, kernel: (3, 5), stride: (2, 1), padding: (1, 2), groups: 16),
        Case(1, [6, 5, 2], 2, kernel: (2, 2), stride: (3, 3), groups: 2),
    ]

    @Test(arguments: direct + winograd + depthwise) func equalsReference(_ c: Case) {
        GradientCheck.check(c.layer(), rows: c.rows) { c.reference($0, $1) }
    }

    @Test(arguments: ActivationTests.activations, [direct[1], winograd[1], depthwise[0]])
    func appliesActivations(_ activation: Activation, _ c: Case) {
        for bias in [true, false] {
            GradientCheck.check(c.layer(bias: bias, activation), rows: c.rows) { c.reference($0, $1, activation) }
        }
    }

    /// An activation in the same pass gives the bits of one after the layer, forward and backward.
    @Test(arguments: ActivationTests.activations, [direct[2], winograd[1], depthwise[0]])
    func fusedActivationsHaveTheSameBits(_ activation: Activation, _ c: Case) throws {
        let plain = c.layer(), fused = try #require(plain.applying(activation))
        let separate = Sequential([plain, ActivationLayer(activation, shape: plain.outputShape)])
        let input = GradientCheck.normal([c.rows] + c.shape, 1)
        let parameters = plain.parameterShapes.enumerated().map { GradientCheck.normal($1.shape, 10 + $0) }
        let dy = GradientCheck.normal([c.rows] + plain.outputShape, 2)
        let a = LayerRun(fused, rows: c.rows, input: input, parameters: parameters, outputGradient: dy)
        let b = LayerRun(separate, rows: c.rows, input: input, parameters: parameters, outputGradient: dy)
        #expect(a.output.values == b.output.values)
        #expect(a.inputGradient.values == b.inputGradient.values)
        #expect(a.parameterGradients.map(\.values) == b.parameterGradients.map(\.values))
    }

    /// The bits of an image do not depend on the images beside it: blocks of windows or tiles cut images anywhere.
    @Test(arguments: [Case(40, [9, 8, 3], 5, padding: (1, 1)), Case(40, [6, 6, 32], 32, padding: (1, 1))])
    func imagesAreIndependent(_ c: Case) {
        let layer = c.layer(), input = GradientCheck.normal([c.rows] + c.shape, 1)
        let parameters = layer.parameterShapes.enumerated().map { GradientCheck.normal($1.shape, 10 + $0) }
        let dy = GradientCheck.normal([c.rows] + layer.outputShape, 2)
        let all = LayerRun(layer, rows: c.rows, input: input, parameters: parameters, outputGradient: dy)
        for row in [0, 1, 17, c.rows - 1] {
            let one = LayerRun(
                layer, rows: 1, input: input.rows(row..<(row + 1)), parameters: parameters,
                outputGradient: dy.rows(row..<(row + 1)), shift: row % 16)
            #expect(one.output.values == all.output.rows(row..<(row + 1)).values)
            #expect(one.inputGradient.values == all.inputGradient.rows(row..<(row + 1)).values)
        }
    }

    /// The weights' gradient over more pixels than a block, against the sum of the images' gradients.
    @Test(arguments: [Case(6, [20, 20, 3], 5, padding: (1, 1)), Case(6, [12, 14, 32], 32, padding: (1, 1))])
    func blocksOfPixelsAreAdded(_ c: Case) {
        let layer = c.layer(), input = GradientCheck.normal([c.rows] + c.shape, 1)
        let parameters = layer.parameterShapes.enumerated().map { GradientCheck.normal($1.shape, 10 + $0) }
        let dy = GradientCheck.normal([c.rows] + layer.outputShape, 2)
        let all = LayerRun(layer, rows: c.rows, input: input, parameters: parameters, outputGradient: dy)
        for p in parameters.indices {
            var sum = [Double](repeating: 0, count: parameters[p].count)
            for row in 0..<c.rows {
                let one = LayerRun(
                    layer, rows: 1, input: input.rows(row..<(row + 1)), parameters: parameters,
                    outputGradient: dy.rows(row..<(row + 1)))
                for i in sum.indices { sum[i] += Double(one.parameterGradients[p][i]) }
            }
            #expect(GradientCheck.close(all.parameterGradients[p].values, sum, limit: 2e-6))
        }
    }

    @Test func countsTheDirectSum() {
        let layer = Conv2d(inputShape: [16, 16, 64], channels: 64, kernel: 3, padding: 1)
        #expect(layer.matrixProductFLOPs(rows: 128, needsInputGradient: true) == 3 * 2 * 128 * 256 * 64 * 576)
        #expect(layer.matrixProductFLOPs(rows: 1, needsInputGradient: false) == 2 * 2 * 256 * 64 * 576)
    }

    /// N(0, 2 / (outputs · kernel)), as torchvision's residual networks.
    @Test func initialWeightsHaveTheirVariance() {
        let layer = Conv2d(
            inputShape: [8, 8, 32], channels: 64, kernel: 3, padding: 1, initialization: .normalFanOut)
        let parameters = layer.parameterShapes.map { Tensor($0.shape) }
        layer.initialize(parameters, philox: Philox(seed: 3), firstNumber: 0, scale: 1)
        let squares = parameters[0].values.reduce(0) { $0 + Double($1) * Double($1) }
        let variance = squares / Double(parameters[0].count)
        #expect(abs(variance * 64 * 9 / 2 - 1) < 0.05)
        #expect(parameters[1].values.allSatisfy { $0 == 0 })
    }

    @Test func namesWhatDoesNotFit() {
        func reason(_ kind: Conv2d.Kind, _ shape: [Int]) -> String {
            do {
                _ = try kind.layer(inputShape: shape)
                return "no error"
            } catch { return error.description }
        }
        #expect(reason(Conv2d.Kind(channels: 8), [7]).contains("follows a layer with output shape [7]"))
        #expect(reason(Conv2d.Kind(channels: 8, kernel: 5), [4, 4, 3]).contains("larger than its image of 4 × 4"))
        #expect(reason(Conv2d.Kind(channels: 8, groups: 3), [4, 4, 4]).contains("3 groups do not divide"))
        #expect(reason(Conv2d.Kind(channels: 8, kernel: 17), [40, 40, 4]).contains("up to 256"))
        #expect(reason(Conv2d.Kind(channels: 8, padding: 1), [4, 4, 3]) == "no error")
    }
}
