import CoupletNetworks
import CoupletTensors
import Testing

@Suite struct LinearTests {
    @Test(arguments: ActivationTests.activations, [(1, 1, 1), (1, 5, 3), (7, 1, 4), (5, 6, 1), (6, 17, 19)])
    func equalsReference(_ activation: Activation, _ sizes: (rows: Int, inputs: Int, outputs: Int)) {
        for bias in [true, false] {
            let layer = Linear(inputShape: [sizes.inputs], outputs: sizes.outputs, bias: bias, activation: activation)
            GradientCheck.check(layer, rows: sizes.rows) { x, p in
                ReferenceLayers.linear(
                    x, rows: sizes.rows, weight: p[0], bias: bias ? p[1] : nil, outputs: sizes.outputs, activation)
            }
        }
    }

    /// Each output is f of one chain of fused multiply-adds over the inputs plus the bias; each gradient is one chain
    /// over the outputs, or over the rows. So the bits do not depend on the instruction set.
    @Test(
        arguments: [Activation.identity, .relu, .leakyRelu(slope: 0.2)],
        [(1, 1, 1), (3, 40, 7), (14, 31, 33), (29, 70, 150)])
    func bitsAreThoseOfTheChains(_ activation: Activation, _ sizes: (rows: Int, inputs: Int, outputs: Int)) {
        let (rows, inputs, outputs) = sizes
        let x = GradientCheck.normal([rows, inputs], 1), w = GradientCheck.normal([outputs, inputs], 2)
        let b = GradientCheck.normal([outputs], 3), dy = GradientCheck.normal([rows, outputs], 4)
        let run = LayerRun(
            Linear(inputShape: [inputs], outputs: outputs, activation: activation), rows: rows, input: x,
            parameters: [w, b], outputGradient: dy)
        func chain(_ count: Int, _ term: (Int) -> (Float, Float)) -> Float {
            (0..<count).reduce(Float(0)) { $0.addingProduct(term($1).0, term($1).1) }
        }
        let slope: Float =
            switch activation {
            case .leakyRelu(let slope): slope
            case .relu: 0
            default: 1
            }
        var dz = [Float](repeating: 0, count: rows * outputs)
        for r in 0..<rows {
            for o in 0..<outputs {
                let z = chain(inputs) { (x[r * inputs + $0], w[o * inputs + $0]) } + b[o]
                #expect(run.output[r * outputs + o] == (z < 0 ? slope * z : z))
                dz[r * outputs + o] = z > 0 || slope == 1 ? dy[r * outputs + o] : slope * dy[r * outputs + o]
            }
        }
        for o in 0..<outputs {
            #expect(run.parameterGradients[1][o] == (0..<rows).reduce(0) { $0 + dz[$1 * outputs + o] })
            for i in 0..<inputs {
                let expected = chain(rows) { (dz[$0 * outputs + o], x[$0 * inputs + i]) }
                #expect(run.parameterGradients[0][o * inputs + i] == expected)
            }
        }
        for r in 0..<rows {
            for i in 0..<inputs {
                let expected = chain(outputs) { (dz[r * outputs + $0], w[$0 * inputs + i]) }
                #expect(run.inputGradient[r * inputs + i] == expected)
            }
        }
    }

    @Test func flattensImages() {
        GradientCheck.check(Linear(inputShape: [2, 3, 3], outputs: 4, activation: .gelu), rows: 3) { x, p in
            ReferenceLayers.linear(x, rows: 3, weight: p[0], bias: p[1], outputs: 4, .gelu)
        }
    }
}
