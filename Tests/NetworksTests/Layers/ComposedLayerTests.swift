import CoupletNetworks
import CoupletTensors
import Testing

/// `Sequential`, `Residual` and `ActivationLayer`.
@Suite struct ComposedLayerTests {
    @Test(arguments: ActivationTests.activations) func activationEqualsReference(_ activation: Activation) {
        GradientCheck.check(ActivationLayer(activation, shape: [3, 2]), rows: 5) { x, _ in
            x.map { ReferenceLayers.activate(activation, $0) }
        }
    }

    @Test func sequenceEqualsReference() {
        let layer = Sequential([
            Linear(inputShape: [6], outputs: 9, activation: .gelu), ActivationLayer(.tanh, shape: [9]),
            Linear(inputShape: [9], outputs: 7, bias: false), Linear(inputShape: [7], outputs: 4, activation: .gelu),
        ])
        #expect(layer.parameterShapes.map(\.name) == ["0/weight", "0/bias", "1/weight", "2/weight", "2/bias"])
        GradientCheck.check(layer, rows: 5) { x, p in
            let first = ReferenceLayers.linear(x, rows: 5, weight: p[0], bias: p[1], outputs: 9, .gelu)
            let second = ReferenceLayers.linear(
                first.map { ReferenceLayers.activate(.tanh, $0) }, rows: 5, weight: p[2], bias: nil, outputs: 7,
                .identity)
            return ReferenceLayers.linear(second, rows: 5, weight: p[3], bias: p[4], outputs: 4, .gelu)
        }
    }

    /// x + (x Wᵀ + b) = x (I + W)ᵀ + b
    @Test func residualOfALinearLayerHasAClosedForm() {
        let size = 4, rows = 3, layer = Residual([Linear(inputShape: [size], outputs: size)])
        let input = GradientCheck.normal([rows, size], 1), gradient = GradientCheck.normal([rows, size], 2)
        let parameters = [GradientCheck.normal([size, size], 3), GradientCheck.normal([size], 4)]
        let run = LayerRun(layer, rows: rows, input: input, parameters: parameters, outputGradient: gradient)
        func matrix(_ row: Int, _ column: Int) -> Double {
            Double(parameters[0][row * size + column]) + (row == column ? 1 : 0)
        }
        let x = input.values.map(Double.init), dy = gradient.values.map(Double.init)
        for row in 0..<rows {
            for i in 0..<size {
                let y = (0..<size).reduce(Double(parameters[1][i])) { $0 + x[row * size + $1] * matrix(i, $1) }
                let dx = (0..<size).reduce(0.0) { $0 + dy[row * size + $1] * matrix($1, i) }
                #expect(abs(Double(run.output[row * size + i]) - y) <= 2e-6)
                #expect(abs(Double(run.inputGradient[row * size + i]) - dx) <= 2e-6)
            }
        }
        for i in 0..<size {
            for j in 0..<size {
                let dw = (0..<rows).reduce(0.0) { $0 + dy[$1 * size + i] * x[$1 * size + j] }
                #expect(abs(Double(run.parameterGradients[0][i * size + j]) - dw) <= 2e-6)
            }
        }
    }

    /// The last layer of f computes its derivative from its own output, which y does not hold.
    @Test(arguments: ActivationTests.activations) func residualEqualsReference(_ activation: Activation) {
        let body: [any Layer] = [
            Linear(inputShape: [5], outputs: 7, activation: .tanh),
            Linear(inputShape: [7], outputs: 5, activation: activation),
        ]
        func f(_ x: [Double], _ p: [[Double]]) -> [Double] {
            let hidden = ReferenceLayers.linear(x, rows: 3, weight: p[0], bias: p[1], outputs: 7, .tanh)
            return ReferenceLayers.linear(hidden, rows: 3, weight: p[2], bias: p[3], outputs: 5, activation)
        }
        GradientCheck.check(Residual(body), rows: 3) { x, p in zip(x, f(x, p)).map { $0 + $1 } }
        let projected = Residual(body, projection: Linear(inputShape: [5], outputs: 5, activation: activation))
        #expect(projected.parameterShapes.map(\.name).suffix(2) == ["projection/weight", "projection/bias"])
        GradientCheck.check(projected, rows: 3) { x, p in
            zip(
                f(x, p),
                ReferenceLayers.linear(x, rows: 3, weight: p[4], bias: p[5], outputs: 5, activation)
            ).map { $0 + $1 }
        }
    }

    /// An encoder of a residual block with an activation after the sum: paths, gradients with the first layer's input
    /// gradient left out, and all slots of the workspace.
    @Test func encoderOfResidualBlocksEqualsReference() throws {
        let encoder = Encoder(
            layers: [
                Residual(
                    [
                        Linear(inputShape: [4], outputs: 6, activation: .gelu),
                        Residual([Linear(inputShape: [6], outputs: 6, activation: .tanh)]),
                    ], projection: Linear(inputShape: [4], outputs: 6, bias: false)),
                ActivationLayer(.gelu, shape: [6]), Linear(inputShape: [6], outputs: 3),
            ], shards: 2)
        #expect(
            encoder.layout.entries.map(\.path) == [
                "0/0/weight", "0/0/bias", "0/1/0/weight", "0/1/0/bias", "0/projection/weight", "1/weight", "1/bias",
            ])
        let rows = 4
        try EncoderCheck.check(encoder, rows: rows) { x, p in
            let first = ReferenceLayers.linear(x, rows: rows, weight: p[0], bias: p[1], outputs: 6, .gelu)
            let inner = ReferenceLayers.linear(first, rows: rows, weight: p[2], bias: p[3], outputs: 6, .tanh)
            let projected = ReferenceLayers.linear(x, rows: rows, weight: p[4], bias: nil, outputs: 6, .identity)
            let sum = zip(zip(first, inner).map { $0 + $1 }, projected).map { $0 + $1 }
            return ReferenceLayers.linear(
                sum.map { ReferenceLayers.activate(.gelu, $0) }, rows: rows, weight: p[5], bias: p[6], outputs: 3,
                .identity)
        }
    }

    /// A sequence has the bits of its layers in an encoder, forward and backward.
    @Test func sequenceHasTheBitsOfItsLayers() throws {
        let layers: [any Layer] = [
            PooledConvolution(inputShape: [1, 8, 8], channels: 5),
            Linear(inputShape: [5, 4, 4], outputs: 9, activation: .gelu),
            Linear(inputShape: [9], outputs: 3),
        ]
        let flat = Encoder(layers: layers, shards: 1), nested = Encoder(layers: [Sequential(layers)], shards: 1)
        func run(_ encoder: Encoder) -> (output: [Float], gradients: [[Float]]) {
            let parameters = Tensor([encoder.layout.count]), gradient = Tensor([encoder.layout.count])
            for (number, entry) in encoder.layout.entries.enumerated() {
                parameters.flat(entry.range).copy(from: GradientCheck.normal(entry.shape, 10 + number))
            }
            let workspace = EncoderWorkspace(encoder, rows: 6, slots: 1), output = Tensor([6, 3])
            let input = GradientCheck.normal([6, 1, 8, 8], 1)
            encoder.forward(
                input, parameters: encoder.views(of: parameters), workspace: workspace, slot: 0, output: output)
            encoder.backward(
                input: input, output: output, outputGradient: GradientCheck.normal([6, 3], 2),
                parameters: encoder.views(of: parameters), workspace: workspace, slot: 0,
                gradients: encoder.views(of: gradient)
            ) { _ in }
            return (output.values, encoder.layout.entries.map { gradient.flat($0.range).values })
        }
        let a = run(flat), b = run(nested)
        #expect(a.output == b.output && a.gradients == b.gradients)
        #expect(
            flat.matrixProductFLOPs(rows: 6) == nested.matrixProductFLOPs(rows: 6),
            "the first inner layer needs no input gradient either")
    }

    /// Inner layers start with different parameters; the initial scale applies to the last inner layer only.
    @Test func innerLayersAreInitialized() {
        func parameters(_ scale: Float) -> [[Float]] {
            let encoder = Encoder(
                layers: [
                    Sequential([Linear(inputShape: [4], outputs: 4), Linear(inputShape: [4], outputs: 4)]),
                    Residual(
                        [Linear(inputShape: [4], outputs: 4), Linear(inputShape: [4], outputs: 4)],
                        projection: Linear(inputShape: [4], outputs: 4)),
                    ActivationLayer(.relu, shape: [4]),
                ], initialScale: scale, shards: 1)
            let flat = encoder.initialParameters(philox: Philox(seed: 2), encoderNumber: 0)
            return encoder.layout.entries.filter { $0.path.hasSuffix("weight") }.map { flat.flat($0.range).values }
        }
        let whole = parameters(1), half = parameters(0.5)
        #expect(Set(whole).count == 5)
        let scales: [Float] = [1, 1, 1, 0.5, 0.5]
        #expect(zip(whole, scales).map { weight, scale in weight.map { $0 * scale } } == half)
    }
}
